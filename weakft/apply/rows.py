"""The view of one row that a labeling function sees."""

import copy
import gc
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, ClassVar

from weakft.data.cells import Columns


class RowView(tuple[Any, ...]):
    """One row of a frame: `x.text`, `x["text"]` or `x.get("text")`; read only.

    `row_views` makes a subclass for the columns at hand, whose attributes read the tuple at C
    speed. Any column name works (`x.name`, `x.size`; a column called `get` as `x["get"]`).

    Example:
        >>> _, x = row_views({"text": ["Great!", "Meh."], "name": ["a", "b"]})
        >>> x.text, x["name"], x.get("price", 0)
        ('Meh.', 'b', 0)
    """

    __slots__ = ()
    _positions: Mapping[str, int] = {}

    def __getattr__(self, column: str) -> Any:  # noqa: ANN401  (only for what is no column)
        if column.startswith("__") or column == "_positions":
            raise AttributeError(column)
        if column in self._positions:  # no identifier, or one that Python needs
            return tuple.__getitem__(self, self._positions[column])
        raise AttributeError(f"no column {column!r}; this row has {', '.join(self._positions)}")

    def __getitem__(self, column: Any) -> Any:  # noqa: ANN401
        return tuple.__getitem__(self, self._positions[column])

    def get(self, column: str, default: Any = None) -> Any:  # noqa: ANN401
        """The cell, or `default` where there is no such column."""
        return self[column] if column in self._positions else default


class ReadsMore(BaseException):
    """An LF that was shown one column asked for another."""


class OneColumnView(RowView):
    """A row of which an LF is shown one column, to find out whether it reads others.

    What it asks for beyond that is noted in `_asked` too: a bare `except:` in the LF would
    swallow the exception.
    """

    __slots__ = ()
    _asked: ClassVar[list[Any]] = []

    def _refuse(self, *what: Any) -> Any:  # noqa: ANN401
        self._asked.append(what)
        raise ReadsMore(what)

    def __getattr__(self, column: str) -> Any:  # noqa: ANN401
        self._refuse(column)

    def __getitem__(self, column: Any) -> Any:  # noqa: ANN401
        if column not in self._positions:
            self._refuse(column)
        return tuple.__getitem__(self, self._positions[column])

    def get(self, column: str, default: Any = None) -> Any:  # noqa: ANN401
        """The cell of the one column."""
        return self[column]

    __iter__ = __len__ = __eq__ = __hash__ = __repr__ = __contains__ = _refuse
    count = index = _asdict = _replace = _fields = property(_refuse)


def one_column_views(column: str, cells: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """One view for each cell, and the list of what LFs asked for beyond it."""
    asked: list[Any] = []
    base = type("OneColumn", (OneColumnView,), {"__slots__": (), "_asked": asked})
    return row_views({column: cells}, base), asked


def row_views(columns: Columns, base: type[RowView] = RowView) -> list[Any]:
    """One view for each row of the columns."""
    fields = namedtuple("_Fields", list(columns), rename=True)  # type: ignore[misc]  # at C speed
    positions = {name: position for position, name in enumerate(columns)}
    view = type("Row", (base, fields), {"__slots__": (), "_positions": positions})
    make: Callable[[Any, Sequence[Any]], Any] = tuple.__new__
    with _collector_at_rest():
        return [make(view, cells) for cells in zip(*columns.values(), strict=True)]


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """No garbage collection meanwhile: it would look at all views for every 700 made."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def namespaces(columns: Columns) -> Iterator[SimpleNamespace]:
    """Writable copies of the rows, as Snorkel's preprocessors need them."""
    names = list(columns)
    for cells in zip(*columns.values(), strict=True):
        own = (
            cell if isinstance(cell, str | int | float) else copy.deepcopy(cell) for cell in cells
        )
        yield SimpleNamespace(**dict(zip(names, own, strict=True)))
