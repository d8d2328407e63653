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
