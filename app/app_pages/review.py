"""Review: rows worth a person's look, one at a time; a key gives the gold label."""

import loading
import pandas as pd
import shown
import streamlit as st

from weakft.errors import WeakftError
from weakft.review import Decision
from weakft.tables import Sought
from weakft.visible import HIDDEN

QUEUES = {
    "LFs in conflict": Sought(states=("conflicted",), order="label_confidence", ascending=True),
    "unsure labels": Sought(label_below=0.6, order="label_confidence", ascending=True),
    "model against labels": Sought(disagreeing=True, order="confidence"),
    "no LF votes": Sought(states=("none",), order="confidence", ascending=True),
}
MOST_KEYS = 9

report = loading.chosen_report()
log, person = loading.open_project().review, st.session_state["person"]
given = log.given()
own: list[Decision] = st.session_state.setdefault("own_decisions", [])
"""What was decided in this browser session: several people may work under one account."""


def give(row_id: str, label: str) -> None:
    """Write the label down."""
    own.append(log.give(row_id, label, person))


def take_back() -> None:
    """The newest label of this session, as if it had not been given."""
    undone = log.undo(person, own)
    if undone is None:
        st.toast("Nothing to take back.")
        return
    own.remove(next(each for each in reversed(own) if each.id == undone.id))
    row = HIDDEN if "id" in report.hidden else undone.id
    st.toast(f"Taken back: {shown.plain(row)}.")


def skip(row_id: str) -> None:
    """Not now."""
    st.session_state.setdefault("skipped", set()).add(row_id)


with st.container(horizontal=True, vertical_alignment="bottom"):
    queue = st.pills(
        "Queue",
        list(QUEUES),
        default="LFs in conflict",
        required=True,
        key="queue",
        bind="query-params",
    )
    st.button(
        "Take back the last",
        on_click=take_back,
        shortcut="u",
        key="undo",
        icon=":material/undo:",
        disabled=not own,
    )
so_far = "1 row is" if len(given) == 1 else f"{len(given):,} rows are"
st.caption(
    f"{so_far} labelled by hand so far. The next `weakft run` learns from them; "
    "they never judge a model, since they were picked for being hard."
)
try:
    table = loading.rows_of(report, "train")
    ids_done = {*given, *st.session_state.get("skipped", set())}
    row = None
    positions = table.positions(QUEUES[queue])
    for start in range(0, len(positions), 50):
        row_ids = table.ids(positions[start : start + 50])
        left = [place for place, row_id in enumerate(row_ids, start) if row_id not in ids_done]
        if left:
            position = positions[left[0]]
            row_id = row_ids[left[0] - start]
            row = table.rows(positions[left[:1]]).iloc[0]
            break
except WeakftError as error:
    shown.refusal(error)
    st.stop()
if row is None:
    st.success("This queue is done.", icon=":material/done_all:")
    st.stop()

size = "1 row is" if len(positions) == 1 else f"{len(positions):,} rows are"
st.caption(f"{size} in this queue, the most worth a look first.")
with st.container(border=True):
    st.text(shown.visible(row["text"]), width="stretch")
    st.caption(f"Row {shown.plain(row['id'])}")
with st.container(horizontal=True):
    for number, name in enumerate(report.classes, start=1):
        key = str(number) if number <= MOST_KEYS else None
        st.button(
            shown.plain(name),
            key=f"give_{number}",
            on_click=give,
            args=(row_id, name),
            shortcut=key,
        )
    st.button("Skip", on_click=skip, args=(row_id,), shortcut="s", key="skip", type="tertiary")
votes = table.votes[position]
sure = f"{row['label_confidence']:.0%}"
opinions = [
    ("labels", *(("–", "") if pd.isna(row["label"]) else (row["label"], sure))),
    ("end model", row["predicted"], f"{row['confidence']:.0%}"),
    *((table.lf_names[j], report.classes[votes[j]], "") for j in (votes >= 0).nonzero()[0]),
]
st.dataframe(
    pd.DataFrame(opinions, columns=["who", "says", "how sure"]),
    hide_index=True,
    width=560,
    alt="What labels, model and LFs say of this row",
)
