"""Parquet files read batch by batch, in bounded memory."""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from weakft.data.cells import decoded_bytes, series_of
from weakft.data.checked import refuse_missing_columns
from weakft.errors import DataError
from weakft.visible import HIDDEN

READ_BYTES = 1 << 20  # of a column at a time, however large its row groups are
STEP_ROWS = 1024  # decoded at a time; repeated cells may be small on disk and large here
BATCH_BYTES = 1 << 28
UNNAMED_INDEX = re.compile(r"__index_level_\d+__")


@contextmanager
def opened(
    source: Path, needed: Iterable[str], *, hidden: Collection[str] = ()
) -> Iterator[pq.ParquetFile]:
    """A Parquet file of one or more rows; see `quoted_columns` for what hidden ones are good for.

    Raises:
        DataError: it is missing, of another kind, without rows or without a needed column, or has
            a column twice.
    """
    if not source.is_file():
        raise DataError(f"{source}: no such file. Wanted a Parquet file of rows.")
    try:
        file = pq.ParquetFile(source, buffer_size=READ_BYTES)
        names = columns_of(file)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise DataError(f"{source} cannot be read as parquet: {error}.") from error
    with file:
        if repeated := [name for name, count in Counter(names).items() if count > 1]:
            raise DataError(
                f"{source}: wanted columns with distinct names, got {repeated[0]!r} twice. Rename "
                "one of the two."
            )
        refuse_missing_columns(names, needed, source, hidden=hidden)
        if not file.metadata.num_rows:
            raise DataError(f"{source} has no rows.")
        yield file


def columns_of(file: pq.ParquetFile) -> list[str]:
    """Names of the columns, the named index of a pandas frame among them."""
    stored = [name for name in file.schema_arrow.names if not UNNAMED_INDEX.fullmatch(name)]
    return stored + [name for name in _range_indexes(file.schema_arrow) if name not in stored]


def batches_of(
    file: pq.ParquetFile,
    source: Path,
    columns: Sequence[str],
    rows: int,
    hidden: Collection[str] = (),
) -> Iterator[pa.RecordBatch]:
    """Some columns of the file, at most `rows` rows at a time; fewer where cells are very large.

    Where a batch ends depends on the file, `columns` and `rows` alone. No message quotes cells of
    `hidden` columns.

    Raises:
        DataError: the file is broken further down.
    """
    try:
        yield from _gathered(_steps(file, columns, rows, hidden), rows)
    except MemoryError as error:
        raise DataError(f"{source} does not fit into memory: {error}. Split it.") from error
    except (OSError, ValueError, OverflowError, pa.ArrowException) as error:
        raise DataError(f"{source} cannot be read as parquet: {error}.") from error


def _gathered(steps: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """Steps put together until a batch is full."""
    waiting: list[pa.RecordBatch] = []
    count = size = 0
    for step in steps:
        waiting.append(step)
        count += step.num_rows
        size += decoded_bytes(step)
        if count >= rows or size >= BATCH_BYTES:
            yield _together(waiting)
            waiting, count, size = [], 0, 0
    if waiting:
        yield _together(waiting)


def _together(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


def _steps(
    file: pq.ParquetFile, columns: Sequence[str], rows: int, hidden: Collection[str]
) -> Iterator[pa.RecordBatch]:
    """A few rows at a time, each checked to be what its type says; see `_refuse_unreadable`."""
    ranges = {
        name: index for name, index in _range_indexes(file.schema_arrow).items() if name in columns
    }
    stored = [name for name in columns if name not in ranges]
    if not stored:  # the rows are counted by some column
        stored = file.schema_arrow.names[:1]
    first = 0
    for read in _read(file, stored, rows):
        batch = read
        _refuse_unreadable(batch, first, hidden)
        for name, (start, step) in ranges.items():
            numbers = range(start + first * step, start + (first + len(batch)) * step, step)
            batch = batch.append_column(name, pa.array(numbers, pa.int64()))
        first += len(batch)
        yield batch.select(list(columns))


def _read(file: pq.ParquetFile, columns: list[str], rows: int) -> Iterator[pa.RecordBatch]:
    """Batches that divide `rows`, of one row where the first is very large."""
    first = next(iter(file.iter_batches(1, columns=columns)), None)
    few = max(BATCH_BYTES // max(0 if first is None else decoded_bytes(first), 1), 1)
    step = 1
    while step * 2 <= min(few, rows, STEP_ROWS) and rows % (step * 2) == 0:
        step *= 2
    yield from file.iter_batches(step, columns=columns)


def _refuse_unreadable(batch: pa.RecordBatch, first: int, hidden: Collection[str]) -> None:
    """Raise where a cell has no Python value, such as a date in the year 100,000."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            column.validate(full=True)
            if _may_be_unreadable(column.type):
                series_of(column).tolist()
        except (ValueError, OverflowError, pa.ArrowException) as error:
            where = f"rows {first} to {first + len(batch) - 1} (counted from 0), column {name!r}"
            told = HIDDEN if name in hidden else str(error)
            raise ValueError(f"{where}: {told}") from error


def _may_be_unreadable(kind: pa.DataType) -> bool:
    if isinstance(kind, pa.ExtensionType):
        return _may_be_unreadable(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _may_be_unreadable(kind.value_type)
    inner = [kind.field(position).type for position in range(kind.num_fields)]
    return (
        pa.types.is_temporal(kind)
        or pa.types.is_decimal(kind)
        or any(map(_may_be_unreadable, inner))
    )


def _range_indexes(schema: pa.Schema) -> dict[str, tuple[int, int]]:
    """Start and step of the named indexes that pandas keeps as numbers, not as a column."""
    try:
        about = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
        indexes = [index for index in about["index_columns"] if isinstance(index, dict)]
        return {
            index["name"]: (int(index["start"]), int(index["step"]))
            for index in indexes
            if index["kind"] == "range" and isinstance(index["name"], str)
        }
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
