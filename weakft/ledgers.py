"""Ledgers: JSON objects, one a line, that are only ever added, whatever a full disk did to them."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from weakft.errors import DataError
from weakft.files import explained, replacing, sync
from weakft.locks import locked

Entry = dict[str, Any]

DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Ledger:
    """A file of entries.

    Attributes:
        path: made with the first entry.
        is_entry: whether a JSON object is one.
        doing: what somebody who adds an entry does, for messages.
        lock: held by whoever adds an entry.
    """

    path: Path
    is_entry: Callable[[Entry], bool]
    doing: str
    lock: Path

    def entries(self) -> list[Entry]:
        """All that can be read, oldest first.

        Raises:
            DataError: the disk refuses.
        """
        return [entry for entries, _ in self._lines() for entry in entries]

    def unreadable(self) -> int:
        """How many lines are torn, or hold something else.

        Raises:
            DataError: the disk refuses.
        """
        return sum(bool(torn) for _, torn in self._lines())

    def append(self, entry: Mapping[str, Any]) -> None:
        """Add an entry: all of it, on a line of its own, or nothing; on disk on return.

        Raises:
            DataError: the disk refuses.
            LockedError: another process has been adding for long.
        """
        line = json.dumps(entry).encode() + b"\n"
        with self.locked(), explained(self.path):
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            try:
                _append(descriptor, line)
            finally:
                os.close(descriptor)

    def mend(self, aside: Path) -> None:
        """Keep the entries, and write what is torn to another file.

        Args:
            aside: new.

        Raises:
            DataError: the disk refuses.
            LockedError: another process has been adding for long.
        """
        with self.locked():
            lines = list(self._lines())
            with explained(aside):
                aside.write_bytes(b"".join(torn + b"\n" for _, torn in lines if torn))
                sync(aside)
            with replacing(self.path) as draft, explained(self.path):
                whole = (json.dumps(entry) + "\n" for entries, _ in lines for entry in entries)
                draft.write_text("".join(whole), encoding="utf-8")

    def locked(self) -> AbstractContextManager[None]:
        """For the block nobody else adds an entry."""
        return locked(self.lock, self.doing)

    def _lines(self) -> Iterator[tuple[list[Entry], bytes]]:
        """Each line's entries, one where nothing went wrong, and what of the line is torn."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise DataError(f"{self.path} cannot be read: {error}.") from error
        for line in content.split(b"\n"):
            yield self._read(line.decode(errors="surrogateescape"))

    def _read(self, line: str) -> tuple[list[Entry], bytes]:
        """Whole entries may stand before or behind the beginning of one that was cut off."""
        entries: list[Entry] = []
        torn, at = "", 0
        while (start := line.find("{", at)) >= 0:
            entry, end = self._entry_at(line, start)
            torn += line[at : start if entry else start + 1]
            entries += [entry] if entry else []
            at = end
        torn = (torn + line[at:]).strip()
        return entries, torn.encode(errors="surrogateescape")

    def _entry_at(self, line: str, start: int) -> tuple[Entry | None, int]:
        """The entry that begins here, and where to go on."""
        try:
            found, end = DECODER.raw_decode(line, start)
            line[start:end].encode()  # bytes that are no UTF-8 cannot be
        except (ValueError, RecursionError):
            return None, start + 1
        return (found, end) if self.is_entry(found) else (None, start + 1)


def unreadable_lines(ledger: Path, count: int) -> str:
    """A sentence on lines that do not count."""
    lines = "1 line" if count == 1 else f"{count} lines"
    return (
        f"{lines} of {ledger} cannot be read, so not counted. `weakft doctor --fix` puts what is "
        "torn aside."
    )


def aside_of(path: Path) -> Path:
    """A name for what is broken in a file."""
    return path.with_name(f"{path.name}.broken-{datetime.now(UTC):%Y%m%d-%H%M%S}")


def _append(descriptor: int, line: bytes) -> None:
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        line = b"\n" + line  # the line before was cut off
    try:
        if (written := os.write(descriptor, line)) < len(line):
            raise OSError(f"only {written} of {len(line)} bytes could be written")
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise
