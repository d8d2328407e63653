"""Tables of predictions, chunk after chunk, into one Parquet, CSV or JSONL file."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from weakft.data.csv_files import write_csv
from weakft.files import sync

Tables = Iterable[pa.Table]

JSON_DIGITS = 15


def write_tables(tables: Tables, schema: pa.Schema, path: Path, suffix: str) -> None:
    """Write one table behind the other in the format of this suffix; on disk on return."""
    with path.open("wb") as file:
        WRITERS[suffix](tables, schema, file)
    sync(path)


def _parquet(tables: Tables, schema: pa.Schema, file: BinaryIO) -> None:
    with pq.ParquetWriter(file, schema) as writer:
        for table in tables:
            writer.write_table(table)


def _csv(tables: Tables, schema: pa.Schema, file: BinaryIO) -> None:
    write_csv(schema.empty_table().to_pandas(), file)
    for table in tables:
        write_csv(table.to_pandas(), file, header=False)


def _jsonl(tables: Tables, schema: pa.Schema, file: BinaryIO) -> None:
    for table in tables:
        table.to_pandas().to_json(
            file, orient="records", lines=True, force_ascii=False, double_precision=JSON_DIGITS
        )


WRITERS: dict[str, Callable[[Tables, pa.Schema, BinaryIO], None]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".jsonl": _jsonl,
}
