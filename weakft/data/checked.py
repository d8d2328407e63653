"""Columns, ids and texts of rows, checked alike in training and prediction."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from weakft.data.quoting import Quoting, quoted_columns
from weakft.errors import DataError

ID_KINDS = (str, int, float, Decimal, date)


def checked_ids(
    cells: Sequence[Any],
    name: str,
    path: object,
    first: int = 0,
    *,
    hidden: Collection[str] = (),
) -> list[str]:
    """Row ids as text.

    Args:
        cells: of the column of ids.
        name: of the column.
        path: of the file, for messages.
        first: position of the first row in the file.
        hidden: columns whose cells no message quotes.

    Raises:
        DataError: one is missing or empty, or neither a text nor a number.
    """
    empty = [position for position, cell in enumerate(cells) if is_empty(cell)]
    if empty:
        raise DataError(
            f"{path}: row {first + empty[0]} (counted from 0) has no {name!r}{_more(empty)}. Give "
            "each row an id that stays when rows are added."
        )
    for position, cell in enumerate(cells):
        if not isinstance(cell, ID_KINDS):
            raise DataError(
                f"{path}: {name!r} holds texts or numbers, but row {first + position} (counted "
                f"from 0) holds {Quoting(hidden).cell(name, cell)} ({type(cell).__name__})."
            )
    return [str(cell) for cell in cells]


def checked_texts(
    cells: Sequence[Any],
    name: str,
    ids: Sequence[str],
    path: object,
    first: int = 0,
    *,
    quoting: Quoting = Quoting(),  # noqa: B008  (frozen)
) -> list[str]:
    """Texts, or paths of images.

    Args:
        cells: of the column of texts.
        name: of the column.
        ids: of the rows.
        path: of the file, for messages.
        first: position of the first row in the file.
        quoting: what messages may quote.

    Raises:
        DataError: one is missing or empty, or no text.
    """
    empty = [position for position, cell in enumerate(cells) if is_empty(cell)]
    if empty:
        raise DataError(
            f"{path}: row {quoting.row(ids[empty[0]], first + empty[0])} has no {name!r}"
            f"{_more(empty)}. Drop such rows, or fill them with a text."
        )
    for position, (row_id, cell) in enumerate(zip(ids, cells, strict=True), start=first):
        if not isinstance(cell, str):
            raise DataError(
                f"{path}: {name!r} holds texts, but row {quoting.row(row_id, position)} holds "
                f"{quoting.cell(name, cell)} ({type(cell).__name__})."
            )
    return list(cells)


def refuse_missing_columns(
    columns: Iterable[str], needed: Iterable[str], path: Path, *, hidden: Collection[str] = ()
) -> None:
    """Refuse rows that lack a column.

    Raises:
        DataError: one is missing.
    """
    names = list(columns)
    if missing := [name for name in needed if name not in names]:
        raise DataError(
            f"{path}: wanted column {missing[0]!r}, got {quoted_columns(names, hidden)}. Rename "
            "it, or say its name in [data] id, text, image, label."
        )


def _more(empty: Sequence[int]) -> str:
    return f", nor have {len(empty) - 1} rows behind it" if len(empty) > 1 else ""


def is_empty(cell: Any) -> bool:  # noqa: ANN401
    """Whether a cell is missing or nothing but white space."""
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or cell is pd.NaT or (isinstance(cell, float) and cell != cell)
