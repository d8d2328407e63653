"""Rows to predict, a chunk at a time, from Parquet, CSV or JSONL."""

import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from weakft.apply.parquet import batches_of, opened
from weakft.errors import DataError

Cells = tuple[list[Any], list[Any]]
"""Ids and contents of some rows, as the file has them."""


@dataclass(frozen=True)
class Chunk:
    """Some rows that follow on one another.

    Attributes:
        first: position of the first in the file, from 0.
        ids: row ids, none of them empty.
        contents: texts, or paths of images as the file has them; none of them empty.
    """

    first: int
    ids: list[str]
    contents: list[str]


@dataclass(frozen=True)
class Source:
    """A file of rows.

    Attributes:
        path: of a Parquet, CSV (UTF-8, header) or JSONL file, by its suffix.
        id_column: of the row ids.
        content_column: of the texts or paths of images.
        chunk_rows: how many rows are held at a time.
    """

    path: Path
    id_column: str
    content_column: str
    chunk_rows: int

    def chunks(self) -> Iterator[Chunk]:
        """The rows in their order; the last chunk may be shorter. Nothing is read ahead.

        Raises:
            DataError: the file is missing, unreadable, of another kind or not UTF-8; a column is
                missing; an id or a content is missing or empty, or a content is no text.
        """
        reader = READERS.get(self.path.suffix)
        if reader is None:
            raise DataError(f"{self.path}: wanted a file ending in {', '.join(READERS)}.")
        first = 0
        columns = (self.id_column, self.content_column)
        for ids, contents in reader(self.path, columns, self.chunk_rows):
            yield self._checked(first, ids, contents)
            first += len(ids)

    def count(self) -> int:
        """How many rows there are, after a look at each of them; 8 bytes of memory a row.

        Raises:
            DataError: as for `chunks`; or there are no rows, or an id is there twice.
        """
        hashes = [_hashes(chunk.ids) for chunk in self.chunks()]
        if not hashes:
            raise DataError(f"{self.path} has no rows.")
        ordered = np.sort(np.concatenate(hashes))
        suspects = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
        if len(suspects):
            self._refuse_repeated(suspects)
        return len(ordered)

    def _refuse_repeated(self, suspects: npt.NDArray[np.uint64]) -> None:
        seen: set[str] = set()
        for chunk in self.chunks():
            for position in np.flatnonzero(np.isin(_hashes(chunk.ids), suspects)):
                row_id = chunk.ids[position]
                if row_id in seen:
                    raise DataError(
                        f"{self.path}: {self.id_column!r} must be distinct, but {row_id!r} occurs "
                        f"again in row {chunk.first + position} (counted from 0)."
                    )
                seen.add(row_id)

    def _checked(self, first: int, ids: list[Any], contents: list[Any]) -> Chunk:
        for position, (row_id, content) in enumerate(zip(ids, contents, strict=True)):
            if _is_empty(row_id):
                raise DataError(
                    f"{self.path}: row {first + position} (counted from 0) has no "
                    f"{self.id_column!r}. Give each row an id."
                )
            if _is_empty(content):
                raise DataError(
                    f"{self.path}: row {str(row_id)!r} has no {self.content_column!r}. Drop it, "
                    "or fill it."
                )
            if not isinstance(content, str):
                raise DataError(
                    f"{self.path}: {self.content_column!r} holds texts, but row {str(row_id)!r} "
                    f"holds {content!r} ({type(content).__name__})."
                )
        chunk = Chunk(first, [str(row_id) for row_id in ids], contents)
        self._refuse_half_characters(chunk)
        return chunk

    def _refuse_half_characters(self, chunk: Chunk) -> None:
        try:
            "".join([*chunk.ids, *chunk.contents]).encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"{self.path}: one of the rows {chunk.first} to "
                f"{chunk.first + len(chunk.ids) - 1} (counted from 0) holds half a character "
                f"({error.object[error.start]!a}, a lone surrogate). Write the whole one."
            ) from error


def _parquet(path: Path, columns: Sequence[str], rows: int) -> Iterator[Cells]:
    with opened(path, columns) as file:
        for batch in batches_of(file, path, list(dict.fromkeys(columns)), rows):
            ids, contents = (batch.column(name).to_pylist() for name in columns)
            yield ids, contents


def _csv(path: Path, columns: Sequence[str], rows: int) -> Iterator[Cells]:
    with _explained(path):
        frames = pd.read_csv(
            path,
            chunksize=rows,
            encoding="utf-8",
            dtype="str",
            keep_default_na=False,
            na_values=[""],
            index_col=False,
        )
    with frames:
        while True:
            with _explained(path):
                frame = next(frames, None)
            if frame is None or frame.empty:
                return
            _refuse_missing(columns, list(map(str, frame.columns)), path)
            ids, contents = (frame[name].tolist() for name in columns)
            yield ids, contents


def _jsonl(path: Path, columns: Sequence[str], rows: int) -> Iterator[Cells]:
    with _explained(path):
        file = path.open("rb")
    with file:
        records = _records(file, path, columns)
        while True:
            with _explained(path):
                some = list(islice(records, rows))
            if not some:
                return
            ids, contents = ([record.get(name) for record in some] for name in columns)
            yield ids, contents


READERS: dict[str, Callable[[Path, Sequence[str], int], Iterator[Cells]]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".jsonl": _jsonl,
}


def _records(
    lines: Iterator[bytes], path: Path, columns: Sequence[str]
) -> Iterator[dict[str, Any]]:
    is_first = True
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record = json.loads(line.decode("utf-8"))
        if not isinstance(record, dict):
            raise DataError(f"{path}, line {number}: wanted a JSON object, got {record!r:.80}.")
        if is_first:
            _refuse_missing(columns, list(record), path)
            is_first = False
        yield record


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            yield
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file. Wanted rows to predict.") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} is not UTF-8 ({error.reason}). Convert it first, e.g. "
            "`iconv -f latin1 -t utf-8`."
        ) from error
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        raise DataError(f"{path} cannot be read as {path.suffix[1:]}: {error}.") from error


def _refuse_missing(wanted: Sequence[str], names: list[str], path: Path) -> None:
    if missing := [name for name in wanted if name not in names]:
        raise DataError(
            f"{path}: wanted column {missing[0]!r}, got {names}. Rename it, or say its name in "
            "[data] id, text, image."
        )


def _is_empty(cell: object) -> bool:
    return cell is None or cell != cell or not str(cell).strip()


def _hashes(ids: Sequence[str]) -> npt.NDArray[np.uint64]:
    hashes: npt.NDArray[np.uint64] = pd.util.hash_array(
        np.array(ids, dtype=object), categorize=False
    )
    return hashes
