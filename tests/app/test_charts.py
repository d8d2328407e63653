"""The charts are valid, keep a class's colour, and lose no row."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import pytest

from weakft import charts
from weakft.charts.palette import WRONG
from weakft.label_models import make_label_model
from weakft.tables.summaries import calibration, pairs

CLASSES = ["ham", "spam"]


def rows_of(chart: alt.TopLevelMixin) -> list[list[dict[str, Any]]]:
    return list(chart.to_dict()["datasets"].values())


def selections_of(chart: alt.TopLevelMixin) -> dict[str, list[str]]:
    """Fields of each selection that a click makes."""
    params = chart.to_dict()["params"]
    return {param["name"]: param["select"]["fields"] for param in params if "select" in param}


@pytest.mark.parametrize("k", [2, 7, 20])
def test_a_class_has_one_colour_and_what_is_none_is_grey(k: int) -> None:
    classes = [f"c{i}" for i in range(k)]
    alone, more = charts.class_colours(classes), charts.class_colours(classes, "other")
    assert more["range"] == [*alone["range"], charts.GREY]
    assert len(set(alone["range"])) == min(k, len(charts.PALETTE))
    assert charts.GREY not in alone["range"]


def test_class_shares_are_those_given() -> None:
    (data,) = rows_of(charts.class_shares({"ham": 0.25, "spam": 0.75}, CLASSES))
    assert data == [{"class": "ham", "share": 0.25}, {"class": "spam", "share": 0.75}]


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
    assert [(row["lf"], row["class"]) for row in data] == [("a", "ham"), ("b", "(several)")]


def test_estimates_that_dev_rules_out_are_marked() -> None:
    """The mark is a condition on the data: the interval leaves the estimate out, on either side."""
    lfs = pd.DataFrame({"lf": ["a"], "votes_for": ["ham"], "support": [9], "accuracy": [0.5]})
    bounds = {"accuracy_low": 0.4, "accuracy_high": 0.6, "estimated_accuracy": 0.7}
    layers = charts.lf_accuracies(lfs.assign(**bounds), CLASSES).to_dict()["layer"]
    (tick,) = (layer for layer in layers if layer["mark"]["type"] == "tick")
    colour = tick["encoding"]["color"]
    assert (colour["condition"]["value"], colour["value"]) == (WRONG, charts.GREY)
    assert colour["condition"]["test"] == (
        "datum.estimated_accuracy < datum.accuracy_low || "
        "datum.estimated_accuracy > datum.accuracy_high"
    )


def test_the_histogram_shows_every_bar_once() -> None:
    bars = [
        {"label": "ham", "low": 0.5, "high": 0.55, "rows": 3},
        {"label": "spam", "low": 0.95, "high": 1.0, "rows": 4},
    ]
    (data,) = rows_of(charts.confidences(pd.DataFrame(bars), CLASSES))
    assert data == bars


def test_an_explanation_has_a_bar_for_each_vote_and_class() -> None:
    L = np.array([[1, 0, -1], [1, -1, 1], [0, 0, -1]], dtype=np.int8)
    told = make_label_model("one_coin", 2).fit(L).explain([1, -1, 0])
    chart = charts.explanation(told, CLASSES)
    (data,) = rows_of(chart)
    parts = list(dict.fromkeys(row["part"] for row in data))
    assert parts == ["before any vote", "lf_0", "lf_2"]
    added = {k: sum(row["adds"] for row in data if row["class"] == k) for k in CLASSES}
    odds = np.log(told.probs[1]) - np.log(told.probs[0])
    assert added["spam"] - added["ham"] == pytest.approx(odds)
    ham, spam = told.probs
    assert chart.to_dict()["title"] == f"Together: ham {ham:.0%}, spam {spam:.0%}"


def height_and_legends(chart: alt.TopLevelMixin) -> tuple[int, list[Any]]:
    """Its height, and the legends of its colours for classes: None, {} or what it holds."""
    content = chart.to_dict()
    layers = content.get("layer", [content])
    colours = [layer["encoding"].get("color", {}) for layer in layers]
    named = [c for c in colours if c.get("field") in ("class", "label")]
    return content["height"], [c.get("legend", {}) for c in named]


@pytest.mark.parametrize(("k", "has_legend"), [(2, True), (10, True), (11, False), (77, False)])
def test_many_classes_leave_room_for_the_chart(k: int, has_legend: bool) -> None:
    classes = [f"c{i}" for i in range(k)]
    bars = pd.DataFrame([{"label": name, "low": 0.5, "high": 0.55, "rows": 3} for name in classes])
    lfs = pd.DataFrame({"lf": ["a"], "votes_for": ["c1"], "support": [9], "accuracy": [0.5]})
    lfs = lfs.assign(accuracy_low=0.4, accuracy_high=0.6, estimated_accuracy=0.5)
    L = np.array([[1, 0, -1], [1, -1, 1], [0, 0, -1]], dtype=np.int8)
    told = make_label_model("one_coin", k).fit(L).explain([1, -1, 0])
    drawn = [
        charts.confidences(bars, classes),
        charts.lf_accuracies(lfs, classes),
        charts.explanation(told, classes),
    ]
    for chart in drawn:
        height, legends = height_and_legends(chart)
        assert height <= 1300 and legends
        assert all((legend is not None) == has_legend or chart is drawn[2] for legend in legends)
    height, _ = height_and_legends(charts.class_shares(dict.fromkeys(classes, 1 / k), classes))
    assert height <= 1300


def test_of_many_classes_the_likeliest_are_explained() -> None:
    classes = [f"c{i}" for i in range(77)]
    L = np.array([[1, 70, -1], [1, -1, 1], [70, 70, -1]], dtype=np.int8)
    told = make_label_model("one_coin", 77).fit(L).explain([1, -1, 70])
    chart = charts.explanation(told, classes)
    (data,) = rows_of(chart)
    drawn = {row["class"] for row in data}
    assert len(drawn) == 10 and {"c1", "c70"} <= drawn
    assert "67 others" in chart.to_dict()["title"]


@pytest.mark.parametrize(("k", "marks"), [(10, ["rect", "text"]), (77, ["rect"])])
def test_a_matrix_of_many_classes_fits_a_screen(k: int, marks: list[str]) -> None:
    """Without numbers in its cells, which a tooltip tells."""
    classes = [f"c{i}" for i in range(k)]
    pairs = [{"gold": g, "predicted": p, "rows": 1, "share": 0.1} for g in classes for p in classes]
    with alt.data_transformers.enable("default", max_rows=None):
        content = charts.confusion(pd.DataFrame(pairs), classes, None, None).to_dict()
    assert content["height"] <= 1000
    assert [layer["mark"]["type"] for layer in content["layer"]] == marks


@pytest.mark.parametrize(("kind", "rows", "times"), [("conflict", 1, 1.0), ("agree", 2, 1.25)])
def test_pairs_stand_on_both_sides_and_are_held_against_chance(
    kind: str, rows: int, times: float
) -> None:
    """Expected are 1 conflict and 1.5 agreements: (1 + .5) / 1.5 and (2 + .5) / 2."""
    L = np.array([[1, 1], [1, 1], [0, 1], [0, -1], [-1, -1], [1, -1]], dtype=np.int8)
    chart = charts.pair_heat_map(pd.DataFrame(pairs(L, "ab")), ["a", "b"], kind)
    (data,) = rows_of(chart)
    assert [(row["first"], row["second"]) for row in data] == [("a", "b"), ("b", "a")]
    assert {(row["rows"], row["times"]) for row in data} == {(rows, times)}
    assert {round(row["shade"], 6) for row in data} == {round(float(np.log2(times)), 6)}
    assert selections_of(chart) == {"cell": ["first", "second"]}


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
    chart = charts.confusion(cells, CLASSES, gold, predicted)
    (data,) = rows_of(chart)
    assert sum(bool(row["outlined"]) for row in data) == outlined
    assert sum(row["rows"] for row in data) == 4
    assert selections_of(chart) == {"cell": ["gold", "predicted"]}


@pytest.mark.parametrize("metric", ["macro_f1", "accuracy"])
def test_the_scoreboard_marks_the_end_model(metric: str) -> None:
    names = [f"{metric}{end}" for end in ("", "_low", "_high")]
    board = pd.DataFrame(
        {"key": ["gold_only", "end_model"], "model": ["gold", "ours"], "rows": [9, 9]}
        | {name: [0.5, 0.6] for name in names}
    )
    (data,) = rows_of(charts.scoreboard(board, metric, "score"))
    assert [row["ours"] for row in data] == [False, True]


def test_reliability_draws_each_bin_and_the_diagonal() -> None:
    confidence, right = np.array([0.55, 0.95, 0.97]), np.array([False, True, True])
    bins = calibration(confidence, right, np.ones(3, dtype=bool))
    diagonal, drawn = sorted(
        rows_of(charts.reliability(pd.DataFrame(bins))), key=lambda d: len(d[0])
    )
    assert diagonal == [{"confidence": 0, "accuracy": 0}, {"confidence": 1, "accuracy": 1}]
    assert [(row["accuracy"], row["accuracy_support"]) for row in drawn] == [(0, 1), (1, 2)]


def test_acceptance_draws_the_wish_as_a_line() -> None:
    point = {"threshold": 0.9, "accepted": 0.5, "precision": 0.8}
    curve = pd.DataFrame([{**point, "precision_low": 0.7, "precision_high": 0.9}])
    data = rows_of(charts.acceptance(curve, 0.75))
    assert [{"precision": 0.75}] in data
    assert len(data) == 2


def test_mistakes_and_right_rows_add_up() -> None:
    states = pd.DataFrame({"state": ["none", "wrong"], "rows": [5, 3], "wrong": [2, 3]})
    chart = charts.mistakes_by_state(states, {"none": "no vote", "wrong": "LFs wrong"})
    (data,) = rows_of(chart)
    counted = {(row["meaning"], row["model"]): row["count"] for row in data}
    assert counted == {
        ("no vote", "wrong"): 2,
        ("no vote", "right"): 3,
        ("LFs wrong", "wrong"): 3,
        ("LFs wrong", "right"): 0,
    }
    assert selections_of(chart) == {"state": ["state"]}


def test_slices_are_drawn_as_given() -> None:
    names = ("accuracy", "accuracy_low", "accuracy_high")
    table = pd.DataFrame({"slice": ["all rows", "no LF votes"], "accuracy_support": [9, 1]})
    drawn = rows_of(charts.slices(table.assign(**dict.fromkeys(names, 0.5))))
    assert [row["slice"] for row in max(drawn, key=len)] == ["all rows", "no LF votes"]


def test_the_history_marks_the_run_shown_and_leaves_out_those_without_score() -> None:
    runs = [f"2026112{day}-101500000-aaaa" for day in range(4)]
    table = pd.DataFrame({"run": runs, "created": "", "LFs": 3, "support": 9})
    for name in ("macro_f1", "macro_f1_low", "macro_f1_high"):
        table[name] = [0.5, None, 0.6, 0.7]
    (data,) = rows_of(charts.score_history(table, runs[3], runs[2]))
    assert [(row["run"], row["which"]) for row in data] == [
        (runs[0], "other runs"),
        (runs[2], "in service"),
        (runs[3], "this run"),
    ]
    (data,) = rows_of(charts.score_history(table, runs[2], runs[2]))
    assert [row["which"] for row in data] == ["other runs", "this run, in service", "other runs"]


def test_of_many_classes_the_largest_confusions_are_drawn() -> None:
    """Class i is taken for the next i times; nothing is drawn of right answers."""
    k = 120
    names = [f"c{i}" for i in range(k)]
    counts = np.eye(k, dtype=int) * 50
    counts[np.arange(k), (np.arange(k) + 1) % k] = np.arange(k)
    pairs = pd.MultiIndex.from_product([names] * 2, names=["gold", "predicted"])
    cells = pd.DataFrame({"rows": counts.ravel(), "share": 0.1}, index=pairs).reset_index()
    chart = charts.confusion(cells, names, None, None)
    (data,) = rows_of(chart)
    assert [row["pair"] for row in data][:2] == ["c119 → c0", "c118 → c119"]
    assert [row["rows"] for row in data] == list(range(119, 99, -1))
    assert selections_of(chart) == {"cell": ["gold", "predicted"]}
    (data,) = rows_of(charts.confusion(cells, names, "c3", None))
    assert [row["pair"] for row in data] == ["c3 → c4"]


def test_of_many_lfs_and_slices_those_that_matter_are_drawn() -> None:
    n = 200
    share = np.linspace(0.1, 0.9, n)
    table = pd.DataFrame({"slice": [f"s{i}" for i in range(n - 1)] + ["all rows"]})
    table = table.assign(accuracy=share, accuracy_low=share, accuracy_high=share)
    drawn = max(rows_of(charts.slices(table.assign(accuracy_support=9))), key=len)
    assert [row["slice"] for row in drawn] == [*(f"s{i}" for i in range(60)), "all rows"]
    lfs = pd.DataFrame({"lf": [f"lf{i}" for i in range(n)], "votes_for": "ham"})
    lfs = lfs.assign(accuracy=0.5, accuracy_low=0.4, accuracy_high=0.6, estimated_accuracy=0.5)
    chart = charts.lf_accuracies(lfs.assign(support=range(n)), CLASSES)
    assert {row["lf"] for row in max(rows_of(chart), key=len)} == {f"lf{i}" for i in range(140, n)}
