"""The view of one row that a labeling function sees."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pandas as pd


class RowView:
    """One row of a frame: `x.text`, `x["text"]` or `x.get("text")`; read only.

    Holds a reference to the columns and a position, so that a row costs two slots
    rather than a pandas Series, and any column name works (`x.name`, `x.size`; a column
    called `get` as `x["get"]`).

    Example:
        >>> columns = {"text": ["Great!", "Meh."], "name": ["a", "b"]}
        >>> x = RowView(columns, 1)
        >>> x.text, x["name"], x.get("price", 0)
        ('Meh.', 'b', 0)
    """

    __slots__ = ("_columns", "_position")

    def __init__(self, columns: Mapping[str, Sequence[Any]], position: int) -> None:
        self._columns = columns
        self._position = position

    def __getattr__(self, column: str) -> Any:  # noqa: ANN401  (a cell)
        if column in RowView.__slots__:  # a copy under construction
            raise AttributeError(column)
        try:
            return self._columns[column][self._position]
        except KeyError:
            raise AttributeError(
                f"no column {column!r}; this row has {', '.join(self._columns)}"
            ) from None

    def __getitem__(self, column: str) -> Any:  # noqa: ANN401
        return self._columns[column][self._position]

    def get(self, column: str, default: Any = None) -> Any:  # noqa: ANN401
        """The cell, or `default` where there is no such column."""
        return self[column] if column in self._columns else default


def row_views(columns: Mapping[str, Sequence[Any]], start: int, stop: int) -> list[RowView]:
    """One view for each row from `start` up to `stop`."""
    return [RowView(columns, position) for position in range(start, stop)]


def as_namespaces(
    columns: Mapping[str, Sequence[Any]], start: int, stop: int
) -> list[SimpleNamespace]:
    """Writable copies of the rows, as Snorkel's preprocessors need them."""
    names = list(columns)
    cells = zip(*(columns[name][start:stop] for name in names), strict=True)
    return [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in cells]


def to_columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """The frame as plain lists of Python values, one per column."""
    return {str(name): frame[name].tolist() for name in frame.columns}
