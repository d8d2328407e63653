"""A Parquet file of a run, read in parts, each page checked as it is read."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from weakft.errors import DataError
from weakft.runs import RunFolder
from weakft.verify import damaged


class TableFile:
    """One of the tables of a run's rows.

    Args:
        run: its folder.
        path: of the file in it.

    Raises:
        DataError: there is none, or what is read of it is damaged; so do the methods.
    """

    def __init__(self, run: RunFolder, path: Path) -> None:
        if not path.exists():
            raise DataError(
                f"Run {run.id} has no {path.relative_to(run.path)}, so no rows to look at: an "
                "older weakft made it. Make a new one with `weakft run`."
            )
        self._run, self._path, self._lock = run, path, Lock()
        with self._reading():
            self._file = pq.ParquetFile(path, page_checksum_verification=True)
            self._rows = range(self._file.metadata.num_rows)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def names(self) -> list[str]:
        """Its columns."""
        return list(self._file.schema_arrow.names)

    def column(self, name: str) -> pa.ChunkedArray:
        """[n] one column."""
        with self._reading():
            return self._read([name]).column(name)

    def arrays(self, names: Sequence[str]) -> list[np.ndarray]:
        """[n] each of these columns."""
        with self._reading():
            table = self._read(names)
            return [table.column(name).to_numpy() for name in names]

    def containing(self, name: str, text: str) -> np.ndarray:
        """[n] whether a text is part of the column's, capitals ignored."""
        with self._reading():
            found = pc.match_substring(self._read([name]).column(name), text, ignore_case=True)
            return np.asarray(found.combine_chunks().to_numpy(zero_copy_only=False))

    def cells(
        self, names: Sequence[str], positions: np.ndarray, group_size: int
    ) -> list[list[str]]:
        """Of each column its values at these positions, from the row groups that hold them.

        Args:
            names: of the columns.
            positions: of rows.
            group_size: rows a group, in all but the last.
        """
        groups, inverse = np.unique(positions // group_size, return_inverse=True)
        with self._reading():
            table = self._file.read_row_groups(groups.tolist(), columns=list(names))
            sizes = [self._file.metadata.row_group(int(g)).num_rows for g in groups]
            starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
            found = table.take(pa.array(starts[inverse] + positions % group_size))
            return [found.column(name).cast(pa.string()).to_pylist() for name in names]

    def _read(self, names: Sequence[str]) -> pa.Table:
        table = self._file.read(columns=list(names))
        if table.num_rows != len(self):
            raise ValueError(f"wanted {len(self)} rows, got {table.num_rows}")
        return table

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """One thread at a time: a Parquet file read by two of them crashes the process."""
        try:
            with self._lock:
                yield
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise damaged(self._run, self._path, f"it cannot be read ({reason})") from error
