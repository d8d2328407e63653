"""Runs: how the project went, what changed between any two, and which one is in service."""

import changes
import loading
import rowview
import shown
import streamlit as st
import testscores

from weakft import charts
from weakft.errors import WeakftError
from weakft.interop.mlflow import tell
from weakft.run_diff import RunDiff
from weakft.tables import Sought


def in_service_now(run_id: str) -> None:
    """Tell MLflow, if it is to know, and show the page as it is now."""
    for warning in tell(project, run_id).warnings:
        st.toast(warning, icon=":material/warning:", duration="long")
    st.rerun()


def plain_when(run_id: str) -> str:
    """When a run was made, where Streamlit expects Markdown."""
    return shown.plain(shown.when(run_id))


def against(other: str) -> tuple[RunDiff | None, str]:
    """What differs between the run shown and another, and in a sentence which is better."""
    try:
        change = loading.difference(loading.report_of(str(project.root), other), report)
    except WeakftError as error:
        return None, shown.visible(str(error))
    sentence = changes.sentences(change, f"the one of {shown.when(other)}")[0]
    return change, sentence


project = loading.open_project()
report = loading.chosen_report()
person = st.session_state["person"]
history, damaged = loading.score_history(project)
current = project.registry.current()

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
        service=["in service" if run == current else "" for run in history["run"][::-1]],
    ),
    hide_index=True,
    placeholder="–",
    height="content" if len(history) < 8 else 300,
    alt="All runs, the newest first",
    column_order=[
        "made",
        "service",
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
        "service": shown.text("", 90),
        "macro_f1": shown.share("macro-F1 on valid", width=130),
        "evidence": shown.text("95% interval", 170),
        "coverage": shown.share("coverage"),
        "label_model": shown.text("label model", 120),
    },
)
shown.left_out(damaged)

st.subheader("In service")
others = [run for run in project.runs.ids()[::-1] if run != report.run.id]
before = project.registry.before_current()
with st.container(horizontal=True, vertical_alignment="center"):
    st.text(shown.when(current) if current else "No run is in service yet.", width="content")
    if current != report.run.id:
        with st.popover("Promote the run shown", icon=":material/rocket_launch:", key="promoting"):
            st.text(f"It was made {shown.when(report.run.id)}.")
            if current is not None:
                age = "older" if report.run.id < current else "newer"
                st.text(f"It is {age} than the one in service, of {shown.when(current)}.")
                st.text(against(current)[1])
            if st.button(
                f"Put {plain_when(report.run.id)} into service", type="primary", key="promote"
            ):
                move = project.registry.promote(report.run.id, person, "from the dashboard")
                in_service_now(move.run_id)
    if before is not None:
        with st.popover(
            "Roll back", icon=":material/history:", type="tertiary", key="rolling_back"
        ):
            st.text(f"The run of {shown.when(before)} was in service before.")
            if st.button(f"Go back to {plain_when(before)}", key="rollback"):
                try:
                    back = project.registry.rollback(person, "from the dashboard")
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
if not others:
    st.info("There is only one run. Change an LF and make another:", icon=":material/info:")
    st.code("weakft run", language="bash")
    st.stop()
other = st.selectbox(
    "Other run",
    others,
    index=others.index(current) if current in others else 0,
    key="other",
    bind="query-params",
    width=360,
)
made = f"Made {shown.when(other)}"
st.caption(f"{made}, and in service." if other == current else f"{made}.")
change, verdict = against(other)
st.text(verdict)
if change is None:
    st.stop()
shown.kpis(changes.cards(change))
for note in change.notes:
    st.text(f"⚠ {note}")
moved = changes.lf_table(change)
if len(moved):
    st.dataframe(moved, hide_index=True, placeholder="", alt="LFs that were added or changed")
if "valid" in change.scores:
    st.dataframe(
        changes.score_table(change, "valid"),
        hide_index=True,
        alt="The two end models on the same rows of valid",
    )
    st.caption(
        "The intervals hold the chance of which rows valid has, not that of training: the same "
        "labels give another model with another seed. How far apart those lie, train.seeds = 3 "
        "tells."
    )
if "test" in change.scores and testscores.are_shown(report, person):
    st.dataframe(
        changes.score_table(change, "test"),
        hide_index=True,
        alt="The two end models on the same rows of test",
    )
if change.flip_count:
    st.subheader("Rows whose label is of another class")
    if change.flip_count > len(change.flips):
        st.caption(f"The first {len(change.flips):,} of {change.flip_count:,}.")
    kinds = changes.flips_by_kind(change)
    kind = st.pills(
        "From the other run to the run shown",
        list(kinds),
        format_func=lambda kind: f"{shown.plain(kind)} ({len(kinds[kind])})",
        key="flip",
    )
    wanted = kinds[kind] if kind else change.flips["id"].tolist()
    try:
        positions = loading.rows_of(report, "train").positions_of(wanted)
        columns = ("text", "label", "label_confidence", "gold", "LF votes", "id")
        rowview.show(report, "train", Sought(among=tuple(positions)), key="flips", columns=columns)
    except WeakftError as error:
        shown.refusal(error)
