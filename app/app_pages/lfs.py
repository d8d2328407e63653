"""Labeling functions: what they vote, how right they are, and the rows behind each."""

import loading
import rowview
import shown
import streamlit as st

from weakft import charts
from weakft.definitions import definition_of
from weakft.errors import WeakftError
from weakft.tables import Sought
from weakft.tables.evidence import estimates_against_dev

KEPT = {
    "all it votes on": "votes",
    "wrong": "wrong",
    "right": "right",
    "in conflict": "conflict",
    "decided alone": "alone",
}


@st.fragment(run_every=2)
def being_written() -> None:
    """The LFs as `weakft watch` sees them at this moment, while it is on."""
    try:
        now = loading.watched(loading.open_project())
    except WeakftError as error:
        st.text(f"⚠ {shown.visible(str(error))}")
        return
    if now is None:
        return
    with st.container(border=True):
        st.markdown("**As you write**, by `weakft watch`")
        st.dataframe(
            shown.per_cent(now, "accuracy", "coverage", "conflicts").assign(
                evidence=shown.intervals(now, "accuracy", "support", "votes")
            ),
            hide_index=True,
            height=260,
            placeholder="–",
            alt="Labeling functions as they are written now",
            column_order=["lf", "votes_for", "accuracy", "evidence", "coverage", "conflicts"],
            column_config={
                "lf": shown.text("LF", 200),
                "votes_for": shown.text("votes for", 110),
                "accuracy": shown.share("accuracy"),
                "evidence": shown.text("on dev", 160),
                "coverage": shown.share("coverage"),
                "conflicts": shown.share("conflicts"),
            },
        )


def choose_clicked() -> None:
    """The LF whose row was clicked becomes the chosen one."""
    clicked = st.session_state["lf_table"].selection.rows
    if clicked:
        st.session_state["lf"] = names[clicked[0]]


report = loading.chosen_report()
lfs = report.lf_table()
if "value" in lfs:
    hurts = lfs.assign(surely=~(lfs["value_high"] < 0))
    lfs = hurts.sort_values(["surely", "value"], ignore_index=True).drop(columns="surely")
names = lfs["lf"].tolist()
counts = report.summaries["rows"]["train"]
of_train = f"of {counts['rows']:,} train rows"
shown.kpis(
    [
        ("LFs", f"{len(lfs)}", f"{(lfs['votes'] > 0).sum()} vote on train"),
        ("Covered by any LF", f"{counts['covered']:,}", of_train),
        ("In conflict", f"{counts['conflicting']:,}", of_train),
        ("Dev votes with gold", f"{lfs['support'].sum():,}", "the evidence for accuracies"),
    ]
)
shown.links(
    [
        ("Rows nobody covers", "coverage", {}),
        ("Rows in conflict", "labels", {"keep": "in conflict"}),
        ("Which LFs contradict each other", "conflicts", {}),
    ]
)

being_written()
shares = ["accuracy", "estimated_accuracy", "coverage", "overlaps", "conflicts", "cost"]
table, accuracies = st.tabs(["Table", "Accuracy on dev"])
with table:
    st.dataframe(
        shown.per_cent(lfs, *shares).assign(
            evidence=shown.intervals(lfs, "accuracy", "support", "votes"),
            against_dev=estimates_against_dev(lfs),
            value_bounds=shown.bounds(lfs, "value"),
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
            "value",
            "value_bounds",
            "votes_for",
            "accuracy",
            "evidence",
            "estimated_accuracy",
            "against_dev",
            "votes",
            "coverage",
            "overlaps",
            "conflicts",
            "cost",
            "faults",
        ],
        column_config={
            "lf": st.column_config.TextColumn("LF", pinned=True, width=185),
            "votes_for": shown.text("votes for", 95),
            "coverage": shown.share("coverage", "Share of train rows it votes on."),
            "overlaps": shown.share("overlaps", "Share where another LF votes too."),
            "conflicts": shown.share("conflicts", "Share where another LF votes otherwise."),
            "accuracy": shown.share("accuracy", "Share of its votes on dev that are right."),
            "evidence": shown.text(
                "on dev", 145, "95% interval of the accuracy, and dev votes it rests on."
            ),
            "estimated_accuracy": shown.share(
                "model's estimate",
                "What the label model believes of it. An estimate without an interval: what can "
                "be wrong with it is what the model takes for granted, not how few votes it saw.",
                130,
            ),
            "against_dev": shown.text(
                "estimate on dev",
                115,
                "Whether the interval of the accuracy on dev leaves the estimate out: if "
                "so, believe dev.",
            ),
            "value": st.column_config.NumberColumn(
                "value",
                format="%.3f",
                width=70,
                help="How much likelier gold is by the labels with this LF than without it: the "
                "mean gain in log-probability (nats) a gold row. Below zero the labels are better "
                "without it.",
            ),
            "value_bounds": shown.text("95% interval", 135, "Of the value."),
            "votes": st.column_config.NumberColumn(
                "votes", width=65, help="On train: what the label model's estimate rests on."
            ),
            "cost": shown.share("cost", "Share of the time that all LFs took."),
            "faults": st.column_config.NumberColumn("faults", width=55, help="Rows it raised on."),
        },
    )
    if "value" in lfs:
        st.caption(
            "First those that surely hurt: below zero, interval and all, the labels are better "
            "without them. Then by value. An LF that is mostly right hurts where others say the "
            "same already: it makes wrong labels surer. Click an LF for its rows and its code."
        )
with accuracies:
    if lfs["support"].sum() == 0:
        st.info("No LF voted on a dev row with gold, so there is no evidence yet.")
    else:
        shown.chart(
            charts.lf_accuracies, lfs, report.classes, alt="Accuracy of each LF with its interval"
        )
        st.caption(
            "Dot: share right, line: 95% interval, dashed: chance. Tick: the label model's "
            "estimate, which has no interval of its own; red where that on dev leaves it out."
        )

st.subheader("One LF")
with st.container(horizontal=True, vertical_alignment="bottom"):
    lf = st.selectbox(
        "LF",
        names,
        index=None,
        key="lf",
        bind="query-params",
        placeholder="Click its row above, or choose it here",
    )
    splits = [split for split in ("dev", "train") if split in report.splits]
    split = st.segmented_control(
        "Split", splits, default=splits[0], required=True, key="on", bind="query-params"
    )
    keep = st.pills(
        "Rows",
        list(KEPT),
        default="all it votes on",
        required=True,
        key="which",
        bind="query-params",
    )
if lf is not None:
    source, fault = definition_of(loading.open_project().lf_files, lf), report.fault(lf)
    with st.expander("How it is written today", icon=":material/code:"):
        if source is None:
            st.text("It does not stand by itself in an LF file: made in a loop, or by a table.")
        else:
            st.code(source, language="python")
    if fault:
        with st.expander("It raised: first traceback", icon=":material/error:"):
            st.code(fault["traceback"], language=None)
    sought = Sought(lf=lf, lf_rows=KEPT[keep])
    columns = ("text", "LF votes", "gold", "label", "label_confidence", "state", "id")
    rowview.show(report, split, sought, key="lf", columns=columns)
    if KEPT[keep] in ("wrong", "right") and not report.summaries["rows"][split]["gold"]:
        st.info("These rows have no gold, so nobody knows which votes are wrong.")
