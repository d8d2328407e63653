"""A disk that fails, or a process that dies, at the Nth thing done to the disk."""

import builtins
import io
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

NAMES = ("open", "fsync", "rename", "replace", "mkdir", "unlink", "rmdir")
"""Calls of `os` that count; so do opening for writing and each write, which tears."""
CREATES = os.O_CREAT | os.O_WRONLY | os.O_RDWR
NEED_NO_ROOM = frozenset({"unlink", "rmdir", "look"})


@dataclass
class Disk:
    """Counts what is done to it.

    Attributes:
        fails_at: the Nth operation fails; None: none does.
        fail: called with the operation's name; raises, or ends the process.
        lasting: all that follow fail too, but for what needs no room, such as removals.
        log: names of the operations so far.
    """

    fails_at: int | None
    fail: Callable[[str], None]
    lasting: bool = False
    log: list[str] = field(default_factory=list)

    def step(self, name: str) -> None:
        """One operation is about to be done."""
        self.log.append(name)
        if self.fails_at is None:
            return
        later = self.lasting and name not in NEED_NO_ROOM and len(self.log) > self.fails_at
        if len(self.log) == self.fails_at or later:
            self.fail(name)


class Torn:
    """A file opened for writing, of which a write that fails leaves the first half."""

    def __init__(self, file: IO[Any], disk: Disk) -> None:
        self._file = file
        self._disk = disk

    def write(self, content: Any) -> int:  # noqa: ANN401
        half = len(content) // 2
        self._file.write(content[:half])
        self._file.flush()
        self._disk.step("write")
        return half + self._file.write(content[half:])

    def __enter__(self) -> "Torn":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._file, name)


@contextmanager
def counted(disk: Disk) -> Iterator[Disk]:
    """For the block, all that is done to any disk counts."""
    kept = {name: getattr(os, name) for name in NAMES}
    opened = io.open

    def guarded(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
            disk.step("look" if name == "open" and not arguments[1] & CREATES else name)
            return kept[name](*arguments, **named)

        return call

    def opening(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        if not set(mode) & set("wax+"):
            return opened(file, mode, *arguments, **named)
        disk.step("open")
        return Torn(opened(file, mode, *arguments, **named), disk)

    for name in NAMES:
        setattr(os, name, guarded(name))
    io.open = builtins.open = opening
    try:
        yield disk
    finally:
        io.open = builtins.open = opened
        for name, call in kept.items():
            setattr(os, name, call)


def refusing(number: int) -> Callable[[str], None]:
    """A disk that answers with this errno."""

    def fail(name: str) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def dying(name: str) -> None:
    """The plug is pulled."""
    os.kill(os.getpid(), signal.SIGKILL)


def flipped(path: Path, at: float = 0.5) -> None:
    """Flip a bit of a file, in the middle or at another share of its length."""
    content = bytearray(path.read_bytes())
    content[int(at * len(content))] ^= 1
    path.write_bytes(content)


def truncated(path: Path) -> None:
    """Cut a file off in the middle."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
