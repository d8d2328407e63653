"""Soft labels: their classes, how sure they are, and why."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from weakft.charts.palette import FEW, GREY, Chart, class_colours, class_legend, names_axis
from weakft.label_models.base import Explanation


def class_shares(shares: dict[str, float], classes: Sequence[str]) -> Chart:
    """How the soft labels spread over the classes, as a share of the covered rows."""
    table = pd.DataFrame({"class": list(shares), "share": list(shares.values())})
    base = alt.Chart(table).encode(
        y=alt.Y("class:N", sort=list(classes), title=None, axis=names_axis(140)),
        x=alt.X("share:Q", title="of covered rows", axis=alt.Axis(format=".0%", tickCount=6)),
    )
    bars = base.mark_bar().encode(
        color=alt.Color("class:N", scale=class_colours(classes), legend=None),
        tooltip=["class:N", alt.Tooltip("share:Q", format=".1%")],
    )
    text = base.mark_text(align="left", dx=4, color=GREY).encode(
        text=alt.Text("share:Q", format=".0%")
    )
    step = 34 if len(classes) <= FEW else 16
    return alt.layer(bars, text).properties(height=max(280, step * len(classes)))


def confidences(histogram: pd.DataFrame, classes: Sequence[str]) -> Chart:
    """Histogram of the probability of each row's label, by label.

    Args:
        histogram: columns label, low, high, rows, as `weakft.tables.summaries` gives them;
            a label may be "(tie)".
        classes: class names, in order.
    """
    ties = set(histogram.get("label", [])) - set(classes)
    chart: Chart = (
        alt.Chart(histogram)
        .mark_bar()
        .encode(
            x=alt.X(
                "low:Q",
                bin="binned",
                title="confidence of the label",
                axis=alt.Axis(format=".0%", values=[0, 0.2, 0.4, 0.6, 0.8, 1]),
                scale=alt.Scale(domain=[0, 1]),
            ),
            x2="high:Q",
            y=alt.Y("rows:Q", title="rows"),
            color=alt.Color(
                "label:N",
                scale=class_colours(classes, *ties),
                legend=class_legend(classes, title=None, orient="top", direction="vertical"),
            ),
            tooltip=[
                "label:N",
                alt.Tooltip("low:Q", format=".0%", title="from"),
                alt.Tooltip("high:Q", format=".0%", title="to"),
                "rows:Q",
            ],
        )
        .properties(height=280)
    )
    return chart


def explanation(told: Explanation, classes: Sequence[str]) -> Chart:
    """What each vote adds to each class, and the posterior they come to.

    Log-odds are against the mean of all classes: what speaks for all alike stands at 0. Of many
    classes the likeliest are drawn.

    Args:
        told: as `Report.explain` gives it.
        classes: class names, in order.
    """
    parts = [("before any vote", told.prior), *((t.lf_name, t.adds) for t in told.terms)]
    likeliest = sorted(np.argsort(told.probs, kind="stable")[::-1][:FEW].tolist())
    in_log_odds = told.unit == "log_odds"
    rows = [
        {
            "part": name,
            "class": classes[k],
            "adds": adds[k] - np.mean(adds) if in_log_odds else adds[k],
        }
        for name, adds in parts
        for k in likeliest
    ]
    order = [name for name, _ in parts]
    unit = "← against a class · log-odds · for it →" if in_log_odds else "share added to a class"
    posterior = ", ".join(f"{classes[k]} {told.probs[k]:.0%}" for k in likeliest)
    if more := len(classes) - len(likeliest):
        posterior += f", {more} others {1 - sum(told.probs[k] for k in likeliest):.0%}"
    chart: Chart = (
        alt.Chart(pd.DataFrame(rows), title=f"Together: {posterior}")
        .mark_bar()
        .encode(
            y=alt.Y("part:N", sort=order, title=None, axis=names_axis(220)),
            x=alt.X("adds:Q", title=unit),
            yOffset=alt.YOffset("class:N", sort=list(classes)),
            color=alt.Color("class:N", scale=class_colours(classes), title=None),
            tooltip=["part:N", "class:N", alt.Tooltip("adds:Q", format=".2f")],
        )
        .properties(height=16 * len(likeliest) * len(parts) + 110)
    )
    return chart
