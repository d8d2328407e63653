"""Errors: the end model's mistakes, what the LFs said of those rows, and which LFs are to blame."""

import loading
import pandas as pd
import rowview
import shown
import streamlit as st
import testscores

from weakft import charts
from weakft.intervals import jeffreys
from weakft.tables import STATES, Sought

MEANS = {
    "none": "none: no LF votes",
    "agreed": "agreed: on gold",
    "wrong": "wrong: on another class",
    "conflicted": "conflicted: on several",
}


def choose_clicked() -> None:
    """The clicked state becomes the chosen one."""
    clicked = st.session_state["states_chart"].selection.state
    if clicked:
        st.session_state["state"] = clicked[0]["state"]


def choose_blamed() -> None:
    """The clicked LF becomes the one whose mistakes are shown."""
    clicked = st.session_state["blame"].selection.rows
    if clicked:
        st.session_state["voter"] = blame["lf"].iloc[clicked[0]]


def wrong_share(wrong: int, rows: int) -> str:
    """Of how many rows, and within which interval."""
    share = jeffreys(wrong, rows)
    if share is None:
        return "of 0 rows"
    return f"of {rows:,}: {share.value:.0%}, {share.low:.0%} to {share.high:.0%}"


report = loading.chosen_report()
split = testscores.chosen_split(report)
told = report.summaries["model"][split]
states = pd.DataFrame(told["states"])
shown.kpis(
    [
        (
            MEANS[state["state"]],
            f"{state['wrong']:,} {'mistake' if state['wrong'] == 1 else 'mistakes'}",
            wrong_share(state["wrong"], state["rows"]),
        )
        for state in told["states"]
    ]
)
shown.links([("How good it is all in all", "model", {"split": split})])
left, right = st.columns(2, gap="large")
with left:
    st.subheader("Mistakes by what the LFs say")
    shown.chart(
        charts.mistakes_by_state,
        states,
        MEANS,
        key="states_chart",
        on_select=choose_clicked,
        selection_mode="state",
        alt="Right and wrong rows by what the LFs say of them",
    )
with right:
    st.subheader("LFs to blame")
    blame = pd.DataFrame(told["blame"])
    if blame.empty:
        st.info("No LF votes on a row that the model gets wrong.")
    else:
        st.dataframe(
            blame,
            key="blame",
            on_select=choose_blamed,
            selection_mode="single-row",
            hide_index=True,
            height=280,
            alt="LFs that vote for what the model wrongly says",
            column_config={
                "lf": shown.text("LF", 168),
                "like_the_model": st.column_config.NumberColumn(
                    "wrong like model",
                    width=112,
                    help="Mistakes on which it votes for the wrong class.",
                ),
                "right": st.column_config.NumberColumn(
                    "right against it", width=108, help="Mistakes on which it votes for gold."
                ),
            },
        )
    st.caption(
        "Votes on the same rows that the model is wrong on: a trace, not a proof. Click an LF for "
        "its mistakes."
    )

st.subheader("Mistakes")
with st.container(horizontal=True, vertical_alignment="bottom"):
    state = st.pills("What the LFs say", list(STATES), key="state", bind="query-params")
    lf = st.selectbox(
        "LF that votes",
        report.lf_table()["lf"].tolist(),
        index=None,
        key="voter",
        placeholder="any",
        bind="query-params",
    )
    order, ascending = rowview.order("order", "largest loss", ("largest loss", "least sure model"))
rowview.show(
    report,
    split,
    Sought(
        mistakes=True, states=(state,) if state else (), lf=lf, order=order, ascending=ascending
    ),
    key="errors",
    columns=("text", "gold", "predicted", "LF votes", "state", "confidence", "loss", "id"),
)
