"""Coverage: what the rows are about that no LF votes on, so where to write the next one."""

import loading
import rowview
import shown
import streamlit as st

from weakft.errors import WeakftError
from weakft.tables import Sought

report = loading.chosen_report()
counts = report.summaries["rows"]["train"]
open_rows = counts["rows"] - counts["covered"]
gaps = report.gaps()
shown.kpis(
    [
        ("Uncovered", f"{open_rows:,}", f"of {counts['rows']:,} train rows"),
        ("Covered", f"{counts['covered'] / counts['rows']:.1%}", "by one LF or more"),
        ("Groups of like rows", f"{len(gaps)}", "among the uncovered"),
    ]
)
shown.links([("Label some by hand", "review", {"queue": "no LF votes"})])
if not open_rows:
    st.info("Every row has a vote. See Conflicts for rows with too many.")
    st.stop()

word = None
if gaps:
    st.subheader("Write an LF for this")
    st.text("The largest group first; an LF for its words would cover most of what is open.")
    st.dataframe(
        [
            {"rows": gap["rows"], "share": 100 * gap["share"], "words": ", ".join(gap["words"])}
            for gap in gaps
        ],
        hide_index=True,
        alt="Groups of uncovered rows, with the words that mark them",
        column_config={
            "rows": st.column_config.NumberColumn("rows", width=70),
            "share": shown.share("share", "Of the uncovered rows looked at."),
            "words": shown.text("words that mark them", 520),
        },
    )
    words = list(dict.fromkeys(word for gap in gaps for word in gap["words"]))
    word = st.pills("Rows with", words, key="word", bind="query-params")
else:
    st.info("The uncovered rows are too few, or too unlike each other, to form groups.")

st.subheader("Uncovered rows")
are_hidden = "text" in report.hidden
searched = st.text_input(
    "Containing",
    key="search",
    bind="query-params",
    placeholder="texts are hidden" if are_hidden else "any text",
    disabled=are_hidden,
    icon=":material/search:",
)
try:
    rowview.show(
        report,
        "train",
        Sought(states=("none",), text=searched or word),
        key="open",
        columns=("id", "text", "gold", "predicted", "confidence"),
    )
except WeakftError as error:
    shown.refusal(error)
