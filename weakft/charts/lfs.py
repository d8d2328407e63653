"""Labeling functions: how right each is, and how every two get on."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from weakft.charts.palette import (
    GREY,
    MOST_DRAWN,
    SEVERAL,
    WRONG,
    Chart,
    class_colours,
    class_legend,
    names_axis,
    share_axis,
)


def lf_accuracies(lfs: pd.DataFrame, classes: Sequence[str]) -> Chart:
    """Accuracy on dev of each LF with its interval; LFs without evidence are left out.

    Of many LFs the 60 with the most dev votes are drawn. Beside it the label model's estimate,
    red where the interval leaves it out.

    Args:
        lfs: as `Report.lf_table` gives it.
        classes: class names, in order.
    """
    seen = lfs[lfs["support"] > 0].nlargest(MOST_DRAWN, "support").sort_index()
    seen["class"] = seen["votes_for"].where(seen["votes_for"].isin(list(classes)), SEVERAL)
    order = seen.sort_values("accuracy", ascending=False)["lf"].tolist()
    y = alt.Y("lf:N", sort=order, title=None, axis=names_axis(260))
    base = alt.Chart(seen).encode(
        y=y,
        color=alt.Color(
            "class:N",
            scale=class_colours(classes, SEVERAL),
            legend=class_legend(classes, title="votes for"),
        ),
        tooltip=[
            alt.Tooltip("lf:N", title="LF"),
            alt.Tooltip("class:N", title="votes for"),
            alt.Tooltip("accuracy:Q", format=".0%"),
            alt.Tooltip("accuracy_low:Q", format=".0%", title="from"),
            alt.Tooltip("accuracy_high:Q", format=".0%", title="to"),
            alt.Tooltip("support:Q", title="dev votes"),
            alt.Tooltip("estimated_accuracy:Q", format=".0%", title="label model's estimate"),
        ],
    )
    interval = base.mark_rule(strokeWidth=2).encode(
        x=share_axis("accuracy_low", "accuracy on dev (95% interval)"), x2="accuracy_high:Q"
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(x="accuracy:Q")
    ruled_out = (
        "datum.estimated_accuracy < datum.accuracy_low || "
        "datum.estimated_accuracy > datum.accuracy_high"
    )
    estimates = base.mark_tick(thickness=2).encode(
        x="estimated_accuracy:Q", color=alt.condition(ruled_out, alt.value(WRONG), alt.value(GREY))
    )
    chance = (
        alt.Chart(pd.DataFrame({"chance": [1 / len(classes)]}))
        .mark_rule(strokeDash=[4, 4], color=GREY)
        .encode(x="chance:Q", tooltip=alt.Tooltip("chance:Q", format=".0%"))
    )
    return alt.layer(chance, interval, estimates, points).properties(height=22 * len(seen) + 70)


def pair_heat_map(pairs: pd.DataFrame, names: Sequence[str], kind: str) -> Chart:
    """How often every two LFs conflict or agree, shaded by how that compares with chance.

    Of many LFs the 60 that do so on the most rows are drawn.

    Args:
        pairs: as `weakft.tables.summaries.pairs` gives them.
        names: of the LFs, in order.
        kind: "conflict" or "agree".

    Returns:
        A chart whose selection is named "cell", with fields first and second.
    """
    sides = pd.concat([pairs.set_index(side)[kind] for side in ("first", "second")])
    most = sides.groupby(level=0).sum().nlargest(MOST_DRAWN).index
    names = [name for name in names if name in most]
    pairs = pairs[pairs["first"].isin(most) & pairs["second"].isin(most)]
    cells = _against_chance(pairs, kind)
    step = max(16, min(34, 900 // max(len(names), 1)))
    axis = alt.Axis(labelLimit=180, labelFlush=False, labelOverlap=False)
    gaps = alt.Scale(paddingInner=0.06)
    base = alt.Chart(cells[cells["both"] > 0]).encode(
        x=alt.X(
            "second:N",
            sort=list(names),
            title=None,
            scale=gaps,
            axis=alt.Axis(labelAngle=-50, labelLimit=180, labelOverlap=False),
        ),
        y=alt.Y("first:N", sort=list(names), title=None, scale=gaps, axis=axis),
        tooltip=[
            "first:N",
            "second:N",
            alt.Tooltip("both:Q", title="rows both vote on"),
            alt.Tooltip("agree:Q", title="agree"),
            alt.Tooltip("conflict:Q", title="conflict"),
            alt.Tooltip("expected:Q", title=f"{kind} by chance"),
            alt.Tooltip("times:Q", title="times chance"),
        ],
    )
    cell = alt.selection_point(name="cell", fields=["first", "second"], toggle=False)
    shade = base.mark_rect().encode(
        color=alt.Color(
            "shade:Q",
            scale=alt.Scale(
                domain=[-3, 0, 3],
                range=["#0072B2", "#C9CDD3", "#D55E00"],
                interpolate="rgb",
                clamp=True,
            ),
            legend=alt.Legend(
                title="against chance",
                values=[-3, -2, -1, 0, 1, 2, 3],
                labelExpr="datum.value == 0 ? 'as often' : pow(2, abs(datum.value)) + "
                "(datum.value < 0 ? 'x rarer' : 'x more')",
            ),
        )
    )
    text = base.mark_text(fontSize=10).encode(
        text="rows:Q",
        color=alt.condition("abs(datum.shade) > 1.8", alt.value("#FFFFFF"), alt.value("#1A1A1A")),
    )
    layers = [shade.add_params(cell)] + ([text] if step >= 24 else [])
    return alt.layer(*layers).properties(height=alt.Step(step), width=alt.Step(step))


def _against_chance(pairs: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Every pair both ways round, with how many times as many rows as by chance."""
    mirrored = pairs.rename(columns={"first": "second", "second": "first"})
    cells = pd.concat([pairs, mirrored], ignore_index=True)
    cells["rows"] = cells[kind]
    cells["expected"] = cells[f"expected_{kind}"]
    times = (cells["rows"] + 0.5) / (cells["expected"] + 0.5)
    cells["times"] = times.round(2)
    cells["shade"] = np.log2(times)
    return cells
