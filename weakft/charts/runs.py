"""Runs over time."""

import altair as alt
import numpy as np
import pandas as pd

from weakft.charts.palette import GOOD, GREY, INK, Chart


def score_history(history: pd.DataFrame, shown: str, current: str | None) -> Chart:
    """Macro-F1 on valid of each run with its interval; the run shown in colour.

    Args:
        history: columns run, created, macro_f1 with its interval, support; oldest first.
        shown: id of the run the page is about.
        current: id of the run in service, if any.
    """
    table = history.dropna(subset=["macro_f1"]).assign(
        which=lambda t: np.select(
            [t["run"] == current, t["run"] == shown],
            ["this run, in service" if shown == current else "in service", "this run"],
            "other runs",
        )
    )
    base = alt.Chart(table).encode(
        x=alt.X(
            "run:N",
            sort=table["run"].tolist(),
            title=None,
            axis=alt.Axis(
                labelExpr="slice(datum.value, 0, 4) + '-' + slice(datum.value, 4, 6) + '-' + "
                "slice(datum.value, 6, 8) + ' ' + slice(datum.value, 9, 11) + ':' + "
                "slice(datum.value, 11, 13)",
                labelAngle=-30,
            ),
        ),
        color=alt.Color(
            "which:N",
            scale=alt.Scale(
                domain=["this run", "this run, in service", "in service", "other runs"],
                range=[INK, GOOD, GOOD, GREY],
            ),
            legend=alt.Legend(title=None, values=sorted(set(table["which"]))),
        ),
        tooltip=[
            "run:N",
            "created:N",
            alt.Tooltip("macro_f1:Q", format=".1%", title="macro-F1 on valid"),
            alt.Tooltip("macro_f1_low:Q", format=".1%", title="from"),
            alt.Tooltip("macro_f1_high:Q", format=".1%", title="to"),
            alt.Tooltip("support:Q", title="rows"),
            "LFs:Q",
        ],
    )
    interval = base.mark_rule(strokeWidth=2).encode(
        y=alt.Y(
            "macro_f1_low:Q",
            title="macro-F1 on valid",
            scale=alt.Scale(zero=False),
            axis=alt.Axis(format=".0%"),
        ),
        y2="macro_f1_high:Q",
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(y="macro_f1:Q")
    return alt.layer(interval, points).properties(height=260)
