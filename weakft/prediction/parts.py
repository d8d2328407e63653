"""What an interrupted prediction leaves: complete chunks in a hidden folder by the target."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from weakft.errors import DataError, LockedError
from weakft.runs import Json, read_json, write_json


@dataclass(frozen=True)
class Parts:
    """Parquet files named by the position of their first row.

    Attributes:
        folder: `.TARGET.parts` beside the target.
    """

    folder: Path

    @property
    def unfinished(self) -> Path:
        """Where the target is put together before it takes its name."""
        return self.folder / "target"

    def complete(self) -> tuple[list[Path], int]:
        """The parts that follow on one another from the first row, and their rows."""
        found: list[Path] = []
        rows = 0
        while (count := _rows_of(self._part(rows))) > 0:
            found.append(self._part(rows))
            rows += count
        return found, rows

    def write(self, first: int, table: pa.Table) -> None:
        """Keep the rows from this position on; they are on disk when this returns."""
        draft = self.folder / "part"
        with draft.open("wb") as file:
            pq.write_table(table, file)
            sync(file.fileno())
        draft.replace(self._part(first))

    def _part(self, first: int) -> Path:
        return self.folder / f"{first:012d}.parquet"


@contextmanager
def parts_of(target: Path, about: Json) -> Iterator[Parts]:
    """The parts of this target for the block; those made from other inputs are thrown away.

    The folder goes when the block ends well, or without a complete part.

    Args:
        target: the file that is to be.
        about: what the parts depend on.

    Raises:
        LockedError: another process makes this target.
        DataError: the folder cannot be written.
    """
    parts = Parts(target.with_name(f".{target.name}.parts"))
    try:
        parts.folder.mkdir(exist_ok=True)
        lock = FileLock(parts.folder / ".lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        raise LockedError(
            f"Another weakft predicts into {target}. Wait for it to end, then try again."
        ) from error
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error}.") from error
    try:
        _drop_others(parts.folder, about)
        yield parts
        shutil.rmtree(parts.folder)
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error}.") from error
    finally:
        if not parts.complete()[0]:
            shutil.rmtree(parts.folder, ignore_errors=True)
        lock.release()


def sync(descriptor: int) -> None:
    """Wait until what was written to an open file is on disk."""
    os.fsync(descriptor)


def _drop_others(folder: Path, about: Json) -> None:
    file = folder / "about.json"
    try:
        known = read_json(file)
    except (OSError, ValueError):
        known = {}
    if known == about:
        return
    for part in folder.iterdir():
        if part.name != ".lock":
            part.unlink()
    write_json(file, about)


def _rows_of(part: Path) -> int:
    try:
        return int(pq.read_metadata(part).num_rows)
    except (OSError, pa.ArrowException):
        return 0
