"""What can be read of a run while it goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import LF_FILE
from weakft.config import TrainConfig
from weakft.live import MOST_POINTS, Curve, Live, read_live, told_live
from weakft.narration import SILENCE, Advance, Silence

PATIENCE = 120  # seconds; a loaded machine is slow


class Clock:
    """Time that passes when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Told(Silence):
    """Writes down what it is told, in the order of it."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def say(self, message: str) -> None:
        self.told.append(message)

    @contextmanager
    def task(self, name: str, total: int, unit: str) -> Iterator[Advance]:
        self.told.append((name, total, unit))
        yield self.told.append
        self.told.append("end")

    def stage(self, name: str) -> None:
        self.told.append(name)

    def loss(self, step: int, value: float) -> None:
        self.told.append((step, value))


def found(runs: Path) -> Live:
    live = read_live(runs)
    assert live is not None
    return live


def test_the_other_narrator_is_told_everything(tmp_path: Path) -> None:
    told = Told()
    with told_live(tmp_path, told) as narrator:
        narrator.stage("apply")
        with narrator.task("Applying LFs", 10, "rows") as advance:
            advance(3)
        narrator.loss(5, 0.5)
        narrator.say("Done.")
    assert told.told == ["apply", ("Applying LFs", 10, "rows"), 3, "end", (5, 0.5), "Done."]


def test_the_file_says_how_far_the_innermost_task_is(tmp_path: Path) -> None:
    clock = Clock()
    with told_live(tmp_path, SILENCE, clock) as narrator:
        assert (found(tmp_path).pid, found(tmp_path).alive) == (os.getpid(), True)
        narrator.stage("train")
        with narrator.task("Outer", 10, "rows") as advance:
            advance(4)
            with narrator.task("Inner", 6, "texts") as advance_inner:
                clock.now += 1
                advance_inner(5)
            live = found(tmp_path)
            assert (live.stage, live.task, live.unit) == ("train", "Inner", "texts")
            assert (live.done, live.total) == (5, 6)
            clock.now += 1
            advance(2)
            assert (found(tmp_path).task, found(tmp_path).done) == ("Outer", 6)
        narrator.stage("evaluate")
        live = found(tmp_path)
        assert (live.stage, live.task, live.total) == ("evaluate", "", 0)
        assert live.started <= live.updated and live.updated.endswith("+00:00")


def test_progress_is_written_twice_a_second_and_a_stage_at_once(tmp_path: Path) -> None:
    clock = Clock()
    with told_live(tmp_path, SILENCE, clock) as narrator:
        with narrator.task("Applying LFs", 1000, "rows") as advance:
            seen = set()
            for _ in range(1000):
                clock.now += 1 / 128
                advance(1)
                seen.add(found(tmp_path).done)
        assert seen == {0, *range(64, 1000, 64)}
        narrator.stage("label")
        assert found(tmp_path).stage == "label"


def test_the_last_five_lines_are_kept(tmp_path: Path) -> None:
    with told_live(tmp_path, SILENCE) as narrator:
        for line in "abcdefg":
            narrator.say(line)
        narrator.stage("train")
        assert found(tmp_path).said == ("c", "d", "e", "f", "g")


def test_a_long_curve_is_thinned_out_evenly() -> None:
    curve = Curve()
    for step in range(5, 50_001, 5):
        curve.add(step, 1 / step)
        assert len(curve.points) <= MOST_POINTS
    steps = [step for step, _ in curve.points]
    assert steps[0] == 5
    assert len(steps) > MOST_POINTS / 2
    assert set(np.diff(steps)) == {5 * 64}
    assert all(value == 1 / step for step, value in curve.points)


def test_the_next_training_begins_a_new_curve(tmp_path: Path) -> None:
    with told_live(tmp_path, SILENCE) as narrator:
        for step, value in [(5, 3.0), (10, 2.0), (5, 9.0)]:
            narrator.loss(step, value)
        narrator.stage("evaluate")
        assert found(tmp_path).losses == ((5, 9.0),)


@pytest.mark.parametrize("end", [ValueError, KeyboardInterrupt, SystemExit])
def test_the_file_goes_however_the_run_ends(tmp_path: Path, end: type[BaseException]) -> None:
    with (
        pytest.raises(end),
        told_live(tmp_path, SILENCE) as narrator,
        narrator.task("Fine-tuning", 1, "rows"),
    ):
        raise end
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_harms_no_run(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file where the folder should be")
    with told_live(tmp_path / "runs", SILENCE) as narrator:
        narrator.stage("apply")
        narrator.say("going on")
    assert read_live(tmp_path / "runs") is None


def test_followers_write_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    with told_live(tmp_path, SILENCE) as narrator:
        narrator.stage("train")
        assert not list(tmp_path.iterdir())


def test_a_broken_file_is_as_good_as_none(tmp_path: Path) -> None:
    with told_live(tmp_path, SILENCE) as narrator:
        narrator.say("whole")
        narrator.stage("train")
        whole = (tmp_path / ".live.json").read_bytes()
    assert read_live(tmp_path) is None
    broken = [whole[:length] for length in range(len(whole))]
    other = json.loads(whole) | {"schema": 2}
    for content in [*broken, b"[]", b"\xff", json.dumps(other).encode(), whole + b"}"]:
        (tmp_path / ".live.json").write_bytes(content)
        assert read_live(tmp_path) is None, content
    (tmp_path / ".live.json").write_bytes(whole)
    assert found(tmp_path).said == ("whole",)


def test_what_a_killed_run_left_is_not_alive_and_is_overwritten(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys\nfrom weakft.live import told_live\n"
        "from weakft.narration import SILENCE\n"
        "with told_live(pathlib.Path(sys.argv[1]), SILENCE) as narrator:\n"
        "    narrator.stage('train')\n    os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    left = found(tmp_path)
    assert (left.stage, left.alive) == ("train", False)
    with told_live(tmp_path, SILENCE):
        assert found(tmp_path).alive
        assert found(tmp_path).pid != left.pid
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("pid", [0, -1, 1 << 70])
def test_no_process_no_life(tmp_path: Path, pid: int) -> None:
    content = asdict(Live(pid=pid, started="", updated=""))
    (tmp_path / ".live.json").write_text(json.dumps(content))
    assert not found(tmp_path).alive


@pytest.mark.parametrize(
    ("texts", "batch", "parts"),
    [
        (("great phone", "it broke", "love it") * 8, 24, 1),
        (("great phone", "it broke", "love it") * 8, 5, 5),
        (("great phone",) * 24, 5, 3),  # the second step of each epoch has two parts
    ],
)
def test_losses_told_in_training_are_those_of_the_steps(
    tiny_model: Path, texts: tuple[str, ...], batch: int, parts: int
) -> None:
    from weakft.end_model import EndModel
    from weakft.training import TrainingSet, fine_tune

    gold = np.array([text != "it broke" for text in texts]).astype(int)
    rows = TrainingSet(texts, np.eye(2)[gold], np.linspace(0.5, 2.0, 24))
    settings = TrainConfig(
        learning_rate=1e-9,  # the weights stay: every step's loss is that of the start
        max_steps=10,
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=parts,
        bf16=False,
        use_cpu=True,
    )
    model = _without_dropout(
        EndModel.from_pretrained(str(tiny_model), ("no", "yes"), max_length=16, seed=0)
    )
    model.head_is_new = False  # it is to stay as it is
    losses_by_row = -np.log(model.predict_proba(texts)[np.arange(24), gold])
    told = Told()
    fine_tune(model, rows, settings, narrator=told)
    losses = [entry for entry in told.told if isinstance(entry, tuple) and len(entry) == 2]
    start = float(np.average(losses_by_row, weights=rows.weights))
    assert losses == [(step, pytest.approx(start, abs=1e-4)) for step in (5, 10)]


def _without_dropout(model):  # noqa: ANN001, ANN202
    from torch import nn

    for module in model.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return model


def test_a_run_can_be_watched_from_outside(make_project: Callable[..., Path]) -> None:
    root = make_project()
    command = [sys.executable, "-m", "weakft", "run", "--project", str(root), "--json"]
    command += ["--set", "train.num_train_epochs=30", "--set", "train.bf16=false"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    stages, tasks = [], set()
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if (live := read_live(root / "runs")) is not None:
            assert live.pid == process.pid
            stages.append(live.stage)
            tasks.add(live.task)
        time.sleep(0.01)
    _, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, stderr.decode()
    order = ["read", "apply", "label", "train", "evaluate", "publish"]
    assert {"apply", "train"} <= set(stages) <= set(order)
    assert stages == sorted(stages, key=order.index)
    assert read_live(root / "runs") is None
    assert not list((root / "runs").glob(".live*"))


def test_a_run_that_fails_leaves_no_file(make_project: Callable[..., Path]) -> None:
    from weakft.errors import FaultBudgetExceeded
    from weakft.pipeline import run
    from weakft.project import Project

    root = make_project(lfs=LF_FILE.replace('"good" in x.text', "x.nothing"))
    told = Told()
    with pytest.raises(FaultBudgetExceeded):
        run(Project.open(root), told)
    assert told.told[:2] == ["read", "apply"]
    assert not list((root / "runs").glob(".live*"))
