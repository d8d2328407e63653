"""Examples are held to by `weakft check` and by pytest."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from weakft import labeling_function, threshold_lf
from weakft.errors import LFTestFailed
from weakft.lf import load_lfs
from weakft.lf.fingerprint import fingerprint
from weakft.lint import failed_examples
from weakft.project import Project


def decided(**told: Any) -> Any:  # noqa: ANN401
    @labeling_function("spam", **told)
    def spam(x: Any) -> int | None:  # noqa: ANN401
        return {"buy": 1, "hi": 0, "odd": 7.5}[x.text] if x.text != "" else None  # type: ignore[return-value]

    return spam


def test_examples_that_hold_say_nothing() -> None:
    assert failed_examples(decided(examples={"buy": 1, "hi": 0}, abstains=[""])) == []
    assert failed_examples(decided()) == []


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"examples": {"hi": 1}}, "spam: wanted yes on 'hi', got no."),
        ({"abstains": ["buy"]}, "spam: wanted an abstain on 'buy', got yes."),
        ({"examples": {"": 0}}, "spam: wanted no on '', got an abstain."),
        ({"examples": {"new": 0}}, "spam: wanted no on 'new', got KeyError: 'new'."),
    ],
)
def test_an_example_that_does_not_hold_is_told(told: dict[str, Any], sentence: str) -> None:
    assert failed_examples(decided(**told), classes=["no", "yes"]) == [sentence]


def test_a_vote_that_is_none_is_told() -> None:
    (sentence,) = failed_examples(decided(examples={"odd": 1}))
    assert "returned 7.5 (float)" in sentence


def test_examples_may_hold_other_columns() -> None:
    lf = threshold_lf("cheap", "price", 1, at_most=5).expecting(
        [({"price": 3}, 1)], abstains=[{"price": 9}, {"price": None}]
    )
    assert failed_examples(lf) == []
    assert failed_examples(lf.expecting([({"price": 9}, 1)])) != []


def test_examples_do_not_touch_kept_votes() -> None:
    assert fingerprint(decided()) == fingerprint(decided(examples={"hi": 1}))


@pytest.fixture
def with_examples(project: Path) -> Path:
    file = project / "labeling" / "tiny.py"
    file.write_text(
        file.read_text().replace(
            'blames = keyword_lf("blames", ["bad", "broke", "awful"], 0)',
            'blames = keyword_lf("blames", ["bad"], 0).expecting({"so bad": 0}, ["badly"])',
        )
    )
    return project


def pytest_on(project: Path) -> str:
    command = [sys.executable, "-m", "pytest", "labeling", "-rs", "-p", "no:cacheprovider", "-v"]
    return subprocess.run(command, cwd=project, capture_output=True, text=True).stdout


def test_pytest_tests_lfs(with_examples: Path) -> None:
    told = pytest_on(with_examples)
    assert "1 passed, 3 skipped" in told


def test_pytest_fails_where_an_example_does(with_examples: Path) -> None:
    file = with_examples / "labeling" / "tiny.py"
    file.write_text(file.read_text().replace('"badly"', '"bad luck"'))
    told = pytest_on(with_examples)
    assert "1 failed, 3 skipped" in told
    assert "blames: wanted an abstain on 'bad luck', got bad." in told


def test_check_refuses_what_fails(with_examples: Path) -> None:
    from weakft.cli.check import _hold_to_examples

    opened = Project.open(with_examples)

    def held() -> int:
        lfs = load_lfs(opened.lf_files, opened.root)
        return _hold_to_examples(opened, lfs)

    assert held() == 2
    file = with_examples / "labeling" / "tiny.py"
    file.write_text(file.read_text().replace('"so bad": 0', '"so good": 0'))
    with pytest.raises(LFTestFailed, match="blames: wanted bad on 'so good', got an abstain"):
        held()
