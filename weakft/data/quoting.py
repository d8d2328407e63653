"""How messages name rows and cells: without those of columns that `[privacy]` hides."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from weakft.visible import HIDDEN


@dataclass(frozen=True)
class Quoting:
    """What messages about a file may quote.

    Attributes:
        hidden: columns whose cells no message quotes.
        id_column: of the row ids.

    Example:
        >>> open_, closed = Quoting(), Quoting({"id", "email"})
        >>> open_.row("r7", 6), closed.row("r7", 6)
        ("'r7'", '6 (counted from 0)')
        >>> open_.cell("email", 5), closed.cell("email", 5)
        ('5', '(hidden)')
    """

    hidden: Collection[str] = ()
    id_column: str = "id"

    def row(self, row_id: str, position: int) -> str:
        """A row by its id, or, where ids are hidden, by its position in the file."""
        if self.id_column in self.hidden:
            return f"{position} (counted from 0)"
        return repr(row_id)

    def cell(self, column: str, value: object) -> str:
        """A cell, at most 80 characters of it."""
        return HIDDEN if column in self.hidden else f"{value!r:.80}"


def quoted_columns(names: Iterable[str], hidden: Collection[str]) -> str:
    """The names of the columns found; not where they may be cells.

    In a file without a header the first row is taken for one. Where a hidden column is not among
    the names, that may be so.

    Example:
        >>> quoted_columns(["id", "email"], ["email"])
        "['id', 'email']"
        >>> quoted_columns(["7", "a@b.org"], ["email"])
        '2 columns (names withheld: without the hidden email they may be cells)'
    """
    found = list(names)
    if absent := [name for name in hidden if name not in found]:
        why = f"without the hidden {absent[0]} they may be cells"
        return f"{len(found)} columns (names withheld: {why})"
    return str(found)
