"""Runs: how the project went, what changed between any two, and which one is in service."""

import comparing
import loading
import shown
import streamlit as st

from weakft import charts
from weakft.errors import WeakftError
from weakft.interop.mlflow import tell

FROM_HERE = "from the dashboard"
NO_RUN = (
    "No run is in service yet. Until then weakft predict takes the newest that was not refused."
)


def in_service_now(run_id: str) -> None:
    """Tell MLflow, if it is to know, and show the page as it is now."""
    for warning in tell(project, run_id).warnings:
        st.toast(warning, icon=":material/warning:", duration="long")
    st.rerun()


def plain_when(run_id: str) -> str:
    """When a run was made, where Streamlit expects Markdown."""
    return shown.plain(shown.when(run_id))


project = loading.open_project()
report = loading.chosen_report()
person = st.session_state["person"]
history, damaged = loading.score_history(project)
current, statuses = project.registry.current(), project.registry.statuses()

if history["macro_f1"].notna().any():
    shown.chart(
        charts.score_history,
        history,
        report.run.id,
        current,
        alt="Macro-F1 on valid of each run with its interval",
    )
st.dataframe(
    shown.per_cent(history[::-1], "coverage", "macro_f1").assign(
        made=[shown.when(run) for run in history["run"][::-1]],
        evidence=shown.intervals(history[::-1], "macro_f1", "support", "rows"),
        status=[statuses.get(run, "") for run in history["run"][::-1]],
    ),
    hide_index=True,
    placeholder="–",
    height="content" if len(history) < 8 else 300,
    alt="All runs, the newest first",
    column_order=[
        "made",
        "status",
        "macro_f1",
        "evidence",
        "coverage",
        "LFs",
        "label_model",
        "run",
    ],
    column_config={
        "made": shown.text("made (UTC)", 150),
        "run": shown.text("run", 190),
        "status": shown.text("status", 90),
        "macro_f1": shown.share("macro-F1 on valid", width=130),
        "evidence": shown.text("95% interval", 170),
        "coverage": shown.share("coverage"),
        "label_model": shown.text("label model", 120),
    },
)
shown.left_out(damaged)

st.subheader("In service")
before = project.registry.before_current()
with st.container(horizontal=True, vertical_alignment="center"):
    st.text(shown.when(current) if current else NO_RUN, width="content")
    if current != report.run.id:
        with st.popover("Promote the run shown", icon=":material/rocket_launch:", key="promoting"):
            st.text(f"It was made {shown.when(report.run.id)}.")
            if current is not None:
                age = "older" if report.run.id < current else "newer"
                st.text(f"It is {age} than the one in service, of {shown.when(current)}.")
                st.text(comparing.verdict(current, report))
            why = st.text_input("Why", key="why", placeholder="for the history")
            if st.button(
                f"Put {plain_when(report.run.id)} into service", type="primary", key="promote"
            ):
                move = project.registry.promote(report.run.id, person, why or FROM_HERE)
                in_service_now(move.run_id)
    if before is not None:
        with st.popover(
            "Roll back", icon=":material/history:", type="tertiary", key="rolling_back"
        ):
            st.text(f"The run of {shown.when(before)} was in service before.")
            if st.button(f"Go back to {plain_when(before)}", key="rollback"):
                try:
                    back = project.registry.rollback(person, FROM_HERE)
                except WeakftError as error:
                    shown.refusal(error)
                else:
                    in_service_now(back.run_id)
moves = project.registry.history()
if moves:
    with st.expander("History"):
        shown.facts(
            [
                {
                    "when": move.at[:19].replace("T", " "),
                    "what": "rolled back to" if move.rollback else "promoted",
                    "run of": shown.when(move.run_id),
                    "instead of": shown.when(move.was) if move.was else "none",
                    "by": shown.visible(move.by),
                    "why": shown.visible(move.why),
                    "run": move.run_id,
                }
                for move in moves[::-1]
            ],
            alt="What was in service when",
        )

st.subheader(f"Compare the run shown, of {plain_when(report.run.id)}, with another")
comparing.show(report, person)
