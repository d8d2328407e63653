"""An interrupted stage goes on where it stopped, to the same weights."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.faults import flipped, truncated
from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.training import TrainingSet, fine_tune, finetune
from weakft.training.callbacks import CheckpointCallback
from weakft.training.order import LikeLengths
from weakft.training.stage import Stage, complete, deferred_signals
from weakft.training.trainer import NoiseAwareTrainer

TEXTS = tuple(f"the phone {i} is {word}" for i, word in enumerate(["great", "bad", "poor"] * 8))
ROWS = TrainingSet(TEXTS, np.eye(2)[np.arange(24) % 2], np.ones(24))
SETTINGS = TrainConfig(
    max_length=16,
    num_train_epochs=3,
    per_device_train_batch_size=4,
    learning_rate=1e-3,
    use_cpu=True,
)

Terminate = Callable[[int], None]


class Stop(BaseException):
    """What a signal handler of the caller raises."""


def new_model(folder: Path) -> EndModel:
    return EndModel.from_pretrained(str(folder), ["a", "b"], max_length=16, seed=0)


def weights(model: EndModel) -> torch.Tensor:
    return torch.cat([value.flatten() for value in model.model.state_dict().values()])


@pytest.fixture
def terminated(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminate]:
    """SIGTERM raises Stop; `at(n)` sends it in the n-th training step."""

    def stop(number: int, frame: object) -> None:
        raise Stop

    before = signal.signal(signal.SIGTERM, stop)
    original = NoiseAwareTrainer.training_step

    def at(step: int) -> None:
        steps = {step}

        def training_step(self: NoiseAwareTrainer, *inputs: object, **more: object) -> torch.Tensor:
            if self.state.global_step in steps:
                steps.clear()
                os.kill(os.getpid(), signal.SIGTERM)
            return original(self, *inputs, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(NoiseAwareTrainer, "training_step", training_step)

    yield at
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("step", [2, 6, 15])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"averaged": 0.7},
        {"strategy": "freeze"},
        {"strategy": "gradual"},
        {"strategy": "adapter"},
        {"strategy": "p_tuning", "peft": {"num_virtual_tokens": 3}},
        {"gradient_accumulation_steps": 2, "num_train_epochs": 6},
    ],
    ids=lambda changes: changes.get("strategy", next(iter(changes), "plain")),
)
def test_a_stage_that_is_terminated_ends_as_if_it_had_not_been(
    step: int, changes: dict[str, object], tiny_model: Path, tmp_path: Path, terminated: Terminate
) -> None:
    averaged = float(changes.get("averaged", 0.0))  # type: ignore[arg-type]
    settings = SETTINGS.model_copy(update={k: v for k, v in changes.items() if k != "averaged"})
    tuned = partial(fine_tune, rows=ROWS, settings=settings, averaged=averaged)
    undisturbed = tuned(new_model(tiny_model), cache=tmp_path / "a").model
    terminated(step)
    with pytest.raises(Stop):
        tuned(new_model(tiny_model), cache=tmp_path / "b")
    assert list((tmp_path / "b" / "unfinished").glob("*/checkpoint-*/complete"))
    terminated(-1)
    resumed = tuned(new_model(tiny_model), cache=tmp_path / "b").model
    assert torch.equal(weights(resumed), weights(undisturbed))
    assert not list((tmp_path / "b" / "unfinished").iterdir())


@pytest.mark.parametrize("seconds", [0, 60])
@pytest.mark.parametrize("step", [2, 5, 8, 11, 13, 17])  # 6 an epoch, counted from 0
def test_the_best_epoch_of_a_terminated_stage_is_still_found(
    step: int,
    seconds: int,
    tiny_model: Path,
    tmp_path: Path,
    terminated: Terminate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The loss on random labels of other texts: each candidate scores otherwise."""
    at_every = partial(CheckpointCallback, seconds=seconds)
    monkeypatch.setattr(finetune, "CheckpointCallback", at_every)
    settings = SETTINGS.model_copy(update={"metric_for_best_model": "loss"})
    rng = np.random.default_rng(step)
    valid = TrainingSet(TEXTS[:9], np.eye(2)[rng.integers(2, size=9)], np.ones(9))
    plain = fine_tune(new_model(tiny_model), ROWS, settings, valid=valid, cache=tmp_path / "a")
    terminated(step)
    with pytest.raises(Stop):
        fine_tune(new_model(tiny_model), ROWS, settings, valid=valid, cache=tmp_path / "b")
    (state,) = _newest(tmp_path / "b").glob("trainer_state.json")
    scored = [e["step"] for e in json.loads(state.read_text())["log_history"] if "eval_loss" in e]
    assert scored == [6, 12, 18][: (step + 1) // 6]
    terminated(-1)
    resumed = fine_tune(new_model(tiny_model), ROWS, settings, valid=valid, cache=tmp_path / "b")
    assert resumed.best_epoch == plain.best_epoch
    assert torch.equal(weights(resumed.model), weights(plain.model))


def _newest(cache: Path) -> Path:
    (stage,) = (cache / "unfinished").iterdir()
    return Path(str(Stage(stage).newest()))


@pytest.mark.parametrize("strategy", ["full", "adapter", "prompt"])
def test_a_long_stage_is_not_done_twice(
    strategy: str, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weakft.training.stage.WORTH_KEEPING", 0)
    peft = {"num_virtual_tokens": 3} if strategy == "prompt" else {}
    settings = SETTINGS.model_copy(update={"strategy": strategy, "peft": peft})
    first = fine_tune(new_model(tiny_model), ROWS, settings, cache=tmp_path)
    monkeypatch.setattr(finetune, "NoiseAwareTrainer", None)  # would fail if it trained
    again = fine_tune(new_model(tiny_model), ROWS, settings, cache=tmp_path)
    assert torch.equal(weights(again.model), weights(first.model))
    assert (again.model.predict_proba(TEXTS) == first.model.predict_proba(TEXTS)).all()
    assert (again.rows, again.seconds) == (first.rows, first.seconds)


def test_other_inputs_are_another_stage(tiny_model: Path, tmp_path: Path) -> None:
    model = new_model(tiny_model)
    other = TrainingSet(TEXTS, ROWS.probs[::-1].copy(), ROWS.weights)
    stages = {
        Stage.of(tmp_path, model, rows, valid, settings).folder
        for rows, valid, settings in (
            (ROWS, None, SETTINGS),
            (other, None, SETTINGS),
            (ROWS, ROWS, SETTINGS),
            (ROWS, None, SETTINGS.model_copy(update={"seed": 1})),
        )
    }
    assert len(stages) == 4


def write_checkpoint(stage: Path, step: int, best: int | None = None) -> Path:
    """A checkpoint of few bytes, complete."""
    folder = stage / f"checkpoint-{step}"
    folder.mkdir()
    state = {"best_model_checkpoint": None if best is None else f"elsewhere/checkpoint-{best}"}
    (folder / "trainer_state.json").write_text(json.dumps(state))
    (folder / "optimizer.pt").write_bytes(bytes(range(64)))
    complete(folder, {"memory": torch.ones(2)})
    return folder


def test_a_checkpoint_without_its_mark_does_not_exist(tmp_path: Path) -> None:
    for step in (9, 5, 10):
        write_checkpoint(tmp_path, step)
    assert Stage(tmp_path).newest() == str(tmp_path / "checkpoint-10")
    (tmp_path / "checkpoint-10" / "complete").unlink()
    assert Stage(tmp_path).newest() == str(tmp_path / "checkpoint-9")


@pytest.mark.parametrize("name", ["trainer_state.json", "optimizer.pt", "weakft.safetensors"])
@pytest.mark.parametrize("damage", [flipped, truncated])
def test_a_damaged_checkpoint_does_not_exist(
    damage: Callable[[Path], None], name: str, tmp_path: Path
) -> None:
    write_checkpoint(tmp_path, 5)
    damage(write_checkpoint(tmp_path, 10) / name)
    assert Stage(tmp_path).newest() == str(tmp_path / "checkpoint-5")


def test_nothing_resumes_without_the_best_so_far(tmp_path: Path) -> None:
    flipped(write_checkpoint(tmp_path, 5, best=5) / "optimizer.pt")
    write_checkpoint(tmp_path, 10, best=5)
    assert Stage(tmp_path).newest() is None


def test_a_stage_whose_outcome_was_damaged_is_done_again(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weakft.training.stage.WORTH_KEEPING", 0)
    first = fine_tune(new_model(tiny_model), ROWS, SETTINGS, cache=tmp_path)
    (file,) = (tmp_path / "unfinished").glob("*/model/model.safetensors")
    content = file.read_bytes()
    flipped(file)
    again = fine_tune(new_model(tiny_model), ROWS, SETTINGS, cache=tmp_path)
    assert torch.equal(weights(again.model), weights(first.model))
    assert file.read_bytes() == content


def test_a_signal_waits_for_the_end_of_the_block(terminated: Terminate) -> None:
    done = False
    with pytest.raises(Stop), deferred_signals() as waiting:
        os.kill(os.getpid(), signal.SIGTERM)
        assert waiting()
        done = True
    assert done


def test_the_second_signal_does_not_wait(terminated: Terminate) -> None:
    with pytest.raises(Stop), deferred_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        pytest.fail("the second signal was deferred")


def test_batches_hold_like_lengths_and_every_row_once() -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 1003).tolist()
    order = LikeLengths(lengths, rows_a_step=10, seed=3)
    rows = list(order)
    assert sorted(rows) == list(range(1003))
    assert list(order) == rows
    spread = [np.ptp([lengths[row] for row in rows[at : at + 10]]) for at in range(0, 1000, 10)]
    assert np.mean(spread) < 5
    order.set_epoch(1)
    assert list(order) != rows
