"""Parquet files read and written batch by batch."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from weakft.errors import DataError

READ_BYTES = 1 << 20  # of a column at a time, however large its row groups are


@contextmanager
def opened(source: Path, needed: Iterable[str]) -> Iterator[pq.ParquetFile]:
    """A Parquet file of one or more rows.

    Raises:
        DataError: it is missing, of another kind, without rows or without a needed column.
    """
    if not source.is_file():
        raise DataError(f"{source}: no such file. Wanted a Parquet file of rows.")
    try:
        file = pq.ParquetFile(source, buffer_size=READ_BYTES)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{source} cannot be read as parquet: {error}.") from error
    with file:
        names = file.schema_arrow.names
        if missing := [name for name in needed if name not in names]:
            raise DataError(
                f"{source}: wanted column {missing[0]!r}, got {names}. Rename it, or say its "
                "name in [data] id, text."
            )
        if not file.metadata.num_rows:
            raise DataError(f"{source} has no rows.")
        yield file


def batches_of(
    file: pq.ParquetFile, source: Path, columns: Sequence[str], rows: int
) -> Iterator[pa.RecordBatch]:
    """Some columns of the file, at most `rows` rows at a time.

    Raises:
        DataError: the file is broken further down.
    """
    try:
        yield from file.iter_batches(rows, columns=list(columns))
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{source} cannot be read as parquet: {error}.") from error


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
