"""Stages with gold: how long, and in which batches."""

import pytest

from weakft.config import TrainConfig
from weakft.training.gold_stages import gold_settings, mix_settings


@pytest.mark.parametrize(
    ("rows", "batch", "steps"),
    [
        (30, 16, 50),  # two steps an epoch, twelve in all: too few
        (160, 16, 60),
        (320, 32, 60),  # no longer scarce
    ],
)
def test_few_gold_rows_are_learned_in_small_batches_and_enough_steps(
    rows: int, batch: int, steps: int
) -> None:
    settings = TrainConfig(gold_epochs=6, gold_steps=50)
    stage = gold_settings(settings, rows)
    assert (stage.per_device_train_batch_size, stage.max_steps) == (batch, steps)
    accumulated = settings.model_copy(update={"gradient_accumulation_steps": 2})
    halves = gold_settings(accumulated, rows)
    if rows < 300:
        assert (halves.per_device_train_batch_size, halves.max_steps) == (batch // 2, steps)


def test_mixing_reads_all_once_but_not_in_a_few_steps() -> None:
    settings = TrainConfig(gold_steps=50)
    assert mix_settings(settings, 3200).max_steps == 100
    assert mix_settings(settings, 320).max_steps == 50
    assert mix_settings(TrainConfig(gold_steps=500), 320).max_steps == 100
