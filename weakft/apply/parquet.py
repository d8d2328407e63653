"""Parquet files written batch by batch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from weakft.errors import DataError
from weakft.files import explained, replacing


@contextmanager
def written_whole(
    target: Path, source: Path, schema: pa.Schema
) -> Iterator[Callable[[pa.Table], None]]:
    """A function that appends to a hidden file, which becomes `target` unless the block raises.

    Raises:
        DataError: the target is the source or a folder, its folder is missing, or writing fails.
        LockedError: another process writes the target.
    """
    if target.exists() and target.samefile(source):
        raise DataError(f"{target}: wanted another file than the rows are read from.")
    with replacing(target) as draft:
        with explained(target):
            writer = pq.ParquetWriter(draft, schema)
        with writer:
            yield lambda table: _append(writer, table, target)


def _append(writer: pq.ParquetWriter, table: pa.Table, target: Path) -> None:
    with explained(target):
        writer.write_table(table)
