"""Killed at any time, retraining leaves the old state or the new one, and ends where it would have.

A few kills here; by `make soak` two hundred, and three hundred with edits in between.
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

from tests.conftest import FILLER
from weakft.end_model import EndModel
from weakft.files import sha256
from weakft.project import Project

SOAK = bool(os.environ.get("WEAKFT_SOAK"))
KILLS = 200 if SOAK else 3
ROUND = 10  # kills before a retraining is let through to its end
EDITED_ROUNDS, EDITED_KILLS = (30, 10) if SOAK else (1, 2)
REFUSED = 5  # by the gate: the candidate is there all the same
LISTED = '''
from pathlib import Path

WORD = (Path(__file__).parent.parent / "words" / "list.txt").read_text().split()[0]


@labeling_function()
def listed(x):
    """Reads its word from a file outside the folder of the LFs."""
    return 1 if WORD in x.text else ABSTAIN
'''
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


@pytest.mark.parametrize("seed", range(EDITED_ROUNDS))
def test_killed_and_edited_no_vote_is_stale(project: Path, tmp_path: Path, seed: int) -> None:
    """Before each kill the word that an LF looks for changes; the last one is what counts."""
    lfs = project / "labeling" / "tiny.py"
    lfs.write_text(lfs.read_text() + LISTED)
    (project / "words").mkdir()
    rng, words = random.Random(seed), project / "words" / "list.txt"
    words.write_text("unheard")
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(project, undisturbed)
    start = time.monotonic()
    finished(undisturbed)
    seconds = time.monotonic() - start
    for number in range(EDITED_KILLS):
        words.write_text(f"{rng.choice(FILLER)} {number}")
        process = started(project)
        time.sleep(rng.uniform(0.1, 1.0) * seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert_whole(project)
    words.write_text(f"{rng.choice(FILLER)} at last")
    shutil.copy(words, undisturbed / "words")
    shutil.rmtree(undisturbed / ".weakft")
    assert votes_of_newest(project) == votes_of_newest(undisturbed)


def votes_of_newest(project: Path) -> str:
    """Let a retraining through; the hash of the votes it made."""
    process = started(project)
    _, errors = process.communicate()
    assert process.returncode in (0, REFUSED), errors.decode()
    return sha256(Project.open(project).runs.open().path / "votes/train.parquet")


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
