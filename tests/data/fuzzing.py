"""Files of rows as they come: odd cells, odd columns, broken bytes; from a seed each."""

import csv
import io
import json
from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from weakft.config.sections import DataConfig
from weakft.data.cells import to_columns
from weakft.data.reading import frames_of, read_frame
from weakft.dataset import read_gold, read_split
from weakft.errors import WeakftError
from weakft.prediction.reading import Source

CLASSES = ("spam", "ham")
COLUMNS = ("id", "text", "label", "date", "created_at", "x", "Id", "id.1", "", "text\x00", "ID ")
TEXTS = (
    *("", " ", "NA", "nan", "null", "None", "1", "1.0", "0", "-1", "007", "9007199254740993"),
    *("123456789012345678901234567890", "1e400", "true", "2020-01-01", "spam", "=1+1", "a\nb"),
    *('a"b', "a,b", "\x00", "\ufeff", "\u202e", "é", "😀", "\r", "a\rb", "a\r\nb", "\x85"),
    *("x" * 300, "\t", "\x1a", "\x1c", "\\", "'", "#c", "\xa0", "\u3000", "\u2028"),
)
JSON_CELLS = (
    *("null", "true", "1", "1.0", "-0", "1e999", "NaN", "-Infinity", "9007199254740993", "[]"),
    *("12345678901234567890123", "{}", "[1]", '{"a":1}', '"a"', '"1"', '"2020-01-01"', "0.1"),
    *('"\\ud800"', '"\\u0000"', '""', '" "', '"spam"', '"\\ud83d\\ude00"', "1577836800000"),
    *("0.30000000000000004", "123456.789012345678", "0.1234567890123456789"),
)
JSON_LINES = ("", "[]", "1", '"a"', "null", "{", "{}", "[" * 2000, '{"a":' * 1500)
PANDAS = (
    "garbage",
    '{"index_columns":["id"],"columns":[]}',
    '{"index_columns":[],"columns":[]}',
    '{"index_columns":[{"kind":"range","name":null,"start":0,"stop":3,"step":1}],"columns":[]}',
    '{"index_columns":[{"kind":"range","name":"id","start":4,"stop":0,"step":-1}],"columns":[]}',
)
ARROW: tuple[tuple[pa.DataType, Callable[[int, Random], Any]], ...] = (
    (pa.int64(), lambda i, rng: i),
    (pa.uint64(), lambda i, rng: 2**63 + i),
    (pa.float64(), lambda i, rng: rng.choice([float(i), float("nan"), float("inf")])),
    (pa.float16(), lambda i, rng: np.float16(i)),
    (pa.bool_(), lambda i, rng: i % 2 == 0),
    (pa.string(), lambda i, rng: rng.choice(TEXTS)),
    (pa.large_string(), lambda i, rng: f"L{i}"),
    (pa.binary(), lambda i, rng: b"x%d" % i),
    (pa.timestamp("ns"), lambda i, rng: pd.Timestamp(2020, 1, i + 1)),
    (pa.timestamp("us", "UTC"), lambda i, rng: pd.Timestamp(2020, 1, i + 1, tz="UTC")),
    (pa.date32(), lambda i, rng: date(2020, 1, i + 1)),
    (pa.time64("us"), lambda i, rng: time(i)),
    (pa.duration("s"), lambda i, rng: timedelta(seconds=i)),
    (pa.decimal128(10, 2), lambda i, rng: Decimal(i)),
    (pa.null(), lambda i, rng: None),
    (pa.dictionary(pa.int32(), pa.string()), lambda i, rng: f"d{i}"),
    (pa.dictionary(pa.int8(), pa.int64()), lambda i, rng: i),
    (pa.list_(pa.int64()), lambda i, rng: [i]),
    (pa.struct([("a", pa.int64())]), lambda i, rng: {"a": i}),
    (pa.map_(pa.string(), pa.int64()), lambda i, rng: [("a", i)]),
)


def csv_bytes(rng: Random) -> bytes:
    """A CSV file."""
    columns, oddity = _columns(rng), _oddity(rng)
    rows = [columns]
    for i in range(rng.randint(0, 6)):
        row = [rng.choice(TEXTS) if rng.random() < oddity else _usual(c, i, rng) for c in columns]
        rows.append(row[:-1] if rng.random() < 0.05 else row)
        rows[-1] += ["extra"] if rng.random() < 0.03 else []
    end = rng.choice(["\n", "\r\n", "\n", "\r\n", "\r", "\r\r\n"])
    file = io.StringIO(newline="")
    if rng.random() < 0.5:
        csv.writer(file, lineterminator=end).writerows(rows)
    else:
        lines = [",".join(_quoted(c) if rng.random() < 0.5 else c for c in row) for row in rows]
        file.write(end.join(lines))
    encoding = rng.choice(["utf-8"] * 8 + ["utf-8-sig", "utf-16", "cp1252"])
    return _broken(file.getvalue().encode(encoding, errors="replace"), rng)


def jsonl_bytes(rng: Random) -> bytes:
    """A JSONL file."""
    oddity, lines = _oddity(rng), []
    for i in range(rng.randint(0, 5)):
        cells = []
        for c in _columns(rng):
            odd = rng.random() < oddity
            cell = rng.choice(JSON_CELLS) if odd else json.dumps(_usual(c, i, rng))
            cells.append(f"{json.dumps(c)}: {cell}")
        lines.append("{" + ", ".join(cells) + "}")
        if rng.random() < 0.03:
            lines.append(rng.choice(JSON_LINES))
    content = rng.choice(["\n"] * 8 + ["\r\n", "\r"]).join(lines).encode()
    return _broken(b"\xef\xbb\xbf" + content if rng.random() < 0.05 else content, rng)


def parquet_bytes(rng: Random) -> bytes:
    """A Parquet file."""
    rows, oddity, columns = rng.randint(0, 7), _oddity(rng), _columns(rng)
    arrays = []
    for c in columns:
        kind, cell = rng.choice(ARROW) if rng.random() < oddity else (pa.string(), None)
        cells = [_usual(c, i, rng) if cell is None else cell(i, rng) for i in range(rows)]
        holes = oddity / 2 if cell is None else 0.2
        arrays.append(pa.array([None if rng.random() < holes else v for v in cells], kind))
    table = pa.table(arrays, names=columns)
    if rng.random() < 0.2:
        table = table.replace_schema_metadata({"pandas": rng.choice(PANDAS)})
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=rng.choice([2, 100]))
    content = file.getvalue()
    return _broken(content, rng) if rng.random() < 0.3 else content


FORMATS: dict[str, Callable[[Random], bytes]] = {
    ".csv": csv_bytes,
    ".jsonl": jsonl_bytes,
    ".parquet": parquet_bytes,
}


def difference(content: bytes, path: Path) -> str | None:
    """What training and prediction read differently in a file; None: nothing.

    Anything but a WeakftError passes through.
    """
    path.write_bytes(content)
    for reader in (lambda: read_split(path, "dev", DataConfig(train="x"), CLASSES), _gold(path)):
        _refused(reader)
    trained = _refused(lambda: read_split(path, "train", DataConfig(train="x"), CLASSES))
    predicted = _refused(lambda: _predicted(Source(path, "id", "text", 3)))
    if (trained is None) != (predicted is None):
        return f"refused by {'training' if trained is None else 'prediction'} only"
    if trained is not None and (list(trained.ids), list(trained.texts)) != predicted:
        return f"{trained.ids}, {trained.texts} in training, {predicted} in prediction"
    return _cut_otherwise(path) if path.suffix == ".parquet" and trained is not None else None


def _cut_otherwise(path: Path) -> str | None:
    """Whether the cells of a Parquet file, lists aside, depend on where it is cut."""
    whole = to_columns(read_frame(path))
    cut: dict[str, list[Any]] = {name: [] for name in whole}
    for frame in frames_of(path, 3):
        for name, cells in to_columns(frame).items():
            cut[name] += cells
    for name, cells in whole.items():
        if _described(cells) != _described(cut[name]):
            return f"column {name!r}: {cells} at once, {cut[name]} in pieces"
    return None


def _described(cells: list[Any]) -> list[tuple[str, str]]:
    return [(type(cell).__name__, str(cell)) for cell in cells]


def _gold(path: Path) -> Callable[[], Any]:
    return lambda: read_gold(path, DataConfig(train="x"), CLASSES)


def _predicted(source: Source) -> tuple[list[str], list[str]]:
    rows = source.count()
    chunks = list(source.chunks())
    ids = [row_id for chunk in chunks for row_id in chunk.ids]
    assert rows == len(ids)
    return ids, [content for chunk in chunks for content in chunk.contents]


def _refused(read: Callable[[], Any]) -> Any:  # noqa: ANN401
    try:
        return read()
    except WeakftError:
        return None


def _oddity(rng: Random) -> float:
    return rng.choice([0.01, 0.05, 0.15, 0.4])


def _columns(rng: Random) -> list[str]:
    usual = ["id", "text", "label"]
    columns = usual if rng.random() < 0.8 else rng.sample(COLUMNS, rng.randint(1, 6))
    return columns + ([rng.choice(columns)] if rng.random() < 0.05 else ["x"][: rng.randint(0, 1)])


def _usual(column: str, row: int, rng: Random) -> str:
    return {"id": f"r{row}", "text": f"text {row}", "label": rng.choice(CLASSES)}.get(column, "v")


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def _broken(content: bytes, rng: Random) -> bytes:
    """Now and then with another byte, or cut off."""
    changed = bytearray(content)
    if content and rng.random() < 0.15:
        for _ in range(rng.randint(1, 3)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed[: rng.randrange(len(changed) + 1)] if rng.random() < 0.04 else changed)
