"""Texts become harmless where Markdown, a spreadsheet or a terminal would take them for more."""

import csv
import importlib.util
import io
from types import ModuleType

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.app.conftest import APP

MARKDOWN = "\\`*_{}[]()<>#+-.!|~:$"


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("app_shown", APP.with_name("shown.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


shown = loaded()


@given(st.text(alphabet=f"{MARKDOWN}ab \n"))
def test_plain_escapes_each_mark_and_changes_nothing_else(text: str) -> None:
    assert shown.plain(text) == "".join(f"\\{c}" if c in MARKDOWN else c for c in text)


@given(st.text())
def test_visible_leaves_no_control_character(text: str) -> None:
    seen = shown.visible(text)
    assert len(seen) == len(text)
    hidden = [c for c in seen if ord(c) < 32 and c not in "\n\t"]
    turning = [c for c in seen if 0x202A <= ord(c) <= 0x202E or 0x2066 <= ord(c) <= 0x2069]
    assert not hidden + turning


@pytest.mark.parametrize("text", ["naïve ☃, line\nand\ttab", "日本語", "عربي", "👩‍👩‍👧"])
def test_visible_leaves_texts_as_they_are(text: str) -> None:
    assert shown.visible(text) == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_formula_is_none_in_a_csv(text: str) -> None:
    table = pd.DataFrame({"id": [text], "text": [f"a{text}"], "loss": [-1.5]})
    read = pd.read_csv(io.BytesIO(shown.safe_csv(table)), dtype="str")
    assert read["id"].tolist() == [f"'{text}"]
    assert read["text"].tolist() == [f"a{text}"]
    assert read["loss"].tolist() == ["-1.500000"], "a number is a number"


@given(st.lists(st.text(alphabet="=+-@\t\r\n\",ab 1'"), min_size=1))
def test_no_cell_of_a_csv_begins_like_a_formula(texts: list[str]) -> None:
    content = shown.safe_csv(pd.DataFrame({"text": texts})).decode()
    cells = [row[0] if row else "" for row in csv.reader(io.StringIO(content, newline=""))][1:]
    assert len(cells) == len(texts)
    for cell, text in zip(cells, texts, strict=True):
        computed = text.lstrip("'").startswith(tuple("=+-@\t\r\n"))
        assert cell == (f"'{text}" if computed else text)


@pytest.mark.parametrize(
    ("support", "told"),
    [(0, "no evidence"), (1, "10% to 90%, 1 vote"), (1200, "10% to 90%, 1,200 votes")],
)
def test_no_number_goes_without_its_evidence(support: int, told: str) -> None:
    assert shown.interval(0.1, 0.9, support, "votes") == told


def test_scores() -> None:
    assert shown.score(None) == shown.score({}) == ("–", "no evidence")
    score = {"value": 0.5, "low": 0.25, "high": 0.75, "support": 8}
    assert shown.score(score) == ("50.0%", "25% to 75%, 8 rows")


def test_a_matrix_of_77_classes_is_drawn() -> None:
    """Its 5929 cells are more than Altair takes by itself."""
    classes = [f"c{k}" for k in range(77)]
    cells = pd.DataFrame([(g, p, 1, 0.1) for g in classes for p in classes])
    cells.columns = ["gold", "predicted", "rows", "share"]
    drawn = shown._specification("confusion", cells, classes, None, None)
    assert [len(rows) for rows in drawn["datasets"].values()] == [77 * 77]
