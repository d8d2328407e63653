"""The charts are valid, keep a class's colour, and lose no row."""

import importlib.util

import altair as alt
import pandas as pd
import pytest

from tests.app.conftest import APP

spec = importlib.util.spec_from_file_location("app_charts", APP.with_name("charts.py"))
assert spec is not None
assert spec.loader is not None
charts = importlib.util.module_from_spec(spec)
spec.loader.exec_module(charts)

CLASSES = ["ham", "spam"]


def rows_of(chart: alt.TopLevelMixin) -> list[list[dict[str, object]]]:
    return list(chart.to_dict()["datasets"].values())


@pytest.mark.parametrize("k", [2, 7, 20])
def test_a_class_has_one_colour_and_what_is_none_is_grey(k: int) -> None:
    classes = [f"c{i}" for i in range(k)]
    alone, more = charts.class_colours(classes), charts.class_colours(classes, "other")
    assert more["range"] == [*alone["range"], charts.GREY]
    assert len(set(alone["range"])) == min(k, len(charts.PALETTE))
    assert charts.GREY not in alone["range"]


def test_lfs_without_evidence_are_not_drawn() -> None:
    lfs = pd.DataFrame(
        {
            "lf": ["a", "b", "c"],
            "votes_for": ["ham", "ham, spam", "spam"],
            "accuracy": [0.5, 0.9, None],
            "accuracy_low": [0.2, 0.8, None],
            "accuracy_high": [0.8, 0.95, None],
            "support": [4, 50, 0],
            "estimated_accuracy": [0.6, 0.9, 0.7],
        }
    )
    data = max(rows_of(charts.lf_accuracies(lfs, CLASSES)), key=len)
    assert [(row["lf"], row["class"]) for row in data] == [("a", "ham"), ("b", charts.SEVERAL)]


def test_the_histogram_counts_every_row_once() -> None:
    rows = pd.DataFrame(
        {"confidence": [0.5, 0.55, 1.0, 1.0, None], "label": ["ham", "ham", "spam", "spam", None]}
    )
    (data,) = rows_of(charts.confidences(rows, CLASSES))
    counted = {(row["label"], row["low"]): row["rows"] for row in data}
    bins = {name: round(low, 2) for name, low in counted}
    assert bins == {"ham": 0.55, "spam": 0.95, charts.UNCOVERED: 0.0}
    assert sum(counted.values()) == 5


@pytest.mark.parametrize(
    ("gold", "predicted", "outlined"),
    [(None, None, 0), ("ham", None, 2), (None, "spam", 2), ("ham", "spam", 1)],
)
def test_the_chosen_cells_are_outlined(
    gold: str | None, predicted: str | None, outlined: int
) -> None:
    cells = pd.DataFrame(
        {
            "gold": ["ham", "ham", "spam", "spam"],
            "predicted": ["ham", "spam", "ham", "spam"],
            "rows": [3, 1, 0, 0],
            "share": [0.75, 0.25, 0.0, 0.0],
        }
    )
    (data,) = rows_of(charts.confusion(cells, CLASSES, gold, predicted))
    assert sum(bool(row["outlined"]) for row in data) == outlined


def test_the_scoreboard_marks_the_end_model() -> None:
    board = pd.DataFrame(
        {"key": ["gold_only", "end_model"], "model": ["gold", "ours"], "rows": [9, 9]}
        | {name: [0.5, 0.6] for name in ("macro_f1", "macro_f1_low", "macro_f1_high")}
    )
    (data,) = rows_of(charts.scoreboard(board, "macro_f1", "macro-F1"))
    assert [row["ours"] for row in data] == [False, True]
