"""Coverage: where the next LF is missing: rows without a vote, classes without enough of them."""

from collections.abc import Mapping
from typing import Any

import loading
import numpy as np
import pandas as pd
import rowview
import shown
import streamlit as st

from weakft.tables import RowTable, Sought


def mix(counts: Mapping[str, int]) -> str:
    """How rows spread over the classes, the most frequent first."""
    rows = sum(counts.values())
    return ", ".join(f"{name} {count / rows:.0%}" for name, count in counts.items())


def words_of(gap: dict[str, Any]) -> str:
    """Each with the uncovered rows that hold it, where the run knows."""
    rows = gap.get("word_rows")
    if not rows:
        return ", ".join(gap["words"])
    return ", ".join(f"{word} ({n})" for word, n in zip(gap["words"], rows, strict=True))


def group_row(gap: dict[str, Any], table: RowTable) -> dict[str, Any]:
    """One line of the table of groups."""
    positions = np.array(gap.get("positions", ()), dtype=np.int64)
    row = {"rows": gap["rows"], "words": words_of(gap) or "no common words"}
    if "matched" in gap and gap["words"]:
        row["matched"] = f"{gap['matched']} of {gap['rows']}"
    return row | {
        "predicted": mix(table.counts("predicted", positions)),
        "gold": mix(table.counts("gold", positions)),
    }


def choose_class() -> None:
    """The clicked class becomes the chosen one; its rows are those that no LF speaks up for."""
    clicked = st.session_state["reach"].selection.rows
    st.session_state["class"] = by_need["class"].iloc[clicked[0]] if clicked else None


def choose_group() -> None:
    """The clicked group becomes the chosen one."""
    clicked = st.session_state["groups"].selection.rows
    st.session_state["group"] = numbers[clicked[0]] if clicked else None


report = loading.chosen_report()
counts = report.summaries["rows"]["train"]
open_rows = counts["rows"] - counts["covered"]
reach = report.class_reach()
judging, by_need = reach if reach else (None, pd.DataFrame())
neediest = by_need.iloc[0] if len(by_need) else None
cards = [
    ("Uncovered", f"{open_rows:,}", f"of {counts['rows']:,} train rows"),
    ("Covered", f"{counts['covered'] / counts['rows']:.1%}", "by one LF or more"),
]
if neediest is not None:
    missed = neediest["reached_support"] - round(neediest["reached"] * neediest["reached_support"])
    cards.append(
        (
            f"No vote for {shown.plain(neediest['class'])}",
            f"{missed:,} {'row' if missed == 1 else 'rows'}",
            f"of {neediest['reached_support']:,} that are, on {judging}",
        )
    )
shown.kpis(cards)
shown.links([("Label some by hand", "review", {"queue": "no LF votes"})])

st.subheader("Which class needs LFs most?")
chosen_class = None
if neediest is None:
    st.info("Nobody knows before dev has gold and a run was made with it. Label some dev rows.")
else:
    st.dataframe(
        shown.per_cent(by_need, "reached", "labelled", "right").assign(
            reached_evidence=shown.intervals(by_need, "reached", "reached_support", "rows"),
            right_evidence=shown.intervals(by_need, "right", "right_support", "votes"),
        ),
        key="reach",
        on_select=choose_class,
        selection_mode="single-row",
        hide_index=True,
        placeholder="–",
        alt="How far the LFs reach into each class",
        column_order=[
            "class",
            "reached",
            "reached_evidence",
            "labelled",
            "lfs",
            "right",
            "right_evidence",
        ],
        column_config={
            "class": shown.text("class", 110),
            "reached": shown.share(
                "found", "Of its gold rows, those on which an LF votes for it.", 80
            ),
            "reached_evidence": shown.text("95% interval", 160),
            "labelled": shown.share("label right", "Of its gold rows, those labelled so.", 95),
            "lfs": st.column_config.NumberColumn("LFs for it", width=80),
            "right": shown.share("their votes right", "Of the votes for it on gold rows.", 130),
            "right_evidence": shown.text("95% interval", 160),
        },
    )
    st.caption(
        f"On {judging}, the least found first. Few found: write an LF for the class. Many found, "
        "and few labels or votes right: mend the LFs there are. Click a class for the rows that no "
        "LF finds."
    )
    chosen_class = st.selectbox(
        "Rows not found, of class",
        by_need["class"].tolist(),
        index=None,
        key="class",
        bind="query-params",
        placeholder="Click a class above, or choose it here",
        width=360,
    )
    if chosen_class is not None:
        sought = Sought(gold=chosen_class, unvoted=chosen_class)
        columns = ("text", "gold", "label", "label_confidence", "LF votes", "id")
        rowview.show(report, judging, sought, key="missed", columns=columns)

st.subheader("What do rows without a vote have in common?")
if not open_rows:
    st.info("Every row has a vote. See Conflicts for rows with too many.")
    st.stop()
gaps = report.gaps()
table = loading.rows_of(report, "train")
numbers = list(range(1, len(gaps) + 1))
group = word = None
if gaps:
    groups = pd.DataFrame([group_row(gap, table) for gap in gaps])
    st.dataframe(
        groups.loc[:, (groups != "").any()],
        key="groups",
        on_select=choose_group,
        selection_mode="single-row",
        hide_index=True,
        placeholder="–",
        alt="Groups of uncovered rows, with the words that mark them",
        column_config={
            "rows": st.column_config.NumberColumn("rows", width=60),
            "words": shown.text(
                "words that mark them", 262, "In brackets: uncovered rows that hold the word."
            ),
            "matched": shown.text(
                "hold one", 80, "Rows of the group that hold one of these words."
            ),
            "predicted": shown.text("model says", 226, "Classes by the end model."),
            "gold": shown.text("gold says", 226, "Classes by gold, where there is some."),
        },
    )
    st.caption(
        "Groups of like words, the largest first. Where few rows hold one of the words, the rest "
        "is what was left over: read some. Click a group for its rows."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        group = st.selectbox(
            "Group",
            numbers,
            index=None,
            key="group",
            bind="query-params",
            placeholder="all",
            width=120,
        )
        words = dict.fromkeys(
            word
            for number, gap in zip(numbers, gaps, strict=True)
            if group in (None, number)
            for word in gap["words"]
        )
        if st.session_state.get("word") not in words:
            st.session_state.pop("word", None)
        word = st.pills("Rows with", list(words), key="word", bind="query-params")
else:
    st.info("The uncovered rows are too few, or too unlike each other, to form groups.")

are_hidden = "text" in report.hidden
searched = st.text_input(
    "Containing",
    key="search",
    bind="query-params",
    placeholder="texts are hidden" if are_hidden else "any text",
    disabled=are_hidden,
    icon=":material/search:",
)
among = None if group is None else gaps[group - 1].get("positions")
rowview.show(
    report,
    "train",
    Sought(
        states=("none",),
        text=searched or word,
        among=None if among is None else tuple(among),
    ),
    key="open",
    columns=("text", "predicted", "confidence", "gold", "id"),
)
