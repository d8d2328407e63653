"""The end model: against its rivals, where it is wrong, and how sure it may be."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from weakft.charts.palette import (
    FEW,
    GREY,
    INK,
    MATRIX_CLASSES,
    MOST_DRAWN,
    WRONG,
    Chart,
    names_axis,
    share_axis,
)

LARGEST_CONFUSIONS = 20


def scoreboard(board: pd.DataFrame, metric: str, title: str, names: bool = True) -> Chart:
    """Each model's score with its interval, the end model in colour.

    Args:
        board: as `Report.scoreboard` gives it.
        metric: "accuracy" or "macro_f1".
        title: of the axis.
        names: write the models' names; not where a chart with the same order stands left.
    """
    order = board["model"].tolist()
    y = alt.Y("model:N", sort=order, title=None, axis=names_axis(300) if names else None)
    base = alt.Chart(board.assign(ours=board["key"] == "end_model")).encode(
        y=y,
        color=alt.condition("datum.ours", alt.value(INK), alt.value(GREY)),
        tooltip=[
            "model:N",
            alt.Tooltip(f"{metric}:Q", format=".1%", title="score"),
            alt.Tooltip(f"{metric}_low:Q", format=".1%", title="from"),
            alt.Tooltip(f"{metric}_high:Q", format=".1%", title="to"),
            alt.Tooltip("rows:Q"),
        ],
    )
    interval = base.mark_rule(strokeWidth=3).encode(
        x=share_axis(f"{metric}_low", title, whole=False), x2=f"{metric}_high:Q"
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(x=f"{metric}:Q")
    text = base.mark_text(dy=-13).encode(
        x=f"{metric}:Q", text=alt.Text(f"{metric}:Q", format=".1%")
    )
    return alt.layer(interval, points, text).properties(height=36 * len(board) + 90)


def matrix_size(cardinality: int) -> int:
    """Height and width of a confusion matrix in pixels: the more classes, the smaller its cells.

    Example:
        >>> matrix_size(2), matrix_size(20), matrix_size(77)
        (300, 880, 924)
    """
    return max(300, _step(cardinality) * cardinality)


def _step(cardinality: int) -> int:
    return max(12, min(44, 900 // cardinality))


def confusion(
    cells: pd.DataFrame, classes: Sequence[str], gold: str | None, predicted: str | None
) -> Chart:
    """Gold against predicted, shaded by the share of each gold class; a cell can be clicked.

    Of more than 100 classes the 20 largest confusions instead, a bar each.

    Args:
        cells: as `Report.confusion` gives them.
        classes: class names, in order.
        gold: outline the cells of this gold class; of all, if None.
        predicted: likewise for the predicted class.

    Returns:
        A chart whose selection is named "cell".
    """
    chosen = (gold is None) | (cells["gold"] == gold)
    chosen &= (predicted is None) | (cells["predicted"] == predicted)
    if len(classes) > MATRIX_CLASSES:
        return _largest_confusions(cells[chosen])
    outlined = chosen & (gold is not None or predicted is not None)
    names: dict[str, Any] = {"labelLimit": 110, "labelFlush": False, "labelOverlap": False}
    angle = 0 if len(classes) <= FEW else -90
    base = alt.Chart(cells.assign(outlined=outlined)).encode(
        x=alt.X(
            "predicted:N",
            sort=list(classes),
            title="predicted",
            axis=alt.Axis(labelAngle=angle, **names),
        ),
        y=alt.Y("gold:N", sort=list(classes), title="gold", axis=alt.Axis(**names)),
        tooltip=["gold:N", "predicted:N", "rows:Q", alt.Tooltip("share:Q", format=".1%")],
    )
    shade = base.mark_rect().encode(
        color=alt.Color(
            "share:Q",
            scale=alt.Scale(domain=[0, 1], range=["#EEF2F7", "#0072B2"]),
            legend=alt.Legend(title="of gold", format=".0%"),
        ),
        stroke=alt.condition("datum.outlined", alt.value("#D55E00"), alt.value("#FFFFFF")),
        strokeWidth=alt.condition("datum.outlined", alt.value(3), alt.value(1)),
    )
    cell = alt.selection_point(name="cell", fields=["gold", "predicted"], toggle=False)
    text = base.mark_text(fontSize=15).encode(
        text="rows:Q",
        color=alt.condition("datum.share > 0.5", alt.value("#FFFFFF"), alt.value("#1A1A1A")),
    )
    layers = [shade.add_params(cell), *([text] if _step(len(classes)) >= 24 else [])]
    return alt.layer(*layers).properties(height=matrix_size(len(classes)))


def largest_confusions(cells: pd.DataFrame) -> pd.DataFrame:
    """The 20 pairs of classes that are taken for each other most often, right answers left out.

    Args:
        cells: as `Report.confusion` gives them.
    """
    wrong = cells[(cells["gold"] != cells["predicted"]) & (cells["rows"] > 0)]
    return wrong.nlargest(LARGEST_CONFUSIONS, "rows")


def _largest_confusions(cells: pd.DataFrame) -> Chart:
    largest = largest_confusions(cells)
    pairs = largest.assign(pair=largest["gold"] + " → " + largest["predicted"])
    cell = alt.selection_point(name="cell", fields=["gold", "predicted"], toggle=False)
    names = alt.Y("pair:N", sort=pairs["pair"].tolist(), title=None, axis=names_axis(340))
    chart: Chart = (
        alt.Chart(pairs)
        .mark_bar(color=WRONG)
        .encode(
            y=names,
            x=alt.X("rows:Q", title="rows: gold → predicted", axis=alt.Axis(tickMinStep=1)),
            tooltip=["gold:N", "predicted:N", "rows:Q", alt.Tooltip("share:Q", format=".1%")],
        )
        .add_params(cell)
        .properties(height=22 * len(pairs) + 60)
    )
    return chart


def reliability(bins: pd.DataFrame) -> Chart:
    """Accuracy against confidence; on the diagonal, confidence is what it says.

    Args:
        bins: as `weakft.tables.summaries.calibration` gives them.
    """
    diagonal = (
        alt.Chart(pd.DataFrame({"confidence": [0, 1], "accuracy": [0, 1]}))
        .mark_line(strokeDash=[4, 4], color=GREY)
        .encode(x="confidence:Q", y="accuracy:Q")
    )
    base = alt.Chart(bins).encode(
        x=alt.X(
            "confidence:Q",
            title="confidence",
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(format=".0%"),
        ),
        tooltip=[
            alt.Tooltip("confidence:Q", format=".0%"),
            alt.Tooltip("accuracy:Q", format=".0%"),
            alt.Tooltip("accuracy_low:Q", format=".0%", title="from"),
            alt.Tooltip("accuracy_high:Q", format=".0%", title="to"),
            alt.Tooltip("accuracy_support:Q", title="rows"),
        ],
    )
    axis = alt.Axis(format=".0%")
    intervals = base.mark_rule(strokeWidth=2, color=INK).encode(
        y=alt.Y("accuracy_low:Q", title="accuracy (95% interval)", axis=axis),
        y2="accuracy_high:Q",
    )
    points = base.mark_point(filled=True, size=70, color=INK, opacity=1).encode(y="accuracy:Q")
    return alt.layer(diagonal, intervals, points).properties(height=280)


def acceptance(curve: pd.DataFrame, wanted: float) -> Chart:
    """Precision of the model's surest answers against the share of rows they are.

    Args:
        curve: columns threshold, accepted, precision with its interval.
        wanted: precision, drawn as a line.
    """
    base = alt.Chart(curve).encode(
        x=alt.X("accepted:Q", title="share of rows accepted", axis=alt.Axis(format=".0%")),
        tooltip=[
            alt.Tooltip("threshold:Q", format=".1%", title="confidence at least"),
            alt.Tooltip("accepted:Q", format=".0%"),
            alt.Tooltip("precision:Q", format=".1%"),
            alt.Tooltip("precision_low:Q", format=".1%", title="from"),
            alt.Tooltip("precision_high:Q", format=".1%", title="to"),
        ],
    )
    y = alt.Y("precision:Q", title="right among them", axis=alt.Axis(format=".0%"))
    band = base.mark_area(opacity=0.25, color=INK).encode(
        y=alt.Y("precision_low:Q", scale=alt.Scale(zero=False)), y2="precision_high:Q"
    )
    line = base.mark_line(color=INK).encode(y=y)
    limit = (
        alt.Chart(pd.DataFrame({"precision": [wanted]}))
        .mark_rule(strokeDash=[4, 4], color=GREY)
        .encode(y="precision:Q")
    )
    return alt.layer(band, line, limit).properties(height=240)


def slices(table: pd.DataFrame) -> Chart:
    """Accuracy on each slice with its interval, all rows in colour.

    Of many slices those that are surely worst, and all rows.

    Args:
        table: columns slice, accuracy, its interval and accuracy_support.
    """
    if len(table) > MOST_DRAWN:
        whole = table["slice"] == "all rows"
        worst = table[~whole].nsmallest(MOST_DRAWN, "accuracy_high").index
        table = table[whole | table.index.isin(worst)]
    base = alt.Chart(table.assign(whole=table["slice"] == "all rows")).encode(
        y=alt.Y("slice:N", sort=table["slice"].tolist(), title=None, axis=names_axis(260)),
        color=alt.condition("datum.whole", alt.value(INK), alt.value(GREY)),
        tooltip=[
            "slice:N",
            alt.Tooltip("accuracy:Q", format=".0%"),
            alt.Tooltip("accuracy_low:Q", format=".0%", title="from"),
            alt.Tooltip("accuracy_high:Q", format=".0%", title="to"),
            alt.Tooltip("accuracy_support:Q", title="rows"),
        ],
    )
    interval = base.mark_rule(strokeWidth=2).encode(
        x=share_axis("accuracy_low", "accuracy (95% interval)"), x2="accuracy_high:Q"
    )
    points = base.mark_point(filled=True, size=60, opacity=1).encode(x="accuracy:Q")
    return alt.layer(interval, points).properties(height=20 * len(table) + 60)


def mistakes_by_state(states: pd.DataFrame, means: Mapping[str, str]) -> Chart:
    """Right and wrong rows by what the LFs say of them; a bar can be clicked.

    Args:
        states: columns state, rows, wrong.
        means: what each state means, in words.

    Returns:
        A chart whose selection is named "state".
    """
    table = states.assign(
        right=states["rows"] - states["wrong"], meaning=states["state"].map(dict(means))
    ).melt(["state", "meaning", "rows"], ["wrong", "right"], "model", "count")
    state = alt.selection_point(name="state", fields=["state"], toggle=False)
    chart: Chart = (
        alt.Chart(table)
        .mark_bar()
        .encode(
            y=alt.Y("meaning:N", sort=list(means.values()), title=None, axis=names_axis(220)),
            x=alt.X("count:Q", title="rows"),
            color=alt.Color(
                "model:N",
                scale=alt.Scale(domain=["wrong", "right"], range=[WRONG, GREY]),
                legend=alt.Legend(title="model", orient="top", direction="vertical"),
            ),
            order=alt.Order("model:N", sort="descending"),
            tooltip=["meaning:N", "model:N", alt.Tooltip("count:Q", title="rows")],
        )
        .add_params(state)
        .properties(height=220)
    )
    return chart
