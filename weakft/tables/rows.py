"""The rows of a split, a page at a time, at any size of the split.

Small columns are read whole, each when it is first asked for; texts are read from the row groups
that hold the page alone.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from weakft.errors import DataError
from weakft.labels import ABSTAIN, NO_LABEL, TIE, Votes
from weakft.runs import RunFolder
from weakft.tables.columns import STATES
from weakft.tables.files import TableFile
from weakft.tables.sought import LFRows, Page, Sought
from weakft.verify import damaged
from weakft.visible import HIDDEN

ROWS_A_GROUP = 2048
ROWS_A_PAGE = 50
MOST_CHARACTERS = 2000

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def slice_column(column: str) -> str:
    """Under which name the values of a column of the data are kept."""
    return f"slice {column}"


class RowTable:
    """The rows of one split of a run.

    Args:
        run: its folder.
        split: train, dev, valid or test.
        classes: k class names.
        hidden: columns of `Page.rows` that nobody may see.
        unsliced: columns of the data that nobody may part the rows by.

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
        unsliced: Collection[str] = (),
    ) -> None:
        self.split = split
        self._hidden, self._unsliced = hidden, unsliced
        self._classes = np.array([*classes, NO_LABEL[TIE], None], dtype=object)  # by -2, -1
        self._positions = {name: k for k, name in enumerate(classes)}
        self._texts = TableFile(run, run.rows(split))
        self._small = TableFile(run, run.columns(split))
        self._votes = TableFile(run, run.votes(split))
        if not len(self._texts) == len(self._small) == len(self._votes):
            raise damaged(run, run.rows(split), "votes and columns are of another number of rows")
        self._columns: dict[str, Any] = {}
        self._searched: tuple[str, Any] = "", None

    def __len__(self) -> int:
        return len(self._texts)

    @property
    def lf_names(self) -> list[str]:
        """The LFs, in the order of the label matrix."""
        return [name for name in self._votes.names if name != "id"]

    def column(self, name: str) -> Any:  # noqa: ANN401
        """[n] one of the small columns, see `weakft.tables.columns.Columns`."""
        if name not in self._columns:
            self._columns[name] = self._small.column(name).to_numpy()
        return self._columns[name]

    @cached_property
    def votes(self) -> Votes:
        """[n, m] all votes."""
        columns = self._votes.arrays(self.lf_names)
        return np.asarray(np.stack(columns, axis=1) if columns else np.empty((len(self), 0), "i1"))

    def votes_of(self, lf: str) -> Votes:
        """[n] of one LF.

        Raises:
            DataError: there is none of this name.
        """
        if lf not in self.lf_names:
            raise DataError(f"No LF {lf!r} in this run. There are: {', '.join(self.lf_names)}.")
        if "votes" in self.__dict__:
            return self.votes[:, self.lf_names.index(lf)]
        if f"lf {lf}" not in self._columns:
            self._columns[f"lf {lf}"] = self._votes.column(lf).to_numpy()
        votes: Votes = self._columns[f"lf {lf}"]
        return votes

    def positions(self, sought: Sought) -> Positions:
        """Positions of the rows sought, in their order.

        Raises:
            DataError: there is no such LF or slice, or what is sought is hidden.
        """
        is_told = "gold" in self._hidden and sought.tells_gold
        self._refuse_hidden(is_told, "Gold labels", "sought or sorted by")
        mask = np.ones(len(self), dtype=bool)
        for part in self._masks(sought):
            mask &= part
        found = np.flatnonzero(mask)
        if sought.text:
            self._refuse_hidden("text" in self._hidden, "Texts", "searched")
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
        ids, texts = self._texts.cells(["id", "text"], positions, ROWS_A_GROUP)
        frame = pd.DataFrame(
            {
                "id": pd.Series(ids, dtype="str"),
                "text": pd.Series([str(text)[:MOST_CHARACTERS] for text in texts], dtype="str"),
            }
        )
        for name in ("gold", "label", "predicted"):
            frame[name] = pd.Series(self._classes[self.column(name)[positions]], dtype="str")
        for name in ("label_confidence", "confidence", "loss", "votes"):
            frame[name] = self.column(name)[positions]
        frame["label_confidence"] = frame["label_confidence"].where(frame["label"].notna())
        frame["state"] = np.array(STATES)[self.column("state")[positions]]
        frame["LF votes"] = pd.Series(
            [self._votes_as_text(votes) for votes in self.votes[positions]], dtype="str"
        )
        if "gold" in self._hidden:
            frame["loss"] = np.nan
        return frame.assign(**dict.fromkeys(self._hidden, HIDDEN))

    def counts(self, column: str, positions: Positions) -> dict[str, int]:
        """How many of these rows are of each class by gold, label or predicted, most first.

        Rows without a class are not counted, and none where the column is hidden.
        """
        if column in self._hidden:
            return {}
        found = self.column(column)[positions]
        counts = np.bincount(found[found >= 0], minlength=len(self._positions))
        by_class = zip(self._positions, counts.tolist(), strict=True)
        return dict(sorted(((c, n) for c, n in by_class if n), key=lambda pair: -pair[1]))

    def position(self, row_id: str) -> int:
        """Where the row of this id stands.

        Raises:
            DataError: nowhere.
        """
        ids = self._texts.column("id")
        found = pc.index(ids, pa.scalar(row_id, ids.type)).as_py()
        if found < 0:
            raise DataError(f"No row {row_id!r} in {self.split}.")
        return int(found)

    def ids(self, positions: Positions) -> list[str]:
        """The ids of the rows at these positions, to look up what belongs to them.

        Hidden or not: show those of `rows`.
        """
        (ids,) = self._texts.cells(["id"], positions, ROWS_A_GROUP)
        return list(map(str, ids))

    def positions_of(self, row_ids: Sequence[str]) -> Positions:
        """Where the rows of these ids stand, in the order of the table; unknown ids are not."""
        ids = self._texts.column("id")
        return np.flatnonzero(pc.is_in(ids, value_set=pa.array(row_ids, ids.type)).to_numpy())

    def _votes_as_text(self, votes: Votes) -> str:
        return ", ".join(
            f"{self.lf_names[j]}: {self._classes[votes[j]]}"
            for j in np.flatnonzero(votes != ABSTAIN)
        )

    def _contains(self, positions: Positions, text: str) -> Mask:
        searched = self._searched  # several sessions share this table
        if searched[0] != text:
            searched = text, self._texts.containing("text", text)
            self._searched = searched
        return np.asarray(searched[1][positions])

    def _masks(self, sought: Sought) -> list[Mask]:
        parts = [*self._about_lfs(sought), *self._about_classes(sought)]
        if sought.slice is not None:
            parts.append(self._of_slice(*sought.slice))
        if sought.among is not None:
            among = np.zeros(len(self), dtype=bool)
            among[list(sought.among)] = True
            parts.append(among)
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
            parts.append(self.column("label") != ABSTAIN)
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
        if sought.unvoted is not None:
            parts.append((self.votes != self._positions[sought.unvoted]).all(axis=1))
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

    def _of_slice(self, column: str, value: str | None) -> Mask:
        self._refuse_hidden(column in self._unsliced, f"Values of {column!r}", "sliced by")
        name = slice_column(column)
        if name not in self._small.names:
            raise DataError(f"The rows of {self.split} in this run have no slices by {column!r}.")
        values = self.column(name)
        return np.asarray(pd.isna(values) if value is None else values == value)

    def _refuse_hidden(self, is_hidden: bool, what: str, done: str) -> None:
        if is_hidden:
            raise DataError(
                f"{what} are hidden ([privacy] hidden), so they cannot be {done}: what is found "
                "would tell what they say."
            )
