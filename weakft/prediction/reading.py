"""Rows to predict, a chunk at a time, from Parquet, CSV or JSONL."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from weakft.data.checked import checked_ids, checked_texts, refuse_missing_columns
from weakft.data.quoting import Quoting
from weakft.data.reading import frames_of
from weakft.errors import DataError


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
        hidden: columns whose cells no message quotes.
    """

    path: Path
    id_column: str
    content_column: str
    chunk_rows: int
    hidden: Collection[str] = ()

    @property
    def quoting(self) -> Quoting:
        """What messages may quote."""
        return Quoting(self.hidden, self.id_column)

    def chunks(self) -> Iterator[Chunk]:
        """The rows in their order; the last chunk may be shorter. Nothing is read ahead.

        Raises:
            DataError: the file is missing, unreadable, of another kind or not UTF-8; a column is
                missing; an id or a content is missing or empty, or a content is no text.
        """
        return self._chunks(check_others=False)

    def _chunks(self, *, check_others: bool) -> Iterator[Chunk]:
        first = 0
        columns = (self.id_column, self.content_column)
        for frame in frames_of(
            self.path, self.chunk_rows, columns, check_others=check_others, hidden=self.hidden
        ):
            yield self._checked(first, frame)
            first += len(frame)

    def count(self) -> int:
        """How many rows there are, after a look at each of them; 8 bytes of memory a row.

        Raises:
            DataError: as for `chunks`; or there are no rows, or an id is there twice.
        """
        hashes = []
        for chunk in self._chunks(check_others=True):
            hashes.append(np.unique(_hashes(chunk.ids)))
            if len(hashes[-1]) < len(chunk.ids):
                self._refuse_repeated(_repeated(_hashes(chunk.ids)))
        if not hashes:
            raise DataError(f"{self.path} has no rows.")
        found = np.concatenate(hashes)
        if len(suspects := _repeated(found)):
            self._refuse_repeated(suspects)
        return len(found)

    def _refuse_repeated(self, suspects: npt.NDArray[np.uint64]) -> None:
        seen: set[str] = set()
        for chunk in self.chunks():
            for position in np.flatnonzero(np.isin(_hashes(chunk.ids), suspects)):
                row_id = chunk.ids[position]
                if row_id in seen:
                    found = self.quoting.cell(self.id_column, row_id)
                    raise DataError(
                        f"{self.path}: {self.id_column!r} must be distinct, but {found} occurs "
                        f"again in row {chunk.first + position} (counted from 0)."
                    )
                seen.add(row_id)

    def _checked(self, first: int, frame: pd.DataFrame) -> Chunk:
        path, hidden, content = self.path, self.hidden, self.content_column
        refuse_missing_columns(frame.columns, (self.id_column, content), path, hidden=hidden)
        cells = frame[self.id_column].tolist()
        ids = checked_ids(cells, self.id_column, path, first, hidden=hidden)
        cells = frame[content].tolist()
        contents = checked_texts(cells, content, ids, path, first, quoting=self.quoting)
        return Chunk(first, ids, contents)


def _repeated(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    ordered = np.sort(hashes)
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def _hashes(ids: Sequence[str]) -> npt.NDArray[np.uint64]:
    hashes: npt.NDArray[np.uint64] = pd.util.hash_array(
        np.array(ids, dtype=object), categorize=False
    )
    return hashes
