"""How many steps the stages with gold take, and of how many rows."""

import math

from weakft.config import TrainConfig
from weakft.ranks import world_size

FEW_GOLD_ROWS = 300
SMALL_BATCH = 16  # rows a step where gold is scarce
MIX_EPOCHS = 1.0  # over pool and gold, going on from a model that knows gold
MIX_STEPS = 100  # at least
MIX_AVERAGED = 2 / 3  # the last of the steps, whose weights are averaged


def gold_settings(settings: TrainConfig, rows: int) -> TrainConfig:
    """`[train]` for a stage on gold rows: small batches for few rows, and enough steps.

    Example:
        >>> few = gold_settings(TrainConfig(gold_epochs=6, gold_steps=40), rows=30)
        >>> few.per_device_train_batch_size, few.max_steps
        (16, 40)
    """
    batch = settings.per_device_train_batch_size
    if rows < FEW_GOLD_ROWS:
        batch = min(batch, max(SMALL_BATCH // _batches_a_step(settings), 1))
    return _at_least(settings, rows, batch, settings.gold_epochs, settings.gold_steps)


def mix_settings(settings: TrainConfig, rows: int) -> TrainConfig:
    """`[train]` for a stage on the pool and gold."""
    batch = settings.per_device_train_batch_size
    least = min(MIX_STEPS, settings.gold_steps)
    return _at_least(settings, rows, batch, MIX_EPOCHS, least)


def _at_least(
    settings: TrainConfig, rows: int, batch: int, epochs: float, least: int
) -> TrainConfig:
    steps_an_epoch = math.ceil(rows / (batch * _batches_a_step(settings)))
    steps = max(math.ceil(steps_an_epoch * epochs), least)
    return settings.model_copy(update={"per_device_train_batch_size": batch, "max_steps": steps})


def _batches_a_step(settings: TrainConfig) -> int:
    return settings.gradient_accumulation_steps * world_size()
