"""LFs x the rows of a Parquet file, chunk by chunk: memory is bounded whatever their number."""

import time
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.apply.applier import CHUNK_ROWS
from weakft.apply.arrow import cells_of, votes_batch, votes_schema
from weakft.apply.budget import FaultBudget
from weakft.apply.chunk import ChunkVotes, Terms, merged, recorded
from weakft.apply.parquet import written_whole
from weakft.apply.processes import Chunk
from weakft.apply.scan import warn_if_unsound
from weakft.apply.workers import EngineName, Workers
from weakft.data.parquet import batches_of, columns_of, opened
from weakft.labels import ABSTAIN, Fault
from weakft.lf import check_lfs
from weakft.narration import SILENCE, Advance, Narrator

CHUNKS_PER_ROW_GROUP = 8


@dataclass(frozen=True)
class Streamed:
    """What `apply_parquet` did.

    Attributes:
        rows: n.
        covered: rows on which at least one LF voted.
        votes: how often each LF voted, in the order of the LFs.
        faults: one entry for each LF that raised.
        seconds: by the clock.
    """

    rows: int
    covered: int
    votes: dict[str, int]
    faults: tuple[Fault, ...]
    seconds: float


def apply_parquet(
    lfs: Sequence[SnorkelLF],
    source: Path,
    target: Path,
    *,
    workers: int = 1,
    engine: EngineName = "processes",
    scheduler: str | None = None,
    cardinality: int | None = None,
    id_column: str = "id",
    text_column: str = "text",
    hidden: Sequence[str] = (),
    unquoted: Collection[str] = (),
    time_limit: float | None = 10.0,
    max_fault_rate: float = 1.0,
    narrator: Narrator = SILENCE,
) -> Streamed:
    """Let every LF vote on every row of a Parquet file; the votes make another.

    LFs see what they see of the same file as a split of a project, see `weakft.data.cells`. Ids
    that occur in several chunks are not noticed, and no votes are kept for the next call.

    Args:
        lfs: m labeling functions, names distinct.
        source: a Parquet file of one or more rows.
        target: becomes a Parquet file with a string `id` and a column for each LF, int8 where k
            is up to 127, else int16; rows in their order; written whole or not at all.
        workers: processes, see `apply_lfs`.
        engine: "processes" or "dask", see `apply_lfs`.
        scheduler: address of a Dask scheduler, see `apply_lfs`.
        cardinality: k; votes of k and more are refused. 127 if None.
        id_column: the column of row ids.
        text_column: the column whose repeated cells are looked at once.
        hidden: columns that LFs must not see.
        unquoted: columns that no fault and no refusal may quote, see `apply_lfs`.
        time_limit: seconds that an LF may take on one row before that counts as a fault.
        max_fault_rate: share of the rows on which an LF may raise, see `apply_lfs`.
        narrator: told of the progress.

    Raises:
        DataError: the source is missing, no Parquet file, without rows or without one of the
            two columns; an id is null; the target is the source, or cannot be written.
        FaultBudgetExceeded: an LF raised on more rows than allowed; nothing is written.
        ConfigError: the list of LFs is empty, or the engine is not to be had.
        InvalidVote: an LF returned something other than a class index, ABSTAIN or None.
        LFError: an element is no LF, a name is taken twice, or an LF ended its process or ran
            out of memory.
    """
    check_lfs(lfs)
    names, start = [lf.name for lf in lfs], time.perf_counter()
    warn_if_unsound(lfs)
    crew = Workers(workers, engine, scheduler)
    schema = votes_schema(names, Terms(cardinality))
    with (
        opened(source, [id_column, text_column], hidden=unquoted) as file,
        written_whole(target, source, schema) as write,
        narrator.task("Applying LFs", total=file.metadata.num_rows, unit="rows") as advance,
    ):
        budget = FaultBudget(file.metadata.num_rows, max_fault_rate, source.name)
        terms = Terms(
            cardinality, text_column, time_limit, bool(unquoted), id_column in unquoted, budget
        )
        tally = _Tally(names, terms)
        shown = [name for name in columns_of(file) if name not in hidden]
        batches = batches_of(file, source, shown, CHUNK_ROWS, unquoted)
        chunks = ((lfs, *cells_of(batch, id_column, hidden=unquoted)) for batch in batches)
        with closing(_with_ids(chunks, lambda noted: crew.compute(noted, terms))) as parts:
            voted = (
                votes_batch(schema, ids, tally.counted(part, advance).values) for ids, part in parts
            )
            while group := list(islice(voted, CHUNKS_PER_ROW_GROUP)):
                write(pa.Table.from_batches(group))
        faults = recorded(tally.faults, terms)
        budget.refuse(faults)
    votes = dict(zip(names, tally.votes.tolist(), strict=True))
    return Streamed(tally.rows, tally.covered, votes, faults, time.perf_counter() - start)


class _Tally:
    """Sums over the chunks seen so far."""

    def __init__(self, names: Sequence[str], terms: Terms) -> None:
        self.rows = self.covered = 0
        self.votes = np.zeros(len(names), dtype=np.int64)
        self._seconds = np.zeros(len(names))
        self._names = names
        self._terms = terms
        self.faults: tuple[Fault, ...] = ()

    def counted(self, part: ChunkVotes, advance: Advance) -> ChunkVotes:
        """The part itself, after counting it.

        Raises:
            FaultBudgetExceeded: an LF passed its time limit and has used up its budget.
        """
        voted = part.values != ABSTAIN
        self.rows += len(voted)
        self.covered += int(voted.any(axis=1).sum())
        self.votes += voted.sum(axis=0)
        self.faults = merged([*self.faults, *part.faults])
        self._seconds += part.seconds
        if part.overdue and self._terms.budget is not None:
            seconds = dict(zip(self._names, self._seconds, strict=True))
            self._terms.budget.refuse_early(
                recorded((f for f in self.faults if f.lf_name in part.overdue), self._terms),
                seconds,
                self._terms.time_limit,
            )
        advance(len(voted))
        return part


def _with_ids(
    chunks: Iterator[Chunk], compute: Callable[[Iterator[Chunk]], Iterator[ChunkVotes]]
) -> Generator[tuple[Sequence[str], ChunkVotes]]:
    """What is computed from each chunk, beside the chunk's ids."""
    waiting: deque[Sequence[str]] = deque()

    def noted() -> Iterator[Chunk]:
        for chunk in chunks:
            waiting.append(chunk[2])
            yield chunk

    for part in compute(noted()):
        yield waiting.popleft(), part
