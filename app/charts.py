"""Tidy tables in, Altair charts out; pure functions, no Streamlit.

One palette (Okabe and Ito, told apart by the colour-blind): a class has the same colour on
every page, rows without a label are grey, and what is no class is drawn in `INK`.
"""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
GREY = "#999999"
INK = "#8779C6"
UNCOVERED = "(uncovered)"
SEVERAL = "(several)"
BINS = 20

Chart = alt.Chart | alt.LayerChart | alt.FacetChart


def class_colours(classes: Sequence[str], *others: str) -> alt.Scale:
    """The colour of each class, by its position; `others` are grey."""
    colours = [PALETTE[k % len(PALETTE)] for k in range(len(classes))]
    return alt.Scale(domain=[*classes, *others], range=[*colours, *[GREY] * len(others)])


def lf_accuracies(lfs: pd.DataFrame, classes: Sequence[str]) -> Chart:
    """Accuracy on dev of each LF with its interval; LFs without evidence are left out.

    Args:
        lfs: as `Report.lf_table` gives it.
        classes: class names, in order.
    """
    seen = lfs[lfs["support"] > 0].copy()
    seen["class"] = seen["votes_for"].where(seen["votes_for"].isin(list(classes)), SEVERAL)
    order = seen.sort_values("accuracy", ascending=False)["lf"].tolist()
    y = alt.Y("lf:N", sort=order, title=None, axis=_names(260))
    base = alt.Chart(seen).encode(
        y=y,
        color=alt.Color("class:N", scale=class_colours(classes, SEVERAL), title="votes for"),
        tooltip=[
            alt.Tooltip("lf:N", title="LF"),
            alt.Tooltip("accuracy:Q", format=".0%"),
            alt.Tooltip("accuracy_low:Q", format=".0%", title="from"),
            alt.Tooltip("accuracy_high:Q", format=".0%", title="to"),
            alt.Tooltip("support:Q", title="dev votes"),
            alt.Tooltip("estimated_accuracy:Q", format=".0%", title="label model's estimate"),
        ],
    )
    interval = base.mark_rule(strokeWidth=2).encode(
        x=_share("accuracy_low", "accuracy on dev (95% interval)"), x2="accuracy_high:Q"
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(x="accuracy:Q")
    estimates = base.mark_tick(thickness=2, color=GREY).encode(
        x="estimated_accuracy:Q", color=alt.value(GREY)
    )
    chance = (
        alt.Chart(pd.DataFrame({"chance": [1 / len(classes)]}))
        .mark_rule(strokeDash=[4, 4], color=GREY)
        .encode(x="chance:Q", tooltip=alt.Tooltip("chance:Q", format=".0%"))
    )
    return alt.layer(chance, interval, estimates, points).properties(height=22 * len(seen) + 70)


def class_shares(shares: dict[str, float], classes: Sequence[str]) -> Chart:
    """How the soft labels spread over the classes, as a share of the covered rows."""
    table = pd.DataFrame({"class": list(shares), "share": list(shares.values())})
    base = alt.Chart(table).encode(
        y=alt.Y("class:N", sort=list(classes), title=None, axis=_names(140)),
        x=alt.X(
            "share:Q", title="share of the covered rows", axis=alt.Axis(format=".0%", tickCount=6)
        ),
    )
    bars = base.mark_bar().encode(
        color=alt.Color("class:N", scale=class_colours(classes), legend=None),
        tooltip=["class:N", alt.Tooltip("share:Q", format=".1%")],
    )
    text = base.mark_text(align="left", dx=4, color=GREY).encode(
        text=alt.Text("share:Q", format=".0%")
    )
    return alt.layer(bars, text).properties(height=max(280, 34 * len(classes)))


def confidences(rows: pd.DataFrame, classes: Sequence[str]) -> Chart:
    """Histogram of the probability of each row's label, by label; uncovered rows at 0.

    Args:
        rows: as `Report.label_rows` gives them.
        classes: class names, in order.
    """
    edges = np.linspace(0, 1, BINS + 1)
    place = np.digitize(rows["confidence"].fillna(0), edges[1:-1])
    table = pd.DataFrame(
        {"label": rows["label"].fillna(UNCOVERED), "low": edges[place], "high": edges[place + 1]}
    )
    counts = table.value_counts().rename("rows").reset_index()
    colours = class_colours(classes, UNCOVERED)
    return (
        alt.Chart(counts)
        .mark_bar()
        .encode(
            x=alt.X(
                "low:Q",
                bin="binned",
                title="confidence: probability of the label",
                axis=alt.Axis(format=".0%", values=[0, 0.2, 0.4, 0.6, 0.8, 1]),
                scale=alt.Scale(domain=[0, 1]),
            ),
            x2="high:Q",
            y=alt.Y("rows:Q", title="rows"),
            color=alt.Color("label:N", scale=colours, legend=alt.Legend(title=None, orient="top")),
            tooltip=[
                "label:N",
                alt.Tooltip("low:Q", format=".0%", title="from"),
                alt.Tooltip("high:Q", format=".0%", title="to"),
                "rows:Q",
            ],
        )
        .properties(height=280)
    )


def scoreboard(board: pd.DataFrame, metric: str, title: str, *, names: bool = True) -> Chart:
    """Each model's score with its interval, the end model in colour.

    Args:
        board: as `Report.scoreboard` gives it.
        metric: "accuracy" or "macro_f1".
        title: of the axis.
        names: write the models' names; not where a chart with the same order stands left.
    """
    order = board["model"].tolist()
    y = alt.Y("model:N", sort=order, title=None, axis=_names(300) if names else None)
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
        x=_share(f"{metric}_low", title, whole=False), x2=f"{metric}_high:Q"
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(x=f"{metric}:Q")
    text = base.mark_text(dy=-13).encode(
        x=f"{metric}:Q", text=alt.Text(f"{metric}:Q", format=".1%")
    )
    return alt.layer(interval, points, text).properties(height=36 * len(board) + 90)


def confusion(
    cells: pd.DataFrame, classes: Sequence[str], gold: str | None, predicted: str | None
) -> Chart:
    """Gold against predicted, shaded by the share of each gold class; a cell can be clicked.

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
    outlined = chosen & (gold is not None or predicted is not None)
    axis = alt.Axis(labelAngle=0, labelLimit=110, labelFlush=False)
    base = alt.Chart(cells.assign(outlined=outlined)).encode(
        x=alt.X("predicted:N", sort=list(classes), title="predicted", axis=axis),
        y=alt.Y("gold:N", sort=list(classes), title="gold", axis=axis),
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
    return alt.layer(shade.add_params(cell), text).properties(height=max(300, 44 * len(classes)))


def _names(limit: int) -> alt.Axis:
    return alt.Axis(labelLimit=limit, labelFlush=False)


def _share(field: str, title: str, *, whole: bool = True) -> alt.X:
    scale = alt.Scale(domain=[0, 1]) if whole else alt.Scale(zero=False, padding=24)
    return alt.X(f"{field}:Q", title=title, scale=scale, axis=alt.Axis(format=".0%", tickCount=6))
