"""The terminal as a narrator, and the one JSON object of `--json`."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from weakft.narration import Advance


class Screen(Console):
    """A console that leaves it to its caller what a reader gone away means."""

    def on_broken_pipe(self) -> None:
        """Rich would end the process as failed."""
        raise BrokenPipeError


class RateColumn(ProgressColumn):
    """Units per second, once there is a rate."""

    def render(self, task: Task) -> Text:
        """The rate with the task's unit."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} {task.fields['unit']}/s" if speed else "", style="dim")


class TerminalNarrator:
    """Narration and bars on stderr; silent where stderr is no terminal."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)

    def say(self, message: str) -> None:
        """Print one line."""
        if self.console.is_terminal:
            self.console.print(message, style="dim", markup=False)

    @contextmanager
    def task(self, name: str, total: int, unit: str) -> Iterator[Advance]:
        """Show a bar with count, rate and time left."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TimeRemainingColumn(),
        )
        with Progress(
            *columns, console=self.console, transient=True, disable=not self.console.is_terminal
        ) as progress:
            task = progress.add_task(name, total=total, unit=unit)
            yield lambda amount: progress.advance(task, amount)

    def stage(self, name: str) -> None:
        """Bars and lines say enough."""

    def loss(self, step: int, value: float) -> None:
        """Bars and lines say enough."""


def print_json(content: Any, stream: TextIO | None = None) -> None:  # noqa: ANN401
    """Write one JSON object and a line break."""
    stream = stream or sys.stdout
    stream.write(json.dumps(content, allow_nan=False) + "\n")
    stream.flush()
