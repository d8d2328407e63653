"""Apply labeling functions to rows: order kept, votes checked, faults counted."""

import traceback
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.apply.rows import as_namespaces, row_views, to_columns
from weakft.errors import InvalidVote
from weakft.labels import ABSTAIN, MAX_CARDINALITY, Fault, LabelMatrix, Votes
from weakft.lf import check_lfs
from weakft.narration import SILENCE, Narrator

CHUNK_ROWS = 4096

RawVotes = list[Any]


def apply_lfs(
    lfs: Sequence[SnorkelLF],
    frame: pd.DataFrame,
    *,
    cardinality: int | None = None,
    id_column: str = "id",
    narrator: Narrator = SILENCE,
) -> LabelMatrix:
    """Let every labeling function vote on every row.

    Args:
        lfs: m labeling functions of weakft or Snorkel, names distinct.
        frame: n rows; LFs see its columns as `x.<column>`. Its index is ignored, its
            order kept.
        cardinality: k; votes of k and more are refused. Unchecked up to 126 if None.
        id_column: names the rows in messages and in the result; where the frame has no
            such column, the index does.
        narrator: told of the progress.

    Returns:
        The [n, m] label matrix. An LF that raises abstains on that row; how often, where
        first and with which traceback stands in `.faults`.

    Raises:
        InvalidVote: an LF returned something other than a class index, ABSTAIN or None.
        LFError: an element is no LF or a name is taken twice.

    Example:
        >>> from weakft import keyword_lf
        >>> reviews = pd.DataFrame({"id": ["a", "b"], "text": ["Great!", "Broke."]})
        >>> L = apply_lfs([keyword_lf("praises", ["great"], 1)], reviews)
        >>> L.values.tolist(), L.ids
        ([[1], [-1]], ('a', 'b'))
    """
    check_lfs(lfs)
    columns = to_columns(frame)
    ids = tuple(str(i) for i in (columns[id_column] if id_column in columns else frame.index))
    values = np.full((len(ids), len(lfs)), ABSTAIN, dtype=np.int8)
    faults: dict[str, Fault] = {}
    with narrator.task("Applying LFs", total=len(ids), unit="rows") as advance:
        for start in range(0, len(ids), CHUNK_ROWS):
            stop = min(start + CHUNK_ROWS, len(ids))
            _apply_chunk(lfs, columns, ids, slice(start, stop), values, faults, cardinality)
            advance(stop - start)
    return LabelMatrix(values, tuple(lf.name for lf in lfs), ids, tuple(faults.values()))


def _apply_chunk(
    lfs: Sequence[SnorkelLF],
    columns: dict[str, list[Any]],
    ids: tuple[str, ...],
    rows: slice,
    values: Votes,
    faults: dict[str, Fault],
    cardinality: int | None,
) -> None:
    views = row_views(columns, rows.start, rows.stop)
    copies = as_namespaces(columns, rows.start, rows.stop) if any(lf._pre for lf in lfs) else []
    for j, lf in enumerate(lfs):
        votes = _votes_of(lf, copies if lf._pre else views, ids[rows], faults)
        values[rows, j] = _checked(votes, lf.name, ids[rows], cardinality)


def _votes_of(
    lf: SnorkelLF, rows: Sequence[Any], ids: Sequence[str], faults: dict[str, Fault]
) -> RawVotes:
    votes: RawVotes = []
    for row, row_id in zip(rows, ids, strict=True):
        try:
            votes.append(lf(row))
        except (Exception, SystemExit):
            votes.append(ABSTAIN)
            earlier = faults.get(lf.name)
            faults[lf.name] = (
                replace(earlier, count=earlier.count + 1)
                if earlier
                else Fault(lf.name, 1, row_id, traceback.format_exc())
            )
    return votes


def _checked(votes: RawVotes, lf_name: str, ids: Sequence[str], cardinality: int | None) -> Votes:
    limit = MAX_CARDINALITY if cardinality is None else cardinality
    refused = {kind for kind in set(map(type, votes)) if not _is_vote_type(kind)}
    if refused:
        position = next(i for i, vote in enumerate(votes) if type(vote) in refused)
        raise _invalid_vote(lf_name, votes[position], ids[position], limit)
    numbers = [ABSTAIN if vote is None else int(vote) for vote in votes]
    if numbers and not ABSTAIN <= min(numbers) <= max(numbers) < limit:
        position = next(i for i, vote in enumerate(numbers) if not ABSTAIN <= vote < limit)
        raise _invalid_vote(lf_name, votes[position], ids[position], limit)
    return np.array(numbers, dtype=np.int8)


def _is_vote_type(kind: type) -> bool:
    if kind is type(None):
        return True
    return issubclass(kind, int | np.integer) and kind is not bool


def _invalid_vote(lf_name: str, vote: Any, row_id: str, limit: int) -> InvalidVote:  # noqa: ANN401
    hint = " A comparison is no vote; write `return SPAM if ... else ABSTAIN`."
    return InvalidVote(
        f"LF {lf_name!r} returned {vote!r} ({type(vote).__name__}) on row {row_id!r}; a vote is "
        f"a class index 0..{limit - 1}, ABSTAIN (-1) or None."
        + (hint if isinstance(vote, bool | np.bool_) else "")
    )
