"""CSV files of rows: read row by row, and written so that they read back.

A row ends at a newline, with or without carriage returns before it. A carriage return elsewhere
belongs to its cell, quoted or not, as pandas writes it; only in a file without any newline does it
end a row.
"""

import csv
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import pandas as pd

from weakft.data.quoting import quoted_columns
from weakft.text_files import refuse_other_marks

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
NUMBER = "%.6f"
STAND_IN = "\udc0d"  # of a carriage return in a cell; no UTF-8 file holds it
LONGEST_CELL = 2**31 - 1
SCAN_BYTES = 1 << 20


def csv_frames(path: Path, rows: int, *, hidden: Collection[str] = ()) -> Iterator[pd.DataFrame]:
    """Read at most `rows` rows at a time: texts, missing where a cell is empty.

    Blank lines are skipped; cells that a row lacks at its end are missing. No message quotes cells
    of hidden columns.

    Raises:
        OSError: it cannot be read.
        ValueError: no UTF-8, a quote that is not closed, a row with more cells than the header.
    """
    refuse_other_marks(path)
    with path.open(encoding="utf-8-sig", newline=_row_end(path)) as file:
        reader = csv.reader(_lines(file), strict=True)
        records = _records(reader)
        header = next(iter(_some(records, 1)), None)
        if header is None:
            return
        names = _names(header[1], hidden)
        while some := _some(records, rows):
            yield _frame(names, some)


def write_csv(table: pd.DataFrame, target: Path | BinaryIO, *, header: bool = True) -> None:
    """Write a table for spreadsheets: see `harmless`; numbers have 6 digits.

    Args:
        table: n rows, or some of those of a file.
        target: a file by its path or opened in binary mode.
        header: whether the names of the columns come first.
    """
    table = table.map(harmless).rename(columns=harmless)
    write_faithful_csv(table, target, header=header)


def write_faithful_csv(
    table: pd.DataFrame, target: Path | BinaryIO, *, header: bool = True
) -> None:
    """Write a table whose cells are read back as they are, also those that look like formulas."""
    table.to_csv(target, index=False, header=header, float_format=NUMBER, quoting=_quoting(table))


def harmless(cell: Any) -> Any:  # noqa: ANN401
    """The cell itself, or, where a spreadsheet would compute it, behind an apostrophe.

    A text that looks so already gets a second apostrophe: `faithful` is the way back.

    Example:
        >>> harmless("=1+1"), harmless("fine"), harmless(-1.5), harmless("'=1+1")
        ("'=1+1", 'fine', -1.5, "''=1+1")
    """
    computed = isinstance(cell, str) and cell.lstrip("'").startswith(FORMULAS)
    return f"'{cell}" if computed else cell


def faithful(cell: Any) -> Any:  # noqa: ANN401
    """The cell that `harmless` was given.

    Example:
        >>> [faithful(harmless(cell)) for cell in ("=1+1", "'=1+1", "it's", -1.5)]
        ['=1+1', "'=1+1", "it's", -1.5]
    """
    escaped = isinstance(cell, str) and cell[:1] == "'" and harmless(cell) != cell
    return cell[1:] if escaped else cell


def _row_end(path: Path) -> str:
    with path.open("rb") as file:
        while block := file.read(SCAN_BYTES):
            if b"\n" in block:
                return "\n"
    return "\r"


def _lines(file: TextIO) -> Iterator[str]:
    """Lines in which no carriage return but those at the end is left."""
    for line in file:
        content = line.rstrip("\r\n")
        yield content.replace("\r", STAND_IN) + line[len(content) :]


def _records(reader: Any) -> Iterator[tuple[int, list[str]]]:  # noqa: ANN401  (csv has no types)
    """The rows that hold something, each with the number of its last line."""
    for row in reader:
        if len(row) > 1 or any(cell.strip() for cell in row):
            yield reader.line_num, [cell.replace(STAND_IN, "\r") for cell in row]


def _some(records: Iterator[tuple[int, list[str]]], rows: int) -> list[tuple[int, list[str]]]:
    """The next rows; cells may be longer than the module `csv` allows by itself."""
    allowed = csv.field_size_limit(LONGEST_CELL)
    try:
        return list(islice(records, rows))
    except csv.Error as error:
        raise ValueError(str(error)) from error
    finally:
        csv.field_size_limit(allowed)


def _names(header: list[str], hidden: Collection[str]) -> list[str]:
    """Names of the columns; one without a name is called as pandas calls it."""
    names = [name or f"Unnamed: {position}" for position, name in enumerate(header)]
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        known = set(hidden) <= set(names)
        which = (
            f"the column {repeated[0]!r}" if known else f"one of {quoted_columns(names, hidden)}"
        )
        raise ValueError(f"{which} is there twice; rename one of the two")
    return names


def _frame(names: list[str], records: Iterable[tuple[int, list[str]]]) -> pd.DataFrame:
    width = len(names)
    rows = []
    for line, row in records:
        if len(row) > width:
            raise ValueError(f"line {line} has {len(row)} cells, the header has {width}")
        rows.append(row + [""] * (width - len(row)))
    columns = zip(names, zip(*rows, strict=True), strict=True)
    return pd.DataFrame(
        {name: pd.Series([cell or None for cell in cells], dtype="str") for name, cells in columns}
    )


def _quoting(table: pd.DataFrame) -> Any:  # noqa: ANN401  (a constant of csv)
    """All texts in quotes where one holds a carriage return, which pandas would leave bare."""
    texts = (
        table[name] for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])
    )
    bare = any(isinstance(cell, str) and "\r" in cell for column in texts for cell in column)
    named = any("\r" in str(name) for name in table.columns)
    return csv.QUOTE_NONNUMERIC if bare or named else csv.QUOTE_MINIMAL
