"""What is told of each optimiser step, and what is done then."""

import time
from collections.abc import Callable
from typing import Any

from transformers import (
    PreTrainedModel,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from weakft.narration import Advance
from weakft.training.averaging import Averaging
from weakft.training.strategies import Strategy


class NarratedProgress(TrainerCallback):
    """Tells a narrator of the rows trained on."""

    def __init__(self, advance: Advance, rows_per_step: int) -> None:
        self._advance = advance
        self._rows_per_step = rows_per_step

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Advance by one optimiser step."""
        self._advance(self._rows_per_step)


class StrategyCallback(TrainerCallback):
    """Tells a strategy how far training is."""

    def __init__(self, strategy: Strategy, network: PreTrainedModel) -> None:
        self._strategy = strategy
        self._network = network

    def on_step_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Before each optimiser step."""
        self._strategy.at(state.global_step / max(state.max_steps, 1), self._network)


class StepCallback(TrainerCallback):
    """Tells the number of each optimiser step before it is taken."""

    def __init__(self, begin: Callable[[int], None]) -> None:
        self._begin = begin

    def on_step_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Before each optimiser step."""
        self._begin(state.global_step)


class AveragingCallback(TrainerCallback):
    """Adds the weights of each optimiser step to their mean."""

    def __init__(self, averaging: Averaging) -> None:
        self._averaging = averaging

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """After each optimiser step."""
        self._averaging.add()


class CheckpointCallback(TrainerCallback):
    """Saves from time to time, and once more when training is asked to stop.

    Args:
        stopping: whether it is.
        seconds: between two checkpoints.
    """

    def __init__(self, stopping: Callable[[], bool], seconds: float = 60) -> None:
        self._stopping = stopping
        self._seconds = seconds
        self._saved = time.monotonic()

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """After each optimiser step."""
        if self._stopping():
            control.should_training_stop = True
        elif time.monotonic() - self._saved < self._seconds:
            return
        self._saved = time.monotonic()
        control.should_save = True
