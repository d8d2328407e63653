"""How many optimiser steps a training takes, and of how many rows."""

import math
from dataclasses import dataclass

from weakft.config import TrainConfig
from weakft.ranks import world_size


@dataclass(frozen=True)
class Steps:
    """The steps of one training.

    Attributes:
        total: of all epochs.
        rows: of all ranks in each but the last of an epoch, which takes what is left.
    """

    total: int
    rows: int

    @classmethod
    def of(cls, rows: int, settings: TrainConfig) -> "Steps":
        """Over so many rows.

        Example:
            >>> settings = TrainConfig(per_device_train_batch_size=8, num_train_epochs=3)
            >>> Steps.of(20, settings)
            Steps(total=9, rows=8)
        """
        batch = settings.per_device_train_batch_size * settings.gradient_accumulation_steps
        each = min(batch * world_size(), rows)
        if settings.max_steps > 0:
            return cls(settings.max_steps, each)
        return cls(math.ceil(math.ceil(rows / each) * settings.num_train_epochs), each)
