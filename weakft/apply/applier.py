"""Apply labeling functions to rows: order kept, votes checked, faults counted."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.apply.chunk import ChunkVotes, Terms, apply_chunk, merged
from weakft.apply.processes import apply_in_processes
from weakft.apply.rows import to_columns
from weakft.errors import ConfigError
from weakft.labels import LabelMatrix
from weakft.lf import check_lfs
from weakft.narration import SILENCE, Narrator

CHUNK_ROWS = 65_536
CHUNKS_PER_WORKER = 4  # so that no worker waits long for the last one


def apply_lfs(
    lfs: Sequence[SnorkelLF],
    frame: pd.DataFrame,
    *,
    workers: int = 1,
    cardinality: int | None = None,
    id_column: str = "id",
    text_column: str = "text",
    time_limit: float | None = 10.0,
    narrator: Narrator = SILENCE,
) -> LabelMatrix:
    """Let every labeling function vote on every row.

    LFs made by `keyword_lf`, `regex_lf` and the like share one scan of their column; a text
    that occurs more than once is looked at once.

    Args:
        lfs: m labeling functions of weakft or Snorkel, names distinct.
        frame: n rows; LFs see its columns as `x.<column>`. Its index is ignored, its
            order kept.
        workers: processes; the matrix is the same for any number. More than one pays for slow
            Python LFs on many rows.
        cardinality: k; votes of k and more are refused. Unchecked up to 126 if None.
        id_column: names the rows in messages and in the result; where the frame has no
            such column, the index does.
        text_column: the column whose repeated cells are looked at once.
        time_limit: seconds that an LF may take on one row before that counts as a fault.
        narrator: told of the progress.

    Returns:
        The [n, m] label matrix. An LF that raises abstains on that row; how often, where
        first and with which traceback stands in `.faults`, and what each LF cost in `.seconds`.

    Raises:
        InvalidVote: an LF returned something other than a class index, ABSTAIN or None.
        LFError: an element is no LF, a name is taken twice, or an LF ended its process.

    Example:
        >>> from weakft import keyword_lf
        >>> reviews = pd.DataFrame({"id": ["a", "b"], "text": ["Great!", "Broke."]})
        >>> L = apply_lfs([keyword_lf("praises", ["great"], 1)], reviews)
        >>> L.values.tolist(), L.ids
        ([[1], [-1]], ('a', 'b'))
    """
    check_lfs(lfs)
    if workers < 1:
        raise ConfigError(f"workers: wanted 1 or more processes, got {workers}.")
    columns = to_columns(frame)
    ids = tuple(str(i) for i in (columns[id_column] if id_column in columns else frame.index))
    terms = Terms(cardinality, text_column, time_limit)
    chunks = (
        ({name: cells[rows] for name, cells in columns.items()}, ids[rows])
        for rows in _slices(len(ids), workers)
    )
    done: Iterable[ChunkVotes]
    if workers == 1:
        done = (apply_chunk(lfs, cells, names, terms) for cells, names in chunks)
    else:
        done = apply_in_processes(lfs, chunks, terms, workers)
    parts = []
    with narrator.task("Applying LFs", total=len(ids), unit="rows") as advance:
        for part in done:
            parts.append(part)
            advance(len(part.values))
    return LabelMatrix(
        np.concatenate([part.values for part in parts]),
        tuple(lf.name for lf in lfs),
        ids,
        merged(fault for part in parts for fault in part.faults),
        tuple(np.sum([part.seconds for part in parts], axis=0).tolist()),
    )


def _slices(rows: int, workers: int) -> list[slice]:
    size = CHUNK_ROWS
    if workers > 1:
        size = min(size, -(-rows // (workers * CHUNKS_PER_WORKER)) or 1)
    return [slice(start, start + size) for start in range(0, max(rows, 1), size)]
