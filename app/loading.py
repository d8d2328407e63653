"""The project, the chosen run and its tables, each read once: a run never changes."""

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import shown
import streamlit as st

from weakft.config import Splits
from weakft.errors import DataError, WeakftError
from weakft.live import watch_table
from weakft.project import Project
from weakft.registry import RunStatus
from weakft.report import Report
from weakft.run_diff import RunDiff, compare_runs
from weakft.runs import RunFolder
from weakft.tables import RowTable

STATUSES: dict[RunStatus, str] = {
    "in service": "in service",
    "retired": "no longer in service",
    "refused": "refused by the gate",
    "candidate": "not in service",
}
HISTORY = (
    "run created LFs coverage label_model macro_f1 macro_f1_low macro_f1_high support"
).split()


def open_project() -> Project:
    """The project of `weakft app`, else the nearest weakft.toml upwards.

    Raises:
        ConfigError: there is none, or something in it is wrong.
    """
    folder = os.environ.get("WEAKFT_PROJECT")
    return Project.open(Path(folder) if folder else None)


def choose_run(project: Project) -> None:
    """The run picker, newest first; the choice stands in the address, to be shared."""
    chosen = st.selectbox("Run", project.runs.ids()[::-1], key="run", bind="query-params")
    status = project.registry.statuses([chosen])[chosen]
    st.caption(f"Made {shown.when(chosen)} UTC, {STATUSES[status]}")


def chosen_report() -> Report:
    """The report of the run chosen in the sidebar."""
    return report_of(open_project(), st.session_state["run"])


def report_of(project: Project, run_id: str) -> Report:
    """The report of a run; its small tables stay read, until other columns are to be hidden."""
    return _report_of(str(project.root), run_id, project.config.privacy.hidden)


@st.cache_resource(max_entries=8, show_spinner=False)
def _report_of(root: str, run_id: str, hidden: tuple[str, ...]) -> Report:
    project = Project.open(Path(root))
    return Report(project, project.runs.open(run_id))


def rows_of(report: Report, split: Splits) -> RowTable:
    """The rows of a split; its small columns stay read."""
    project = report.project
    return _rows_of(str(project.root), report.run.id, project.config.privacy.hidden, split)


@st.cache_resource(max_entries=6, show_spinner=False)
def _rows_of(root: str, run_id: str, hidden: tuple[str, ...], split: Splits) -> RowTable:
    return _report_of(root, run_id, hidden).table(split)


def difference(old: Report, new: Report) -> RunDiff:
    """See `weakft.run_diff.compare_runs`."""
    project = new.project
    hidden = project.config.privacy.hidden
    return _difference(str(project.root), old.run.id, new.run.id, hidden)


@st.cache_resource(max_entries=8, show_spinner=False)
def _difference(root: str, old: str, new: str, hidden: tuple[str, ...]) -> RunDiff:
    return compare_runs(_report_of(root, old, hidden), _report_of(root, new, hidden))


def score_history(project: Project) -> tuple[pd.DataFrame, list[WeakftError]]:
    """How good each run is on valid, and why some cannot be told.

    Returns:
        One row per run, oldest first: run, created, LFs, coverage, label_model, macro_f1 with its
        interval, and support; the score is missing where valid could not be scored. Damaged runs
        are left out: what is wrong with them stands beside it.
    """
    rows, damaged = [], []
    for run_id in project.runs.ids():
        try:
            rows.append(_score(str(project.root), run_id))
        except WeakftError as error:
            damaged.append(error)
    return pd.DataFrame(rows, columns=HISTORY), damaged


@st.cache_data(max_entries=1024, show_spinner=False)
def _score(root: str, run_id: str) -> dict[str, Any]:
    project = Project.open(Path(root))
    report = Report(project, RunFolder(project.runs.root / run_id))
    score = report.metrics["end_model"].get("valid", {}).get("macro_f1") or {}
    return {
        "run": run_id,
        "created": report.manifest["created"],
        "LFs": len(report.manifest["lfs"]),
        "coverage": report.metrics["labels"]["coverage"],
        "label_model": report.metrics["labels"]["chosen"],
        "macro_f1": score.get("value"),
        "macro_f1_low": score.get("low"),
        "macro_f1_high": score.get("high"),
        "support": score.get("support", 0),
    }


def watched(project: Project) -> pd.DataFrame | None:
    """The LFs as `weakft watch` sees them at this moment; None while it is off.

    Raises:
        DataError: its file is damaged.
    """
    file = watch_table(project.root)
    if not file.exists():
        return None
    try:
        return pd.read_parquet(file)
    except FileNotFoundError:  # it ended a moment ago
        return None
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise DataError(
            f"{file} cannot be read. Save an LF file: `weakft watch` writes it anew."
        ) from error
