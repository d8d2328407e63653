"""The one reader of rows: Parquet, CSV or JSONL, whole or in chunks, for every command."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import psutil

from weakft.data.cells import decoded_bytes, frame_of
from weakft.data.csv_files import csv_frames
from weakft.data.jsonl import jsonl_frames
from weakft.data.parquet import batches_of, columns_of, opened
from weakft.errors import DataError
from weakft.text_files import NotUTF8, not_utf8

SUFFIXES = (".parquet", ".csv", ".jsonl")
CHUNK_ROWS = 16_384
CELL_BYTES = 8  # of any cell, at least
MOST_OF_MEMORY = 0.5  # that rows may fill: what is made of them needs as much again


def read_frame(path: Path, *, hidden: Collection[str] = ()) -> pd.DataFrame:
    """All rows of a file, by its suffix; no message quotes cells of `hidden` columns.

    Raises:
        DataError: missing, unreadable, of another kind, without rows, or too large for memory.
    """
    if path.suffix == ".parquet":
        frames = list(_fitting_parquet(path, hidden))
    else:
        rows = None if path.suffix == ".jsonl" else CHUNK_ROWS
        frames = list(frames_of(path, rows, hidden=hidden))
    if not frames:
        raise DataError(f"{path} has no rows.")
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def frames_of(
    path: Path,
    rows: int | None,
    columns: Sequence[str] | None = None,
    *,
    check_others: bool = False,
    hidden: Collection[str] = (),
) -> Iterator[pd.DataFrame]:
    """The rows of a file in their order, at most `rows` at a time; cells as in `read_frame`.

    Args:
        path: of a Parquet, CSV (UTF-8, header) or JSONL file, by its suffix.
        rows: at most in a frame; None: all of a JSONL file.
        columns: of a Parquet file; None: all. Of the other formats all are given.
        check_others: whether a Parquet file that is broken in another column is refused, too.
        hidden: columns whose cells no message quotes.

    Raises:
        DataError: as for `read_frame`.
    """
    if path.suffix == ".parquet":
        with opened(path, columns or (), hidden=hidden) as file:
            every = columns_of(file)
            given = every if columns is None else list(dict.fromkeys(columns))
            read = every if check_others else given
            for batch in batches_of(file, path, read, rows or CHUNK_ROWS, hidden):
                yield frame_of(batch.select(given))
        return
    if path.suffix not in SUFFIXES:
        raise DataError(f"{path}: wanted a file ending in {', '.join(SUFFIXES)}.")
    with _explained(path):
        if path.suffix == ".csv":
            yield from csv_frames(path, rows or CHUNK_ROWS, hidden=hidden)
        else:
            yield from jsonl_frames(path, rows, hidden=hidden)


def memory_limit() -> int:
    """Bytes that the rows of a file may fill."""
    return int(psutil.virtual_memory().available * MOST_OF_MEMORY)


def _fitting_parquet(path: Path, hidden: Collection[str]) -> Iterator[pd.DataFrame]:
    limit = memory_limit()
    with opened(path, (), hidden=hidden) as file:
        names, rows = columns_of(file), file.metadata.num_rows
        batches = batches_of(file, path, names, CHUNK_ROWS, hidden)
        size = 0
        while max(size, rows * len(names) * CELL_BYTES) <= limit:
            batch = next(batches, None)
            if batch is None:
                return
            frame = frame_of(batch)
            size += int(frame.memory_usage(deep=False).sum()) + decoded_bytes(batch)
            yield frame
    raise DataError(
        f"{path} has {rows} rows of {len(names)} columns, which need more than the "
        f"{limit / 2**30:.1f} GiB that {MOST_OF_MEMORY:.0%} of the free memory are. Wanted rows "
        "that fit: leave columns or rows out, shorten very long cells, or take a larger machine."
    )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file. Paths are relative to the project.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: {not_utf8(path)}") from error
    except NotUTF8 as error:
        raise DataError(f"{path}: {error}") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as {path.suffix[1:]}: {error}.") from error
