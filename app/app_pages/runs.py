"""Runs: how the project went, what changed between any two, and which one is in service."""

import changes
import loading
import shown
import streamlit as st
import testscores

from weakft import charts
from weakft.errors import WeakftError
from weakft.interop.mlflow import tell


def in_service_now(run_id: str) -> None:
    """Tell MLflow, if it is to know, and show the page as it is now."""
    for warning in tell(project, run_id).warnings:
        st.toast(warning, icon=":material/warning:", duration="long")
    st.rerun()


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
    shown.per_cent(history[::-1], "coverage").assign(
        evidence=shown.intervals(history[::-1], "macro_f1", "support", "rows"),
        service=["in service" if run == current else "" for run in history["run"][::-1]],
    ),
    hide_index=True,
    placeholder="–",
    height="content" if len(history) < 8 else 300,
    alt="All runs, the newest first",
    column_order=["run", "service", "macro_f1", "evidence", "coverage", "LFs", "label_model"],
    column_config={
        "run": shown.text("run", 210),
        "service": shown.text("", 90),
        "macro_f1": st.column_config.NumberColumn("macro-F1 on valid", format="%.3f"),
        "evidence": shown.text("95% interval", 170),
        "coverage": shown.share("coverage"),
        "label_model": shown.text("label model", 120),
    },
)
shown.left_out(damaged)

st.subheader("In service")
with st.container(horizontal=True, vertical_alignment="center"):
    st.text(current or "No run is in service yet.")
    if current != report.run.id and st.button(
        "Promote the run shown", icon=":material/rocket_launch:", key="promote"
    ):
        in_service_now(project.registry.promote(report.run.id, person, "from the dashboard").run_id)
    if project.registry.history() and st.button(
        "Roll back", icon=":material/history:", key="rollback", type="tertiary"
    ):
        try:
            back = project.registry.rollback(person, "from the dashboard")
        except WeakftError as error:
            shown.refusal(error)
        else:
            in_service_now(back.run_id)
moves = project.registry.history()
if moves:
    with st.expander("History"):
        shown.facts([vars(move) for move in moves[::-1]], alt="What was in service when")

st.subheader("Compare with the run shown")
others = [run for run in project.runs.ids()[::-1] if run != report.run.id]
if not others:
    st.info("There is only one run. Change an LF and make another:", icon=":material/info:")
    st.code("weakft run", language="bash")
    st.stop()
is_older = current in others and current < report.run.id
other = st.selectbox(
    "Older run",
    others,
    index=others.index(current) if is_older else 0,
    key="other",
    bind="query-params",
)
try:
    change = loading.difference(loading.report_of(str(project.root), other), report)
except WeakftError as error:
    shown.refusal(error)
    st.stop()
st.text(changes.sentences(change)[0])
shown.kpis(changes.cards(change))
for note in change.notes:
    st.text(f"⚠ {note}")
moved = changes.lf_table(change)
if len(moved):
    st.dataframe(moved, hide_index=True, placeholder="", alt="LFs that were added or changed")
if "valid" in change.scores:
    st.dataframe(
        changes.score_table(change, ["valid"]),
        hide_index=True,
        alt="The two end models on the same rows of valid",
    )
if "test" in change.scores and testscores.are_shown(report, person):
    st.dataframe(
        changes.score_table(change, ["test"]),
        hide_index=True,
        alt="The two end models on the same rows of test",
    )
if len(change.flips):
    st.text("The first training rows whose label is of another class now:")
    st.dataframe(change.flips[:200], hide_index=True, height=300, alt="Rows whose label flipped")
