"""Each rule finds what it is for, and nothing on sound LFs."""

import random
import re
from typing import Any

import pandas as pd
import pytest

from weakft import LabelingFunction, keyword_lf, regex_lf, threshold_lf
from weakft.lint import find_faults
from weakft.lint.backtracking import backtracks

ROWS = pd.DataFrame(
    {
        "id": [str(i) for i in range(80)],
        "text": [f"text {i} {'spam' if i % 2 else 'ham'}" for i in range(80)],
        "stars": [i % 5 for i in range(80)],
    }
)
bad_pattern = re.compile(r"^(\w+\s?)+:$")


def swallowing(x: Any) -> int | None:  # noqa: ANN401
    try:
        return int(x.gold)
    except:  # noqa: E722
        return 1 if x.stars > 3 else None


def rules(*lfs: Any, rows: pd.DataFrame = ROWS) -> set[tuple[str, str]]:  # noqa: ANN401
    return {(fault.lf, fault.rule) for fault in find_faults(lfs, rows, label_column="gold")}


def lf(body: Any, **settings: Any) -> LabelingFunction:  # noqa: ANN401
    return LabelingFunction("f", body, **settings)


def test_sound_lfs_have_no_findings() -> None:
    sound = [
        keyword_lf("spam", ["spam"], 1),
        threshold_lf("few", "stars", 0, at_most=1),
        lf(lambda x: 1 if x["stars"] > 3 and x.get("text").endswith("spam") else None),
    ]
    assert rules(*sound) == set()


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (lambda x: 1, "always_votes"),
        (lambda x: int(x.stars > 2), "always_votes"),
        (lambda x: None, "never_votes"),
        (lambda x: 1 if x.get("gold", 0) else None, "reads_label"),
        (lambda x: 1 if x.stars > 3 and x.gold else None, "reads_label"),
        (lambda x: 1 if x.stars > 3 and x["gold"] else None, "reads_label"),
        (swallowing, "reads_label"),
        (lambda x: 1 if bad_pattern.search(x.text) else None, "backtracks"),
        (lambda x: 1 if random.random() < 0.5 else None, "impure"),
    ],
)
def test_each_rule_finds_its_fault(body: Any, rule: str) -> None:  # noqa: ANN401
    assert ("f", rule) in rules(lf(body))


def test_declared_impurity_is_no_finding() -> None:
    assert rules(lf(lambda x: 1 if random.random() < 0.5 else None, pure=False)) == set()


def test_near_copies_are_named_once() -> None:
    twins = [keyword_lf("one", ["spam"], 1), regex_lf("two", "spa", 1)]
    assert rules(*twins) == {("two", "near_copy")}


def test_few_rows_prove_nothing() -> None:
    assert rules(lf(lambda x: 1), rows=ROWS.head(10)) == set()


@pytest.mark.parametrize(
    "pattern",
    [
        r"^(a+)+$",
        r"(\w+\s*)+:",
        r"x(?:a|aa)+y",
        r"(a*)*b",
        r"\b(x{1,3})+\b",
        r"pre(?:[a-z]+|\d)*!z",
        r"([^x]+)*y",
    ],
)
def test_exponential_patterns_are_found(pattern: str) -> None:
    assert backtracks(re.compile(pattern)) is not None


@pytest.mark.parametrize(
    "pattern",
    [r"(\w+ )+now", r"([^\s]+ )*(now)( |$)", r"free|win", r"(ab|cd)+e", r".*=", r"\b(xy{1,3}z)+\b"],
)
def test_harmless_patterns_pass(pattern: str) -> None:
    assert backtracks(re.compile(pattern)) is None
