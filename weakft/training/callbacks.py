"""What is told of each optimiser step, and what is done then."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

Told = Callable[[TrainerState], None]


class StepCallback(TrainerCallback):
    """Tells how far training is, before and after each optimiser step.

    Args:
        before: who is told before a step.
        after: who is told after it.
    """

    def __init__(self, *, before: Sequence[Told], after: Sequence[Told]) -> None:
        self._before = before
        self._after = after

    def on_step_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Before each optimiser step."""
        for tell in self._before:
            tell(state)

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """After each optimiser step."""
        for tell in self._after:
            tell(state)


class CheckpointCallback(TrainerCallback):
    """Saves from time to time, and once more when training is asked to stop.

    Stopped within an epoch Trainer would score what it has, as if the epoch were over: a candidate
    for the best that an uninterrupted training does not have.

    Args:
        stopping: whether it is asked to.
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
        stopping = self._stopping()
        if stopping:
            control.should_training_stop = True
        saved_anyway = args.save_strategy == "epoch" and _epoch_is_over(state)
        due = stopping or time.monotonic() - self._saved >= self._seconds
        if due and not saved_anyway:
            self._saved = time.monotonic()
            control.should_save = True

    def on_epoch_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """After an epoch, or the part of it before training stops."""
        if not _epoch_is_over(state):
            control.should_evaluate = control.should_save = False


def _epoch_is_over(state: TrainerState) -> bool:
    return float(state.epoch or 0).is_integer() or state.global_step >= state.max_steps
