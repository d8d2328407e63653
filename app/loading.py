"""The project, the chosen run and its tables, each read once: a run never changes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from weakft.config import Splits
from weakft.project import Project
from weakft.report import Report
from weakft.runs import RunStore

BY_RUN: dict[str | type, Callable[[Any], Any]] = {Report: lambda report: str(report.run.path)}


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
    return Report(project, project.runs.open(st.session_state["run"]))


@st.cache_data(max_entries=32, show_spinner=False, hash_funcs=BY_RUN)
def coverage(report: Report) -> dict[str, int]:
    """See `Report.coverage`, of train."""
    return report.coverage("train")


@st.cache_data(max_entries=32, show_spinner="Reading rows", hash_funcs=BY_RUN)
def lf_rows(report: Report, lf: str, split: Splits) -> pd.DataFrame:
    """See `Report.lf_rows`."""
    return report.lf_rows(lf, split)


@st.cache_data(max_entries=8, show_spinner="Reading rows", hash_funcs=BY_RUN)
def label_rows(report: Report) -> pd.DataFrame:
    """See `Report.label_rows`."""
    return report.label_rows()


@st.cache_data(max_entries=16, show_spinner="Reading rows", hash_funcs=BY_RUN)
def prediction_rows(report: Report, split: Splits) -> pd.DataFrame:
    """See `Report.prediction_rows`, of the end model."""
    return report.prediction_rows(split)


@st.cache_data(max_entries=16, show_spinner="Reading rows", hash_funcs=BY_RUN)
def confusion(report: Report, split: Splits) -> pd.DataFrame:
    """See `Report.confusion`, of the end model."""
    return report.confusion(split)
