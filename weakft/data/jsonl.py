"""JSONL files of rows: one JSON object a line."""

import codecs
import json
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from weakft.data.cells import series_of_cells
from weakft.text_files import refuse_other_marks

Record = dict[str, Any]


def jsonl_frames(
    path: Path, rows: int | None, *, hidden: Collection[str] = ()
) -> Iterator[pd.DataFrame]:
    """Read at most `rows` rows at a time, all of them at once if None; cells as JSON has them.

    Where columns are hidden, no message quotes a line.

    Raises:
        OSError: it cannot be read.
        ValueError: no UTF-8, a line that is no JSON object, half a character.
    """
    records = records_of(path, hidden=hidden)
    while columns := _columns(islice(records, rows)):
        yield pd.DataFrame({name: series_of_cells(cells) for name, cells in columns.items()})


def records_of(path: Path, *, hidden: Collection[str] = ()) -> Iterator[Record]:
    """Read one row after the other; see `jsonl_frames` for what is refused."""
    refuse_other_marks(path)
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            content = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
            if content.strip():
                yield _record(content, number, withhold=bool(hidden))


def _columns(records: Iterator[Record]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for position, record in enumerate(records):
        for name in record:
            if name not in columns:
                columns[name] = [None] * position
        for name, cells in columns.items():
            cells.append(record.get(name))
    return columns


def _record(line: bytes, number: int, *, withhold: bool) -> Record:
    text = line.decode("utf-8")
    try:
        record = json.loads(text)
    except RecursionError as error:
        raise ValueError(f"line {number} is nested too deeply") from error
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from error
    if not isinstance(record, dict):
        found = type(record).__name__ if withhold else f"{record!r:.80}"
        raise ValueError(f"line {number}: wanted a JSON object, got {found}")
    if not record:
        raise ValueError(f"line {number}: wanted a JSON object with columns, got an empty one")
    if "\\u" in text:
        _refuse_half_characters(record, number)
    return record


def _refuse_half_characters(record: Record, number: int) -> None:
    try:
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"line {number} holds half a character ({error.object[error.start]!a}, a lone "
            "surrogate); write the whole one"
        ) from error
