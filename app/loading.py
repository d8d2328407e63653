"""The project, the chosen run and its tables, each read once: a run never changes."""

import os
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from weakft.config import Splits
from weakft.project import Project
from weakft.report import Report
from weakft.run_diff import RunDiff, compare_runs
from weakft.runs import RunStore
from weakft.tables import RowTable


def open_project() -> Project:
    """The project of `weakft app`, else the nearest weakft.toml upwards.

    Raises:
        ConfigError: there is none, or something in it is wrong.
    """
    folder = os.environ.get("WEAKFT_PROJECT")
    return Project.open(Path(folder) if folder else None)


def choose_run(runs: RunStore) -> None:
    """The run picker, newest first; the choice stands in the address, to be shared."""
    st.selectbox("Run", runs.ids()[::-1], key="run", bind="query-params")


def chosen_report() -> Report:
    """The report of the run chosen in the sidebar."""
    project = open_project()
    return report_of(str(project.root), st.session_state["run"])


@st.cache_resource(max_entries=8, show_spinner=False)
def report_of(root: str, run_id: str) -> Report:
    """The report of a run; its small tables stay read."""
    project = Project.open(Path(root))
    return Report(project, project.runs.open(run_id))


def rows_of(report: Report, split: Splits) -> RowTable:
    """The rows of a split; its small columns stay read."""
    return _rows_of(str(report.project.root), report.run.id, split)


@st.cache_resource(max_entries=6, show_spinner=False)
def _rows_of(root: str, run_id: str, split: Splits) -> RowTable:
    return report_of(root, run_id).table(split)


def difference(old: Report, new: Report) -> RunDiff:
    """See `weakft.run_diff.compare_runs`."""
    return _difference(str(new.project.root), old.run.id, new.run.id)


@st.cache_resource(max_entries=8, show_spinner=False)
def _difference(root: str, old: str, new: str) -> RunDiff:
    return compare_runs(report_of(root, old), report_of(root, new))


def score_history(project: Project) -> pd.DataFrame:
    """One row per run, oldest first: run, created, macro_f1, its interval and rows, on valid.

    The score is missing where valid could not be scored.
    """
    return _score_history(str(project.root), tuple(project.runs.ids()))


@st.cache_data(max_entries=4, show_spinner=False)
def _score_history(root: str, runs: tuple[str, ...]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for run_id in runs:
        report = report_of(root, run_id)
        score = report.metrics["end_model"].get("valid", {}).get("macro_f1") or {}
        rows.append(
            {
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
        )
    return pd.DataFrame(rows)
