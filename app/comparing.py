"""The run shown beside another: which is better, what changed, and on which rows."""

from collections.abc import Mapping, Sequence

import changes
import loading
import rowview
import shown
import streamlit as st
import testscores

from weakft.config import Splits
from weakft.errors import WeakftError
from weakft.report import Report
from weakft.run_diff import RunDiff
from weakft.tables import Sought
from weakft.tables.rows import Positions

DECIDED = ("text", "gold", "predicted", "confidence", "state", "LF votes", "id")
FLIPPED = ("text", "other label", "label", "label_confidence", "gold", "LF votes", "id")


def show(report: Report, person: str) -> None:
    """Ask for the other run; say what differs, the most important first."""
    other = _choose_other(report)
    try:
        old = loading.report_of(report.project, other)
        change = loading.difference(old, report)
    except WeakftError as error:
        shown.refusal(error)
        return
    st.text(verdict(other, report))
    shown.kpis(changes.cards(change))
    for note in change.notes:
        st.text(f"⚠ {note}")
    moved = changes.lf_table(change)
    if len(moved):
        st.dataframe(moved, hide_index=True, placeholder="", alt="LFs that were added or changed")
    _scores(change, report, person)
    if "valid" in change.scores and "gold" not in report.hidden:
        _decided_rows(old, report)
    if change.flip_count:
        _flipped_rows(change, report)


def verdict(other: str, report: Report) -> str:
    """In a sentence: which is better, the run shown or the other one?"""
    try:
        old = loading.report_of(report.project, other)
        change = loading.difference(old, report)
    except WeakftError as error:
        return shown.visible(str(error))
    return changes.sentences(change, f"the one of {shown.when(other)}")[0]


def _choose_other(report: Report) -> str:
    """The run in service first; the page ends where there is none but the one shown."""
    runs, current = report.project.runs, report.project.registry.current()
    others = [run for run in runs.ids()[::-1] if run != report.run.id]
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
    return other


def _scores(change: RunDiff, report: Report, person: str) -> None:
    if "valid" in change.scores:
        st.dataframe(
            changes.score_table(change, "valid"),
            hide_index=True,
            placeholder="",
            alt="The two end models on the same rows of valid",
        )
        st.caption(
            "The intervals hold the chance of which rows valid has, not that of training: the "
            "same labels give another model with another seed. How far apart those lie, "
            "train.seeds = 3 tells."
        )
    if "test" in change.scores and testscores.are_shown(report, person):
        st.dataframe(
            changes.score_table(change, "test"),
            hide_index=True,
            placeholder="",
            alt="The two end models on the same rows of test",
        )


def _decided_rows(old: Report, new: Report) -> None:
    st.subheader("Rows of valid that one model alone has right")
    decided = changes.won_and_lost(*(loading.rows_of(side, "valid") for side in (old, new)))
    who = st.segmented_control(
        "Right",
        list(decided),
        default=next(iter(decided)),
        required=True,
        key="right",
        bind="query-params",
    )
    _rows(new, "valid", decided[who], "decided", DECIDED)


def _flipped_rows(change: RunDiff, report: Report) -> None:
    st.subheader("Train rows whose label is of another class")
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
    before = dict(zip(change.flips["id"], change.flips["old"], strict=True))
    positions = loading.rows_of(report, "train").positions_of(wanted)
    _rows(report, "train", positions, "flips", FLIPPED, {"other label": before})


def _rows(
    report: Report,
    split: Splits,
    positions: Positions,
    key: str,
    columns: Sequence[str],
    beside: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    sought = Sought(among=tuple(positions.tolist()))
    rowview.show(report, split, sought, key=key, columns=columns, beside=beside)
