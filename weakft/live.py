"""What goes on just now, in files that other processes can read."""

import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from weakft.narration import Advance, Narrator
from weakft.ranks import leads

FILE_NAME = ".live.json"
PAUSE = 0.5  # seconds between two writings
MOST_POINTS = 200
MOST_LINES = 5


@dataclass(frozen=True)
class Live:
    """A run that goes on, or that was killed and could not tidy up.

    Attributes:
        pid: of the process at work.
        started: when it began, in ISO 8601, UTC.
        updated: when this was written.
        stage: read, apply, label, train, evaluate or publish.
        task: name of the innermost long step; "" between two of them.
        done: how much of that is done.
        total: how much there is.
        unit: of both.
        losses: (optimiser step, loss) of the training that goes on, or went on last.
        said: the last lines told, oldest first.
        schema: of the file.
        alive: whether the process exists.
    """

    pid: int
    started: str
    updated: str
    stage: str = "read"
    task: str = ""
    done: int = 0
    total: int = 0
    unit: str = ""
    losses: tuple[tuple[int, float], ...] = ()
    said: tuple[str, ...] = ()
    schema: Literal[1] = 1
    alive: bool = False


_FILE = TypeAdapter(Live)


def read_live(runs_dir: Path) -> Live | None:
    """The run that goes on in this folder; None where there is none, or its file is broken.

    Args:
        runs_dir: the project's `runs/`.
    """
    try:
        live = _FILE.validate_json((runs_dir / FILE_NAME).read_bytes())
    except (OSError, ValidationError):
        return None
    return replace(live, alive=_exists(live.pid))


@contextmanager
def told_live(
    runs_dir: Path, narrator: Narrator, clock: Callable[[], float] = time.monotonic
) -> Iterator[Narrator]:
    """A narrator that also writes `.live.json`, which goes with the block.

    Of several ranks the leader writes. What cannot be written is left unwritten: no run fails
    for it.

    Args:
        runs_dir: the project's `runs/`, of which the caller holds the lock.
        narrator: told everything as well.
        clock: seconds, from anywhere.
    """
    if not leads():
        yield narrator
        return
    file = runs_dir / FILE_NAME
    live = LiveNarrator(narrator, file, clock)
    live.write()
    try:
        yield live
    finally:
        for left in (file, _draft(file)):
            with suppress(OSError):
                left.unlink(missing_ok=True)


@dataclass
class Curve:
    """Points of a long series, evenly thinned out: whenever it is full, every second goes.

    Example:
        >>> curve = Curve(most=4)
        >>> for step in range(1, 10): curve.add(step, 1 / step)
        >>> [step for step, _ in curve.points]
        [1, 5, 9]
    """

    most: int = MOST_POINTS
    points: list[tuple[int, float]] = field(default_factory=list)
    _offered: int = 0
    _every: int = 1
    _last: int = 0

    def add(self, step: int, value: float) -> None:
        """Take a point; one that goes back is the first of a new series."""
        if step <= self._last:
            self.points, self._offered, self._every = [], 0, 1
        self._last = step
        if self._offered % self._every == 0:
            self.points.append((step, value))
            if len(self.points) > self.most:
                self.points, self._every = self.points[::2], self._every * 2
        self._offered += 1


@dataclass(eq=False)
class _Task:
    name: str
    total: int
    unit: str
    done: int = 0


class LiveNarrator:
    """Tells another narrator, and the file: a new stage at once, the rest twice a second at most.

    Args:
        narrator: the other one.
        file: where to write.
        clock: seconds, from anywhere.
    """

    def __init__(self, narrator: Narrator, file: Path, clock: Callable[[], float]) -> None:
        self._narrator = narrator
        self._file = file
        self._clock = clock
        self._written = clock()
        self._live = Live(pid=os.getpid(), started=_now(), updated="")
        self._tasks: list[_Task] = []
        self._curve = Curve()
        self._said: deque[str] = deque(maxlen=MOST_LINES)

    def say(self, message: str) -> None:
        """Pass it on and keep it among the last lines."""
        self._narrator.say(message)
        self._said.append(message)
        self._write_now_and_then()

    @contextmanager
    def task(self, name: str, total: int, unit: str) -> Iterator[Advance]:
        """Pass it on; until it ends, or another opens in it, this is what is done."""
        task = _Task(name, total, unit)
        with self._narrator.task(name, total, unit) as advance:

            def advance_both(amount: int) -> None:
                advance(amount)
                task.done += amount
                self._write_now_and_then()

            self._tasks.append(task)
            self._write_now_and_then()
            try:
                yield advance_both
            finally:
                self._tasks.remove(task)

    def stage(self, name: str) -> None:
        """Pass it on and write it at once, since a stage may be silent for long."""
        self._narrator.stage(name)
        self._live = replace(self._live, stage=name)
        self.write()

    def loss(self, step: int, value: float) -> None:
        """Pass it on and add it to the curve."""
        self._narrator.loss(step, value)
        self._curve.add(step, value)
        self._write_now_and_then()

    def _write_now_and_then(self) -> None:
        if self._clock() - self._written >= PAUSE:
            self.write()

    def write(self) -> None:
        """Replace the file, if that can be done."""
        self._written = self._clock()
        task = asdict(self._tasks[-1]) if self._tasks else {"name": ""}
        live = replace(
            self._live,
            updated=_now(),
            task=task.pop("name"),
            losses=tuple(self._curve.points),
            said=tuple(self._said),
            **task,
        )
        content = asdict(live)
        del content["alive"]
        with suppress(OSError):
            _draft(self._file).write_text(json.dumps(content), encoding="utf-8")
            os.replace(_draft(self._file), self._file)


def watch_table(root: Path) -> Path:
    """Where a `weakft watch` at work keeps its LF table; columns as `analysis.lf_summary` has them.

    Args:
        root: the project.
    """
    return root / ".weakft" / "watch.parquet"


def _draft(file: Path) -> Path:
    return file.with_suffix(".tmp")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _exists(pid: int) -> bool:
    if pid <= 0:  # a group of processes
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True
