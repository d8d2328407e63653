"""Killed at any time, retraining leaves the old state or the new one, and ends where it would have.

Three kills here; two hundred by `make soak`.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from weakft.end_model import EndModel
from weakft.files import sha256
from weakft.project import Project

KILLS = 200 if os.environ.get("WEAKFT_SOAK") else 3
ROUND = 10  # kills before a retraining is let through to its end
COMPARED = (
    "votes/train.parquet",
    "soft_labels.parquet",
    "model/model.safetensors",
    "predictions/test.parquet",
    "columns/train.parquet",
    "summaries.json",
)
SETTINGS = ["train.num_train_epochs=2", 'train.gold="mix"', "train.gold_steps=6"]


def started(project: Path) -> subprocess.Popen[bytes]:
    changes = [part for setting in SETTINGS for part in ("--set", setting)]
    return subprocess.Popen(
        [sys.executable, "-m", "weakft", "retrain", "--project", str(project), *changes],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def finished(project: Path) -> dict[str, str]:
    """Let a retraining through; the hashes of what it made."""
    process = started(project)
    _, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    run = Project.open(project).runs.open()
    assert Project.open(project).registry.current() == run.id
    return {name: sha256(run.path / name) for name in COMPARED}


def assert_whole(project: Path) -> None:
    """Readers see whole runs only, and the model in service loads."""
    opened = Project.open(project)
    current = opened.registry.current()
    for run_id in opened.runs.ids():
        assert (opened.runs.open(run_id).path / "summaries.json").exists()
    if current is not None:
        assert EndModel.load(opened.runs.open(current).model).classes == opened.config.classes


@pytest.mark.parametrize("seed", range(max(KILLS // ROUND, 1)))
def test_killed_again_and_again_it_ends_as_if_undisturbed(
    project: Path, tmp_path: Path, seed: int
) -> None:
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    for copy in (undisturbed, disturbed):
        shutil.copytree(project, copy)
    start = time.monotonic()
    wanted = finished(undisturbed)
    seconds = time.monotonic() - start
    rng = random.Random(seed)
    for _ in range(min(ROUND, KILLS)):
        process = started(disturbed)
        time.sleep(rng.uniform(0.1, 1.0) * seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert_whole(disturbed)
    assert finished(disturbed) == wanted
    assert len(Project.open(disturbed).runs.ids()) == 1


def test_told_to_stop_it_says_143_and_goes_on_later(project: Path, tmp_path: Path) -> None:
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(project, undisturbed)
    wanted = finished(undisturbed)
    process = started(project)
    marker = project / "runs" / ".retrain" / "soft_labels.parquet"
    while not marker.exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode in (143, 0)  # 0: it had ended by then
    assert_whole(project)
    assert finished(project) == wanted
