"""What an interrupted prediction leaves: complete chunks in a hidden folder by the target."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from weakft.files import explained, sealed, sole_writer, sync, unsealed
from weakft.runs import Json, read_json, write_json


@dataclass(frozen=True)
class Parts:
    """Tables as Parquet, each with a checksum behind it, named by the position of their first row.

    Attributes:
        folder: `.TARGET.parts` beside the target.
    """

    folder: Path

    @property
    def unfinished(self) -> Path:
        """Where the target is put together before it takes its name."""
        return self.folder / "target"

    def tables(self) -> Iterator[pa.Table]:
        """The parts that follow on one another from the first row; a damaged one ends them."""
        rows = 0
        while (table := _read(self._part(rows))) is not None:
            yield table
            rows += len(table)

    def rows(self) -> int:
        """How many rows those parts hold."""
        return sum(len(table) for table in self.tables())

    def write(self, first: int, table: pa.Table) -> None:
        """Keep the rows from this position on; they are on disk when this returns."""
        content = pa.BufferOutputStream()
        pq.write_table(table, content)
        draft = self.folder / "part"
        draft.write_bytes(sealed(content.getvalue().to_pybytes()))
        sync(draft)
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
        LockedError: another process writes this target.
        DataError: the folder cannot be written.
    """
    parts = Parts(target.with_name(f".{target.name}.parts"))
    with sole_writer(target), explained(target):
        parts.folder.mkdir(exist_ok=True)
        try:
            _drop_others(parts.folder, about)
            yield parts
            shutil.rmtree(parts.folder)
        finally:
            if not any(parts.folder.glob("*.parquet")):
                shutil.rmtree(parts.folder, ignore_errors=True)


def _drop_others(folder: Path, about: Json) -> None:
    file = folder / "about.json"
    try:
        known = read_json(file)
    except (OSError, ValueError):
        known = {}
    if known == about:
        return
    for part in folder.iterdir():
        part.unlink()
    write_json(file, about)


def _read(part: Path) -> pa.Table | None:
    """The rows of a part; None where there is none, or it is not what was written."""
    try:
        content = unsealed(part.read_bytes())
    except OSError:
        return None
    return None if content is None else pq.read_table(pa.BufferReader(content))
