"""The log of a batch job: what happened, in order, and never a row's text."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from tests.conftest import LF_FILE
from weakft.cli.main import app
from weakft.project import Project

MARKER = "xyzzy"
QUICK = ["train.num_train_epochs=1", 'train.gold="none"', 'evaluate.rivals=["majority_vote"]']
STAGES = ["read", "apply", "label", "train", "evaluate", "publish", "judge"]

Events = list[dict[str, Any]]


def telling(condition: str) -> str:
    """An LF that raises with the text in its message, on some rows."""
    return (
        f"{LF_FILE}\n\n@labeling_function()\ndef tells(x):\n    if {condition}:\n"
        "        raise ValueError(x.text)\n    return ABSTAIN\n"
    )


def mark_texts(root: Path) -> None:
    for file in (root / "data").iterdir():
        rows = pd.read_parquet(file)
        rows.assign(text=rows["text"] + f" {MARKER}").to_parquet(file, index=False)


def retrain(root: Path, *more: str) -> int:
    arguments = [part for change in QUICK for part in ("--set", change)]
    command = ["retrain", "--project", str(root), "--json", *arguments, *more]
    return CliRunner().invoke(app, command).exit_code


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Events]:
    """Reads the log that commands write, which must not hold the marker."""
    file = tmp_path / "logs" / "weakft.log.jsonl"
    monkeypatch.setenv("WEAKFT_LOG", str(file))

    def read() -> Events:
        text = file.read_text()
        assert MARKER not in text
        return [json.loads(line) for line in text.splitlines()]

    return read


def names(events: Events, event: str) -> list[str]:
    return [line["stage"] for line in events if line["event"] == event]


def test_a_retraining_is_told_from_start_to_outcome(
    make_project: Callable[..., Path], log: Callable[[], Events]
) -> None:
    root = make_project(lfs=telling("x.id == 'train-3'"))
    mark_texts(root)
    assert retrain(root) == 0
    events = log()
    assert events[0]["event"] == "command_started"
    assert events[0]["folder"] == str(root)
    assert names(events, "stage_started") == names(events, "stage_finished") == STAGES
    assert all(line["seconds"] >= 0 for line in events if line["event"] == "stage_finished")
    warnings = [line["message"] for line in events if line["event"] == "warning"]
    assert any("tells raised on 1 train rows" in message for message in warnings)
    outcome = events[-1]
    current = Project.open(root).registry.current()
    assert (outcome["event"], outcome["level"]) == ("command_finished", "info")
    assert (outcome["exit_code"], outcome["status"]) == (0, "promoted")
    assert outcome["run_id"] == outcome["current"] == current
    times = [datetime.fromisoformat(line["time"]) for line in events]
    assert times == sorted(times)
    assert {str(time.tzinfo) for time in times} == {"UTC"}
    assert {line["pid"] for line in events} == {os.getpid()}


def test_of_an_error_that_quotes_a_text_its_class_lf_and_row_are_told(
    make_project: Callable[..., Path], log: Callable[[], Events]
) -> None:
    root = make_project(lfs=telling("x.id.startswith('train')"))
    mark_texts(root)
    assert retrain(root) == 4
    events = log()
    assert names(events, "stage_finished") == ["read"]
    outcome = events[-1]
    assert (outcome["level"], outcome["status"], outcome["exit_code"]) == ("error", "error", 4)
    assert (outcome["error"], outcome["stage"]) == ("FaultBudgetExceeded", "apply")
    assert (outcome["lf"], outcome["row"]) == ("tells", "train-0")
    assert "message" not in outcome


@pytest.mark.parametrize("workers", [1, 2])
def test_a_vote_that_is_a_text_is_not_told(
    make_project: Callable[..., Path], log: Callable[[], Events], workers: int
) -> None:
    vote = "\n\n@labeling_function()\ndef echoes(x):\n    return x.text\n"
    root = make_project(lfs=LF_FILE + vote)
    mark_texts(root)
    assert retrain(root, "--set", f"apply.workers={workers}") == 4
    outcome = log()[-1]
    told = (outcome["error"], outcome["lf"], outcome["row"])
    assert told == ("InvalidVote", "echoes", "train-0")


def test_data_refused_for_what_stands_in_a_row_does_not_quote_it(
    project: Path, log: Callable[[], Events]
) -> None:
    file = project / "data" / "dev.parquet"
    pd.read_parquet(file).assign(label=MARKER).to_parquet(file, index=False)
    assert retrain(project) == 3
    assert log()[-1]["error"] == "DataError"


def test_busy_and_wrong_settings_say_why(project: Path, log: Callable[[], Events]) -> None:
    with Project.open(project).runs.lock():
        assert retrain(project) == 75
    assert retrain(project, "--set", "train.modell=x") == 2
    busy, wrong = (line for line in log() if line["event"] == "command_finished")
    assert (busy["level"], busy["error"], busy["exit_code"]) == ("warning", "LockedError", 75)
    assert "Another weakft works on" in busy["message"]
    assert (wrong["level"], wrong["error"]) == ("error", "ConfigError")
    assert "did you mean 'model'" in wrong["message"]


def weakft(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "weakft", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_a_log_that_was_moved_away_is_begun_anew(project: Path, log: Callable[[], Events]) -> None:
    assert weakft(project, "runs", "list").returncode == 0
    file = Path(os.environ["WEAKFT_LOG"])
    file.rename(file.with_suffix(".1"))
    assert weakft(project, "runs", "promote", "latest").returncode == 2
    events = log()
    assert [line["event"] for line in events] == ["command_started", "command_finished"]
    assert {line["command"] for line in events} == {"weakft runs promote latest"}
    assert [line["exit_code"] for line in events[1:]] == [2]


def test_a_log_that_cannot_be_written_is_a_warning(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEAKFT_LOG", "weakft.toml/log.jsonl")
    done = weakft(project, "runs", "list", "--json")
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "ok")
    assert done.stderr.count("cannot be written") == 1


def test_without_the_variable_nothing_is_written(project: Path) -> None:
    before = sorted(project.rglob("*"))
    assert weakft(project, "runs", "list").returncode == 0
    assert sorted(project.rglob("*")) == before
