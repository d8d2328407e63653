"""Parquet files written batch by batch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from weakft.errors import DataError


@contextmanager
def written_whole(
    target: Path, source: Path, schema: pa.Schema
) -> Iterator[Callable[[pa.Table], None]]:
    """A function that appends to a hidden file, which becomes `target` unless the block raises.

    Raises:
        DataError: the target is the source or a folder, its folder is missing, or writing fails.
    """
    if not target.parent.is_dir() or target.is_dir():
        raise DataError(f"{target}: wanted a file to write in a folder that exists.")
    if target.exists() and target.samefile(source):
        raise DataError(f"{target}: wanted another file than the rows are read from.")
    unfinished = target.with_name(f".{target.name}.partial")
    try:
        with _explained(target):
            writer = pq.ParquetWriter(unfinished, schema)
        with writer:
            yield lambda table: _append(writer, table, target)
        with _explained(target):
            unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _append(writer: pq.ParquetWriter, table: pa.Table, target: Path) -> None:
    with _explained(target):
        writer.write_table(table)


@contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error}.") from error
