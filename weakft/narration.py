"""How library code tells of its progress without knowing who listens."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]


class Narrator(Protocol):
    """Someone to tell what is going on: the terminal, a log, or nobody."""

    def say(self, message: str) -> None:
        """Tell one line."""
        ...

    def task(self, name: str, total: int, unit: str) -> AbstractContextManager[Advance]:
        """Open a long step of `total` units; the value advances it by some."""
        ...

    def stage(self, name: str) -> None:
        """Tell that a stage of the run begins, such as "train"."""
        ...

    def loss(self, step: int, value: float) -> None:
        """Tell the training loss of an optimiser step; steps count from 1 in each training."""
        ...


class Silence:
    """The narrator that says nothing; the default of every library call."""

    def say(self, message: str) -> None:
        """Drop the line."""

    @contextmanager
    def task(self, name: str, total: int, unit: str) -> Iterator[Advance]:
        """Drop the progress."""
        yield lambda amount: None

    def stage(self, name: str) -> None:
        """Drop the stage."""

    def loss(self, step: int, value: float) -> None:
        """Drop the loss."""


SILENCE = Silence()
