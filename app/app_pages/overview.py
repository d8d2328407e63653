"""Overview: is this run good, what changed, and what to do next."""

import changes
import loading
import shown
import streamlit as st
import testscores

from weakft import charts
from weakft.advice import COVERAGE, named_lfs
from weakft.errors import WeakftError

report = loading.chosen_report()
project = loading.open_project()
current = project.registry.current()


@st.fragment(parallel=True)
def against_current() -> None:
    """The run shown and the one in service; a comparison of a million rows takes seconds."""
    with st.container(border=True, height="stretch"):
        st.markdown("**Against the model in service**")
        if current is None:
            st.text("No run is in service yet. Promote one on the page Runs, or with:")
            st.code(f"weakft runs promote {report.run.id}", language="bash")
            return
        if current == report.run.id:
            st.text("This run is the one in service.")
            return
        try:
            with st.skeleton(height=120):
                in_service = loading.report_of(project, current)
                change = loading.difference(in_service, report)
            for line in changes.sentences(change, "the one in service"):
                st.text(f"• {line}")
        except WeakftError as error:
            shown.refusal(error)


labels, end_model = report.metrics["labels"], report.metrics["end_model"]
valid = end_model.get("valid", {})
judging = next((split for split in ("valid", "dev") if split in labels), None)
shown.kpis(
    [
        ("Macro-F1 on valid", *shown.score(valid.get("macro_f1"))),
        (
            f"Labels right on {judging}" if judging else "Labels right",
            *shown.score(labels[judging]["accuracy"] if judging else None),
        ),
        ("Covered", f"{labels['coverage']:.1%}", f"of {labels['rows']:,} train rows"),
        ("LFs", f"{labels['lfs']}", f"label model: {labels['chosen']}"),
    ]
)
shown.links(
    [
        ("Mistakes on valid", "errors", {}),
        ("Wrong labels", "labels", {"keep": "wrong"}),
        ("Rows nobody covers", "coverage", {}),
        ("LFs", "lfs", {}),
    ]
)

left, right = st.columns(2, gap="medium")
with left, st.container(border=True, height="stretch"):
    st.markdown("**What to do next**")
    steps = report.next_steps(with_test=False)
    names = report.lf_table()["lf"].tolist()
    for step in steps:
        st.text(f"• {shown.visible(step)}")
        ways = [
            (f"Rows of {shown.plain(lf)}", "lfs", {"lf": lf}) for lf in named_lfs([step], names)
        ]
        if COVERAGE in step:
            ways.append(("Coverage", "coverage", {}))
        if ways:
            shown.links(ways)
    for warning in report.warnings(with_test=False):
        st.text(f"⚠ {shown.visible(warning)}")

with right:
    against_current()

st.subheader("Scores over all runs, on valid")
history, damaged = loading.score_history(project)
if history["macro_f1"].notna().any():
    shown.chart(
        charts.score_history,
        history,
        report.run.id,
        current,
        alt="Macro-F1 on valid of each run with its interval",
    )
else:
    st.info("No run has a score on valid yet. Label some rows: [data] valid.")
shown.left_out(damaged)

st.subheader("Against its rivals, on test")
board = report.scoreboard("test")
if board.empty:
    st.info("No test split with gold, so there is no honest score. Label one: [data] test.")
elif testscores.are_shown(report, st.session_state["person"]):
    left, right = st.columns([8, 5], gap="medium")
    with left:
        shown.chart(
            charts.scoreboard,
            board,
            "macro_f1",
            "macro-F1 (95% interval)",
            alt="Macro-F1 of the end model and its rivals with intervals",
        )
    with right:
        shown.chart(
            charts.scoreboard,
            board,
            "accuracy",
            "accuracy (95% interval)",
            False,
            alt="Accuracy of the end model and its rivals with intervals",
        )
    shown.scoreboard(board, "test")
