"""Parts of the rows on which the end model is judged: by votes, by LF, by columns of the data."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from weakft.config import Config, Splits
from weakft.dataset import Dataset
from weakft.images import DIGEST
from weakft.labels import ABSTAIN, Votes
from weakft.tables.columns import STATES
from weakft.tables.estimates import named_share

MOST_VALUES = 20
MOST_CHARACTERS = 100  # of a value; what is longer is a text, not a category
KINDS = ("string", "integer", "boolean", "floating", "mixed-integer-float")

Json = dict[str, Any]
Mask = npt.NDArray[np.bool_]
Values = list[str | None]
Sliced = Mapping[str, Values]


def sliced_columns(data: Dataset, config: Config) -> dict[Splits, Sliced]:
    """Of each split with gold beside train, the columns that its rows can be parted by.

    Those of short texts, numbers or truth values of which all splits together hold 20 at most;
    never id, text, image or label, and none that `[privacy]` hides.

    Returns:
        By split and column [n] values as texts, None where there is none.
    """
    judged = {name: s for name, s in data.splits.items() if name != "train" and s.gold is not None}
    named = dict.fromkeys(column for split in judged.values() for column in split.frame.columns)
    no_slices = {config.data.id, config.data.text, config.data.image, config.data.label, DIGEST}
    kept = [
        column
        for column in named
        if column not in no_slices | set(config.privacy.hidden)
        and _has_few_values(
            split.frame[column]
            for split in (*judged.values(), data["train"])
            if column in split.frame.columns
        )
    ]
    return {
        name: {c: as_texts(split.frame[c]) for c in kept if c in split.frame.columns}
        for name, split in judged.items()
    }


def as_texts(column: pd.Series) -> Values:
    """Its values as they are shown; 3.0 is 3, since a missing value makes numbers floats.

    Example:
        >>> as_texts(pd.Series([3, 4.5, None]))
        ['3', '4.5', None]
    """
    return [None if pd.isna(value) else _as_text(value) for value in column]


def slices_by_votes(
    votes: npt.NDArray[np.integer],
    state: npt.NDArray[np.integer],
    L: Votes,
    right: Mask,
    lf_names: Sequence[str],
) -> list[Json]:
    """Accuracy by how many LFs vote, how, and which; slices without rows are left out.

    Args:
        votes: [n] LFs that vote.
        state: [n] positions in STATES.
        L: [n, m] votes.
        right: [n] whether the model is.
        lf_names: m names.

    Returns:
        Objects slice, accuracy with its interval and support.
    """
    masks: dict[str, Mask] = {
        "all rows": np.ones(len(right), dtype=bool),
        "no LF votes": votes == 0,
        "one LF votes": votes == 1,
        "several LFs vote, for one class": (votes > 1) & (state != STATES.index("conflicted")),
        "LFs conflict": state == STATES.index("conflicted"),
    }
    masks |= {f"{name} votes": L[:, j] != ABSTAIN for j, name in enumerate(lf_names)}
    return [
        {"slice": name, **named_share("accuracy", int(right[mask].sum()), int(mask.sum()))}
        for name, mask in masks.items()
        if mask.any()
    ]


def slices_by_columns(sliced: Sliced, judged: Mask, right: Mask) -> list[Json]:
    """Accuracy for each value of each column, the surely worst first; of one value, nothing.

    Args:
        sliced: [n] values by column.
        judged: [n] rows with gold.
        right: [judged] whether the model is.

    Returns:
        Objects column, value (None: the row has none), accuracy with its interval and support,
        ordered by the upper end of the interval: few rows alone put no slice on top.

    Example:
        >>> values = {"shop": ["a", "a", "b", None]}
        >>> told = slices_by_columns(values, np.ones(4, bool), np.array([0, 0, 1, 1], bool))
        >>> [(each["value"], each["accuracy"]) for each in told]
        [('a', 0.0), ('b', 1.0), (None, 1.0)]
    """
    told = []
    for column, values in sliced.items():
        of_row = np.array(values, dtype=object)[judged]
        distinct = list(dict.fromkeys(of_row.tolist()))
        for value in distinct if len(distinct) > 1 else []:
            hits = right[of_row == value]
            share = named_share("accuracy", int(hits.sum()), len(hits))
            told.append({"column": column, "value": value, **share})
    return sorted(told, key=lambda each: (each["accuracy_high"], each["accuracy"]))


def _has_few_values(columns: Iterable[pd.Series]) -> bool:
    """Over all splits; stops at the first of too many, so that few of long columns are read."""
    found: set[str] = set()
    for column in columns:
        if isinstance(column.dtype, pd.CategoricalDtype):
            column = column.astype(column.cat.categories.dtype)
        if pd.api.types.infer_dtype(column, skipna=True) not in (*KINDS, "empty"):
            return False
        distinct = column.dropna().unique()
        if len(distinct) > MOST_VALUES:
            return False
        found |= {_as_text(value) for value in distinct}
    if any(len(value) > MOST_CHARACTERS for value in found):
        return False
    return 0 < len(found) <= MOST_VALUES


def _as_text(value: Any) -> str:  # noqa: ANN401  (a cell is whatever the file holds)
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if is_whole else str(value)
