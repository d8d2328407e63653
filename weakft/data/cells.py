"""The cells of rows as labeling functions see them, in every command the same.

A missing cell is NaN in a column of numbers or texts, NaT in one of times, and None in any other;
`pandas.isna(cell)` is true of each. Integers stay integers where others of their column are
missing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Columns = Mapping[str, Sequence[Any]]

NUMBERS = frozenset({int, float})
INT64 = np.iinfo(np.int64)


def to_columns(frame: pd.DataFrame) -> dict[str, list[Any]]:
    """The frame as plain lists of Python values, one per column.

    Example:
        >>> stars = pd.array([5, None], dtype="Int64")
        >>> to_columns(pd.DataFrame({"stars": stars, "text": ["good", "bad"]}))
        {'stars': [5, nan], 'text': ['good', 'bad']}
    """
    return {str(name): _plain(frame[name]) for name in frame.columns}


def frame_of(batch: pa.RecordBatch) -> pd.DataFrame:
    """The columns of a batch as a frame with `to_columns`' cells; names are distinct."""
    columns = zip(batch.schema.names, batch.columns, strict=True)
    return pd.DataFrame({name: series_of(column) for name, column in columns})


def series_of(array: pa.Array) -> pd.Series:
    """The cells of an Arrow array, of a type that does not depend on where a column is cut."""
    kind = array.type
    if isinstance(kind, pa.ExtensionType):
        return series_of(array.storage)
    if pa.types.is_dictionary(kind):
        return _shared(array)
    if is_text(kind):
        return pd.Series(array.to_pandas(), dtype="str")
    if pa.types.is_null(kind):
        return pd.Series([None] * len(array), dtype=object)
    if pa.types.is_integer(kind) and array.null_count:
        cells = array.to_pylist()
        return pd.Series([np.nan if cell is None else cell for cell in cells], dtype=object)
    series: pd.Series = array.to_pandas()
    return series


def series_of_cells(cells: list[Any]) -> pd.Series:
    """Python values, None where one is missing, as a column that gives them back unchanged."""
    kinds = {type(cell) for cell in cells}
    missing = type(None) in kinds
    kinds.discard(type(None))
    if kinds == {str}:
        return pd.Series(cells, dtype="str")
    if kinds == {float}:
        return pd.Series(cells, dtype="float64")
    if kinds == {bool} and not missing:
        return pd.Series(cells, dtype="bool")
    if kinds == {int} and not missing and _fit_64_bits(cells):
        return pd.Series(cells, dtype="int64")
    return pd.Series(_filled(cells), dtype=object)


def decoded_bytes(batch: pa.RecordBatch) -> int:
    """The size of a batch whose repeated cells are written out."""
    return sum(_decoded_bytes(column) for column in batch.columns)


def is_text(kind: pa.DataType) -> bool:
    """Whether cells of this Arrow type are strings."""
    return any(
        is_so(kind)
        for is_so in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    )


def _plain(column: pd.Series) -> list[Any]:
    if getattr(column.dtype, "na_value", None) is pd.NA:  # Int64, boolean, string, Arrow types
        array = pa.array(column)
        chunks = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
        return [cell for chunk in chunks for cell in series_of(chunk).tolist()]
    cells: list[Any] = column.tolist()
    if column.dtype == object and not {type(None), type(pd.NA)}.isdisjoint(map(type, cells)):
        return _filled([None if _is_hole(cell) else cell for cell in cells])
    return cells


def _is_hole(cell: Any) -> bool:  # noqa: ANN401
    return cell is pd.NA or (isinstance(cell, float) and cell != cell)


def _filled(cells: list[Any]) -> list[Any]:
    """The cells with NaN instead of None where all others are numbers or all are texts."""
    kinds = set(map(type, cells)) - {type(None)}
    if kinds and (kinds <= NUMBERS or kinds == {str}):
        return [np.nan if cell is None else cell for cell in cells]
    return cells


def _shared(array: pa.DictionaryArray) -> pd.Series:
    """Cells of which those that are alike are one object."""
    values = [*series_of(array.dictionary).tolist(), _missing(array.type.value_type)]
    codes = array.indices.fill_null(len(values) - 1).to_pylist()
    return pd.Series([values[code] for code in codes], dtype=object)


def _missing(kind: pa.DataType) -> object:
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        return pd.NaT
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return float("nan") if is_number or is_text(kind) else None


def _fit_64_bits(cells: Sequence[int]) -> bool:
    return int(INT64.min) <= min(cells) and max(cells) <= int(INT64.max)


def _decoded_bytes(array: pa.Array) -> int:
    if not pa.types.is_dictionary(array.type):
        return int(array.nbytes)
    values = array.dictionary
    if not (is_text(values.type) or pa.types.is_binary(values.type)):
        return int(array.indices.nbytes + values.nbytes)
    lengths = pc.take(pc.binary_length(values.cast(pa.large_binary())), array.indices)
    return int(array.indices.nbytes) + int(pc.sum(lengths).as_py() or 0)
