"""Labeling functions: what they vote, how right they are, and the rows behind each."""

import charts
import loading
import shown
import streamlit as st

from weakft.errors import WeakftError

KEPT = {"all": None, "wrong": "wrong", "conflict": "conflict"}


def choose_clicked() -> None:
    """The LF whose row was clicked becomes the chosen one."""
    clicked = st.session_state["lf_table"].selection.rows
    if clicked:
        st.session_state["lf"] = names[clicked[0]]


report = loading.chosen_report()
lfs = report.lf_table()
names = lfs["lf"].tolist()
counts = loading.coverage(report)
of_train = f"of {counts['rows']:,} train rows"
shown.kpis(
    [
        ("LFs", f"{len(lfs)}", f"{(lfs['votes'] > 0).sum()} vote on train"),
        ("Covered by any LF", f"{counts['covered']:,}", of_train),
        ("In conflict", f"{counts['conflicting']:,}", of_train),
        ("Dev votes with gold", f"{lfs['support'].sum():,}", "the evidence for accuracies"),
    ]
)

shares = ["accuracy", "estimated_accuracy", "coverage", "overlaps", "conflicts", "cost"]
table, accuracies = st.tabs(["Table", "Accuracy on dev"])
with table:
    st.dataframe(
        shown.per_cent(lfs, *shares).assign(
            evidence=shown.intervals(lfs, "accuracy", "support", "votes")
        ),
        key="lf_table",
        on_select=choose_clicked,
        selection_mode="single-row",
        hide_index=True,
        height=420,
        placeholder="–",
        alt="Labeling functions with coverage, overlaps, conflicts and accuracies",
        column_order=[
            "lf",
            "votes_for",
            "accuracy",
            "evidence",
            "estimated_accuracy",
            "coverage",
            "overlaps",
            "conflicts",
            "cost",
            "faults",
        ],
        column_config={
            "lf": st.column_config.TextColumn("LF", pinned=True, width=185),
            "votes_for": st.column_config.TextColumn("votes for", width=95),
            "coverage": shown.share("coverage", "Share of train rows it votes on."),
            "overlaps": shown.share("overlaps", "Share where another LF votes too."),
            "conflicts": shown.share("conflicts", "Share where another LF votes otherwise."),
            "accuracy": shown.share("accuracy", "Share of its votes on dev that are right."),
            "evidence": st.column_config.TextColumn(
                "on dev", width=145, help="95% interval of the accuracy, and dev votes it rests on."
            ),
            "estimated_accuracy": shown.share("estimated", "As the label model believes."),
            "cost": shown.share("cost", "Share of the time that all LFs took."),
            "faults": st.column_config.NumberColumn("faults", width=55, help="Rows it raised on."),
        },
    )
with accuracies:
    if lfs["support"].sum() == 0:
        st.info("No LF voted on a dev row with gold, so there is no evidence yet.")
    else:
        st.altair_chart(
            charts.lf_accuracies(lfs, report.classes), alt="Accuracy of each LF with its interval"
        )
        st.caption(
            "Dot: share right, line: 95% interval, tick: label model's estimate, dashed: chance."
        )

st.subheader("Rows of one LF")
with st.container(horizontal=True, vertical_alignment="bottom"):
    lf = st.selectbox(
        "LF", names, index=None, key="lf", placeholder="Click its row above, or choose it here"
    )
    splits = [split for split in ("dev", "train") if split in report.splits]
    split = st.segmented_control("Split", splits, default=splits[0], required=True, key="lf_split")
    keep = st.segmented_control("Rows", list(KEPT), default="all", required=True, key="lf_keep")
if lf is not None:
    fault = report.fault(lf)
    if fault:
        with st.expander("It raised: first traceback", icon=":material/error:"):
            st.code(fault["traceback"], language=None)
    try:
        rows = loading.lf_rows(report, lf, split)
        if keep == "wrong" and rows["gold"].isna().all():
            st.info("No gold for these rows, so nobody knows which are wrong.")
        elif KEPT[keep]:
            rows = rows[rows[KEPT[keep]].fillna(False)]
        columns = ["id", "text", "vote", "gold", "wrong", "conflict", "others"]
        shown.rows(rows, columns, alt="Rows this labeling function votes on")
    except WeakftError as error:
        shown.refusal(error)
