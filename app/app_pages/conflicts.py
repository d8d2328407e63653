"""Conflicts: which LFs contradict or copy each other beyond chance."""

import loading
import pandas as pd
import rowview
import shown
import streamlit as st

from weakft import charts
from weakft.tables import Sought

KINDS = {"conflicts": "conflict", "agreement": "agree"}


def choose_clicked() -> None:
    """The clicked cell becomes the chosen pair."""
    cells = st.session_state["pairs"].selection.cell
    if cells:
        st.session_state["first"] = cells[0]["first"]
        st.session_state["second"] = cells[0]["second"]


def choose_copies() -> None:
    """The clicked pair of near copies becomes the chosen one, with the rows they agree on."""
    clicked = st.session_state["copies"].selection.rows
    if clicked and copies is not None:
        st.session_state["first"] = copies["first"][clicked[0]]
        st.session_state["second"] = copies["second"][clicked[0]]
        st.session_state["how"] = "agree"


report = loading.chosen_report()
copies = report.near_copies()
counts = report.summaries["rows"]["train"]
pairs = pd.DataFrame(report.summaries["pairs"])
names = report.lf_table()["lf"].tolist()
groups = report.metrics["labels"].get("dependent_groups", [])
shown.kpis(
    [
        ("Rows in conflict", f"{counts['conflicting']:,}", f"of {counts['covered']:,} covered"),
        ("Pairs that meet", f"{len(pairs):,}", f"of {len(names) * (len(names) - 1) // 2:,}"),
        ("Dependent groups", f"{len(groups)}", "together, little more than one vote"),
        ("Near copies", "–" if copies is None else f"{len(copies)}", "pairs that say the same"),
    ]
)
if pairs.empty:
    st.info("No two LFs vote on the same row, so there is nothing to compare.")
    st.stop()

shade = st.segmented_control(
    "Shade by", list(KINDS), default="conflicts", required=True, key="shade", bind="query-params"
)
shown.chart(
    charts.pair_heat_map,
    pairs,
    names,
    KINDS[shade],
    key="pairs",
    on_select=choose_clicked,
    selection_mode="cell",
    alt="How often every two LFs conflict or agree, against chance",
)
st.caption(
    "Number: rows. Shade: how many times as many as if the two voted independently of each other. "
    "Blank: no row has both. Columns stand in the order of the rows. Click a cell for its rows."
)
if groups:
    st.subheader("LFs that say the same more often than independent ones would")
    shown.facts(
        [{"LFs": ", ".join(group["lfs"]), "dependence": group["dependence"]} for group in groups],
        alt="Groups of dependent LFs",
    )
    st.caption(
        "Found by the label model. Dependence 1: copies, or one votes only where the other does; "
        "0: independent. Near copies, below, are pairs that vote on nearly the same rows and alike."
    )

st.subheader("Near copies")
if copies is None:
    st.info("An older weakft made this run and did not look for them. Make a new one, or look now:")
    st.code("weakft analyze", language="bash")
elif copies.empty:
    st.info("No two LFs vote on nearly the same rows and alike.")
else:
    st.dataframe(
        shown.per_cent(copies, "overlap", "agreement").assign(
            overlap_evidence=shown.intervals(copies, "overlap", "overlap_support", "rows"),
            agreement_evidence=shown.intervals(copies, "agreement", "agreement_support", "rows"),
        ),
        key="copies",
        on_select=choose_copies,
        selection_mode="single-row",
        hide_index=True,
        height="content" if len(copies) < 8 else 300,
        alt="Pairs of LFs that say the same",
        column_order=[
            "first",
            "second",
            "what_to_do",
            "overlap",
            "overlap_evidence",
            "agreement",
            "agreement_evidence",
            "agree",
            "expected_agree",
        ],
        column_config={
            "first": shown.text("LF", 110),
            "second": shown.text("says the same", 110),
            "what_to_do": shown.text("what to do", 280),
            "overlap": shown.share("overlap", "Of the rows that either votes on, both do."),
            "overlap_evidence": shown.text("95% interval", 150),
            "agreement": shown.share("agreement", "Of the rows both vote on.", 86),
            "agreement_evidence": shown.text("95% interval", 150),
            "agree": st.column_config.NumberColumn("rows agreed on", width=105),
            "expected_agree": st.column_config.NumberColumn(
                "by chance",
                format="%.1f",
                width=80,
                help="Rows they would agree on if each voted without the other.",
            ),
        },
    )
    st.caption("Click a pair for the rows on which it agrees.")

st.subheader("Rows of a pair")
with st.container(horizontal=True, vertical_alignment="bottom"):
    first = st.selectbox("One LF", names, index=None, key="first", bind="query-params")
    second = st.selectbox("Another", names, index=None, key="second", bind="query-params")
    how = st.segmented_control(
        "Rows",
        ["conflict", "agree"],
        default="conflict",
        required=True,
        key="how",
        bind="query-params",
    )
if first is None or second is None:
    st.info("Click a cell above, or choose two LFs.")
else:
    rowview.show(report, "train", Sought(lf=first, other_lf=second, pair=how), key="pair")
