"""Apply labeling functions to rows: order kept, votes checked, faults counted."""

from collections.abc import Collection, Sequence

import pandas as pd
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.apply.budget import FaultBudget
from weakft.apply.cache import VoteCache
from weakft.apply.chunk import Terms
from weakft.apply.cuts import even_slices, lasting_slices
from weakft.apply.kept import fill_from_cache
from weakft.apply.scan import warn_if_unsound
from weakft.apply.table import Table, Task
from weakft.apply.workers import EngineName, Workers
from weakft.data.cells import to_columns
from weakft.labels import LabelMatrix
from weakft.lf import check_lfs
from weakft.narration import SILENCE, Narrator

CHUNK_ROWS = 16_384
CHUNKS_PER_WORKER = 4  # so that no worker waits long for the last one


def apply_lfs(
    lfs: Sequence[SnorkelLF],
    frame: pd.DataFrame,
    *,
    workers: int = 1,
    engine: EngineName = "processes",
    scheduler: str | None = None,
    cache: VoteCache | None = None,
    cardinality: int | None = None,
    id_column: str = "id",
    text_column: str = "text",
    time_limit: float | None = 10.0,
    unquoted: Collection[str] = (),
    max_fault_rate: float = 1.0,
    what: str = "",
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
        engine: "dask" sends the rows to a Dask cluster of `workers` processes on this machine,
            also for one worker; the time limit does not hold there.
        scheduler: address of a Dask scheduler to use instead, such as `tcp://host:8786`.
        cache: keeps votes; an LF and rows that are as they were cost next to nothing.
        cardinality: k; votes of k and more are refused. 127 if None.
        id_column: names the rows in messages and in the result; where the frame has no
            such column, the index does.
        text_column: the column whose repeated cells are looked at once.
        time_limit: seconds that an LF may take on one row before that counts as a fault.
        unquoted: columns that LFs see, and whose cells no fault and no refusal may quote; with
            one or more, what LFs raise is recorded without its message.
        max_fault_rate: share of the rows on which an LF may raise. Where time limits alone show
            that it raises too often, the other rows are left out.
        what: names the rows in messages: a split.
        narrator: told of the progress.

    Returns:
        The [n, m] label matrix. An LF that raises abstains on that row; how often, where
        first and with which traceback stands in `.faults`, and what each LF cost in `.seconds`.

    Raises:
        ConfigError: the list of LFs is empty, or the engine is not to be had.
        FaultBudgetExceeded: an LF raised on more rows than allowed.
        InvalidVote: an LF returned something other than a class index, ABSTAIN or None.
        LFError: an element is no LF, a name is taken twice, or an LF ended its process or ran
            out of memory.

    Example:
        >>> from weakft import keyword_lf
        >>> reviews = pd.DataFrame({"id": ["a", "b"], "text": ["Great!", "Broke."]})
        >>> L = apply_lfs([keyword_lf("praises", ["great"], 1)], reviews)
        >>> L.values.tolist(), L.ids
        ([[1], [-1]], ('a', 'b'))
    """
    check_lfs(lfs)
    warn_if_unsound(lfs)
    crew = Workers(workers, engine, scheduler)
    columns = to_columns(frame)
    ids = tuple(str(i) for i in (columns[id_column] if id_column in columns else frame.index))
    budget = FaultBudget(len(ids), max_fault_rate, what)
    terms = Terms(
        cardinality, text_column, time_limit, bool(unquoted), id_column in unquoted, budget
    )
    table = Table(lfs, columns, ids, terms)
    chunks = _evenly(ids, workers) if cache is None else _lastingly(ids, cache)
    missing = None if cache is None else fill_from_cache(table, chunks, cache, narrator)
    everything = [Task(rows, tuple(range(len(lfs)))) for rows in chunks]
    tasks = everything if missing is None else missing.tasks
    with narrator.task("Applying LFs", total=len(ids), unit="rows") as advance:
        advance(len(ids) - sum(_rows_of(task, ids) for task in tasks))
        for task, part in zip(tasks, table.compute(tasks, crew), strict=True):
            table.fill(task, part)
            if missing is not None:
                missing.keep(table, task, part)
            advance(_rows_of(task, ids))
    L = table.matrix()
    budget.refuse(L.faults)
    return L


def _rows_of(task: Task, ids: Sequence[str]) -> int:
    return len(ids[task.rows])


def _evenly(ids: Sequence[str], workers: int) -> list[slice]:
    size = CHUNK_ROWS
    if workers > 1:
        size = min(size, -(-len(ids) // (workers * CHUNKS_PER_WORKER)) or 1)
    return even_slices(len(ids), size)


def _lastingly(ids: Sequence[str], cache: VoteCache) -> list[slice]:
    chunks = lasting_slices(ids, CHUNK_ROWS, cache.ends())
    if ids:
        cache.add_end(ids[-1])
    return chunks
