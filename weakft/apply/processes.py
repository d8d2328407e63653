"""The chunks of a frame, each in one of several processes."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, Protocol
from uuid import uuid4

from joblib import cpu_count
from joblib.externals.loky import ProcessPoolExecutor
from joblib.externals.loky.process_executor import TerminatedWorkerError
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.apply.chunk import ChunkVotes, Terms, apply_chunk
from weakft.data.cells import Columns
from weakft.errors import LFError
from weakft.lf import LFSource, source_of

IN_FLIGHT = 4  # chunks on their way for each worker: memory is bounded, and none waits
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Chunk = tuple[Sequence[SnorkelLF], Columns, Sequence[str]]
SentLF = Any  # (source, call, name), or the LF itself


class Pending(Protocol):
    """A chunk on its way."""

    def result(self) -> ChunkVotes:
        """Wait for its votes."""
        ...


def apply_in_processes(chunks: Iterable[Chunk], terms: Terms, workers: int) -> Iterator[ChunkVotes]:
    """Apply the LFs of each chunk to it in `workers` processes; results in the order of the chunks.

    LFs from files are loaded from there by each process; others travel by value. Chunks are
    drawn as results are taken, so memory is bounded whatever their number.

    Raises:
        LFError: a process died: an LF ended it, or memory ran out.
    """
    threads = str(max(cpu_count() // workers, 1))
    executor = ProcessPoolExecutor(workers, env=dict.fromkeys(THREADS, threads))
    submit, call = partial(executor.submit, apply_sent), new_call()
    try:
        yield from in_order(
            lambda lfs, columns, ids: submit(sendable(lfs, call), columns, ids, terms),
            chunks,
            IN_FLIGHT * workers,
        )
    except TerminatedWorkerError as error:
        raise LFError(
            f"One of {workers} processes that apply LFs died: an LF ended it, something killed "
            "it, or memory ran out. Nothing was written. With workers = 1 the LFs run in "
            "this process, where a debugger sees them."
        ) from error
    finally:
        executor.shutdown(wait=True, kill_workers=True)


def in_order(
    submit: Callable[..., Pending], chunks: Iterable[Chunk], limit: int
) -> Iterator[ChunkVotes]:
    """Submit chunks, at most `limit` at a time; results in the order of the chunks."""
    waiting: deque[Pending] = deque()
    for chunk in chunks:
        waiting.append(submit(*chunk))
        if len(waiting) >= limit:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def new_call() -> str:
    """A name for one call: a worker that outlives it loads LF files anew for the next."""
    return uuid4().hex


def sendable(lfs: Iterable[SnorkelLF], call: str) -> list[SentLF]:
    """LFs in the form in which they reach another process, see `apply_sent`."""
    sources = [(source_of(lf), lf) for lf in lfs]
    return [lf if source is None else (source, call, lf.name) for source, lf in sources]


def apply_sent(
    sent: Sequence[SentLF], columns: Columns, ids: Sequence[str], terms: Terms
) -> ChunkVotes:
    """`apply_chunk` in another process, with LFs as `sendable` gives them."""
    lfs = [_loaded(*part[:2])[part[2]] if isinstance(part, tuple) else part for part in sent]
    return apply_chunk(lfs, columns, ids, terms)


@lru_cache(maxsize=8)
def _loaded(source: LFSource, call: str) -> dict[str, SnorkelLF]:
    return {lf.name: lf for lf in source.load()}
