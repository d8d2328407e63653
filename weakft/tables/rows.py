"""The rows of a split, a page at a time, at any size of the split.

Small columns are read whole, each when it is first asked for; texts are read from the row groups
that hold the page alone.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from weakft.errors import DataError
from weakft.labels import ABSTAIN
from weakft.runs import RunFolder
from weakft.tables.columns import STATES

ROWS_A_GROUP = 2048
ROWS_A_PAGE = 50
MOST_CHARACTERS = 2000

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
LFRows = Literal["votes", "right", "wrong", "conflict", "alone"]


@dataclass(frozen=True)
class Sought:
    """Which rows, in which order; what is None does not matter.

    Attributes:
        lf: name of an LF that votes on them.
        lf_rows: which of its rows: all, those where it is right or wrong by gold, where another
            LF votes for another class, or where no other votes.
        other_lf: name of a second LF that votes on them too.
        pair: whether `lf` and `other_lf` agree or not.
        states: of the LFs, see STATES.
        label: class of the soft label.
        gold: class by gold.
        predicted: class by the end model.
        mistakes: True: the end model is wrong by gold; False: right.
        label_mistakes: True: the soft label is wrong by gold.
        disagreeing: the end model and the soft label differ.
        label_below: the soft label is less sure than this.
        confidence: range of the end model's confidence.
        text: what the text contains, capitals ignored.
        order: column to sort by, greatest first, or "row".
        ascending: least first.
    """

    lf: str | None = None
    lf_rows: LFRows = "votes"
    other_lf: str | None = None
    pair: Literal["agree", "conflict"] | None = None
    states: tuple[str, ...] = ()
    label: str | None = None
    gold: str | None = None
    predicted: str | None = None
    mistakes: bool | None = None
    label_mistakes: bool | None = None
    disagreeing: bool = False
    label_below: float | None = None
    confidence: tuple[float, float] | None = None
    text: str | None = None
    order: str = "row"
    ascending: bool = False


@dataclass(frozen=True)
class Page:
    """Some of the rows sought.

    Attributes:
        rows: columns id, text, gold, label, label_confidence, predicted, confidence, loss,
            votes, state and "LF votes", at most as many rows as a page has.
        total: how many rows are sought in all.
        number: of this page, from 0.
        pages: how many there are, at least 1.
    """

    rows: pd.DataFrame
    total: int
    number: int
    pages: int


class RowTable:
    """The rows of one split of a run.

    Args:
        run: its folder.
        split: train, dev, valid or test.
        classes: k class names.
        hidden: columns of `Page.rows` that nobody may see.

    Raises:
        DataError: the run has no such table, or it cannot be read.
    """

    def __init__(
        self,
        run: RunFolder,
        split: str,
        classes: Sequence[str],
        *,
        hidden: Collection[str] = (),
    ) -> None:
        self.split = split
        self._hidden = hidden
        self._classes = np.array([*classes, None], dtype=object)
        self._positions = {name: k for k, name in enumerate(classes)}
        self._run, self._lock = run, Lock()
        with self._reading():
            self._texts = pq.ParquetFile(run.rows(split))
            self._small = pq.ParquetFile(run.columns(split))
            self._votes = pq.ParquetFile(run.votes(split))
        self._columns: dict[str, Any] = {}
        self._searched: tuple[str, Any] = "", None

    def __len__(self) -> int:
        return int(self._texts.metadata.num_rows)

    @property
    def lf_names(self) -> list[str]:
        """The LFs, in the order of the label matrix."""
        return [name for name in self._votes.schema_arrow.names if name != "id"]

    def column(self, name: str) -> Any:  # noqa: ANN401
        """[n] one of the small columns, see `weakft.tables.columns.Columns`."""
        if name not in self._columns:
            self._columns[name] = self._array(self._small, name)
        return self._columns[name]

    @cached_property
    def votes(self) -> npt.NDArray[np.int8]:
        """[n, m] all votes."""
        with self._reading():
            table = self._votes.read(columns=self.lf_names)
        columns = [table.column(name).to_numpy() for name in self.lf_names]
        return np.asarray(np.stack(columns, axis=1) if columns else np.empty((len(self), 0), "i1"))

    def votes_of(self, lf: str) -> npt.NDArray[np.int8]:
        """[n] of one LF.

        Raises:
            DataError: there is none of this name.
        """
        if lf not in self.lf_names:
            raise DataError(f"No LF {lf!r} in this run. There are: {', '.join(self.lf_names)}.")
        if "votes" in self.__dict__:
            return self.votes[:, self.lf_names.index(lf)]
        if f"lf {lf}" not in self._columns:
            self._columns[f"lf {lf}"] = self._array(self._votes, lf)
        votes: npt.NDArray[np.int8] = self._columns[f"lf {lf}"]
        return votes

    def positions(self, sought: Sought) -> Positions:
        """Positions of the rows sought, in their order."""
        mask = np.ones(len(self), dtype=bool)
        for part in self._masks(sought):
            mask &= part
        found = np.flatnonzero(mask)
        if sought.text:
            found = found[self._contains(found, sought.text)]
        if sought.order == "row":
            return found
        keys = self.column(sought.order)[found]
        return found[np.argsort(keys if sought.ascending else -keys, kind="stable")]

    def page(self, sought: Sought, number: int = 0, size: int = ROWS_A_PAGE) -> Page:
        """One page of the rows sought; the last one, if there are fewer."""
        found = self.positions(sought)
        pages = max(-(-len(found) // size), 1)
        number = min(max(number, 0), pages - 1)
        shown = found[number * size : (number + 1) * size]
        return Page(self.rows(shown), len(found), number, pages)

    def rows(self, positions: Positions) -> pd.DataFrame:
        """The rows at these positions, as `Page` describes them; texts cut at 2,000 characters."""
        texts = self._at(positions)
        frame = pd.DataFrame(
            {
                "id": pd.Series(texts.column("id").to_pylist(), dtype="str"),
                "text": pd.Series(
                    [str(text)[:MOST_CHARACTERS] for text in texts.column("text").to_pylist()],
                    dtype="str",
                ),
            }
        )
        for name in ("gold", "label", "predicted"):
            frame[name] = pd.Series(self._classes[self.column(name)[positions]], dtype="str")
        for name in ("label_confidence", "confidence", "loss", "votes"):
            frame[name] = self.column(name)[positions]
        frame["state"] = np.array(STATES)[self.column("state")[positions]]
        frame["LF votes"] = pd.Series(
            [self._told(votes) for votes in self.votes[positions]], dtype="str"
        )
        return frame.assign(**dict.fromkeys(self._hidden, "(hidden)"))

    def position(self, row_id: str) -> int:
        """Where the row of this id stands.

        Raises:
            DataError: nowhere.
        """
        ids = self._read(self._texts, "id")
        found = pc.index(ids, pa.scalar(row_id, ids.type)).as_py()
        if found < 0:
            raise DataError(f"No row {row_id!r} in {self.split}.")
        return int(found)

    def _told(self, votes: npt.NDArray[np.int8]) -> str:
        return ", ".join(
            f"{self.lf_names[j]}: {self._classes[votes[j]]}"
            for j in np.flatnonzero(votes != ABSTAIN)
        )

    def _at(self, positions: Positions) -> pa.Table:
        """Texts and ids at these positions, in their order."""
        groups, inverse = np.unique(positions // ROWS_A_GROUP, return_inverse=True)
        with self._reading():
            table = self._texts.read_row_groups(groups.tolist(), columns=["id", "text"])
        sizes = [self._texts.metadata.row_group(int(g)).num_rows for g in groups]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        return table.take(pa.array(starts[inverse] + positions % ROWS_A_GROUP))

    def _contains(self, positions: Positions, text: str) -> Mask:
        searched = self._searched  # several sessions share this table
        if searched[0] != text:
            found = pc.match_substring(self._read(self._texts, "text"), text, ignore_case=True)
            searched = text, found.combine_chunks().to_numpy(zero_copy_only=False)
            self._searched = searched
        return np.asarray(searched[1][positions])

    def _masks(self, sought: Sought) -> list[Mask]:
        parts = [*self._about_lfs(sought), *self._about_classes(sought)]
        gold, predicted = self.column("gold"), self.column("predicted")
        if sought.states:
            wanted = [STATES.index(state) for state in sought.states]
            parts.append(np.isin(self.column("state"), wanted))
        if sought.mistakes is not None:
            judged = (gold >= 0) & (predicted >= 0)
            parts.append(judged & ((gold != predicted) == sought.mistakes))
        if sought.label_mistakes is not None:
            label = self.column("label")
            parts.append((gold >= 0) & (label >= 0) & ((gold != label) == sought.label_mistakes))
        if sought.disagreeing:
            label = self.column("label")
            parts.append((label >= 0) & (predicted >= 0) & (label != predicted))
        if sought.label_below is not None:
            parts.append(self.column("label_confidence") < sought.label_below)
            parts.append(self.column("label") >= 0)
        if sought.confidence is not None:
            low, high = sought.confidence
            confidence = self.column("confidence")
            parts.append((predicted >= 0) & (confidence >= low) & (confidence <= high))
        return parts

    def _about_classes(self, sought: Sought) -> list[Mask]:
        wanted: Mapping[str, str | None] = {
            "label": sought.label,
            "gold": sought.gold,
            "predicted": sought.predicted,
        }
        return [
            self.column(name) == self._positions[value]
            for name, value in wanted.items()
            if value is not None
        ]

    def _about_lfs(self, sought: Sought) -> list[Mask]:
        parts = []
        if sought.lf is not None:
            parts += self._rows_of_lf(sought.lf, sought.lf_rows)
        if sought.other_lf is not None:
            parts.append(self.votes_of(sought.other_lf) != ABSTAIN)
        if sought.lf is not None and sought.other_lf is not None and sought.pair is not None:
            alike = self.votes_of(sought.lf) == self.votes_of(sought.other_lf)
            parts.append(alike == (sought.pair == "agree"))
        return parts

    def _rows_of_lf(self, lf: str, which: LFRows) -> list[Mask]:
        votes, gold = self.votes_of(lf), self.column("gold")
        parts = [votes != ABSTAIN]
        if which == "right":
            parts.append(gold == votes)
        elif which == "wrong":
            parts.append((gold >= 0) & (gold != votes))
        elif which == "alone":
            parts.append(self.column("votes") == 1)
        elif which == "conflict":
            parts.append(self.column("state") == STATES.index("conflicted"))
        return parts

    def _array(self, file: pq.ParquetFile, name: str) -> Any:  # noqa: ANN401
        return self._read(file, name).to_numpy()

    def _read(self, file: pq.ParquetFile, name: str) -> pa.ChunkedArray:
        with self._reading():
            return file.read(columns=[name]).column(name)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """One thread at a time: a Parquet file read by two of them crashes the process."""
        try:
            with self._lock:
                yield
        except (OSError, pa.ArrowException) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise DataError(
                f"Run {self._run.id} has no readable rows of {self.split}: {reason}. Runs of an "
                "older weakft have none; make a new one with `weakft run`."
            ) from error
