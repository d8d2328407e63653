"""Rows of the run as cells, without what `[privacy]` hides."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from weakft.config import Splits
from weakft.html_report.blocks import Table, number, percent
from weakft.report import Report
from weakft.tables import RowTable, Sought
from weakft.visible import HIDDEN

MOST_CHARACTERS = 600
STATES = {
    "none": "no LF votes",
    "agreed": "the LFs that vote are right",
    "wrong": "the LFs that vote are wrong",
    "conflicted": "the LFs contradict each other",
}
WORDS = ("id", "text", "label", "gold", "predicted", "LFs", "LF votes")


class Examples:
    """A few rows of one split.

    Args:
        report: of the run.
        split: whose rows.
        most: how many to show at once.

    Raises:
        DataError: the run has no such rows.
    """

    def __init__(self, report: Report, split: Splits, most: int) -> None:
        self._table: RowTable = report.table(split)
        self._hidden = report.hidden
        self._most = most

    def mistakes(self) -> pd.DataFrame:
        """The end model's, those of largest loss first."""
        found = self._table.positions(Sought(mistakes=True, order="loss"))
        return self._table.rows(found[: self._most])

    def like(self, ids: Sequence[str], words: Sequence[str]) -> pd.DataFrame:
        """The uncovered rows of these ids, then others in which the first word occurs."""
        found = [self._table.position(row_id) for row_id in ids[: self._most]]
        if words and len(found) < self._most and not self._hidden:
            others = self._table.positions(Sought(states=("none",), text=words[0]))
            found += [row for row in others if row not in found]
        return self._table.rows(np.array(found[: self._most], dtype=np.int64))

    def cells(self, rows: pd.DataFrame, caption: str, columns: Sequence[str]) -> Table:
        """Rows as a table of these columns, see `weakft.tables.Page`; "LFs" is their state."""
        cells = tuple(
            tuple(self._cell(row, name) for name in columns) for row in rows.to_dict("records")
        )
        words = tuple(place for place, name in enumerate(columns) if name in WORDS)
        return Table(caption, tuple(columns), cells, words)

    def _cell(self, row: dict[Any, Any], name: str) -> str:
        if name in self._hidden:
            return HIDDEN
        if name == "LFs":
            return STATES[row["state"]]
        if name == "confidence":
            return percent(None if pd.isna(row["predicted"]) else row[name])
        if name == "loss":
            return number(row[name], ".2f")
        cell = "–" if pd.isna(row[name]) else str(row[name]) or "–"
        return cell if len(cell) <= MOST_CHARACTERS else f"{cell[:MOST_CHARACTERS]} … (cut)"
