"""The chunks of a frame, each in one of several processes."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.apply.chunk import ChunkVotes, Terms, apply_chunk
from weakft.apply.rows import Columns
from weakft.errors import LFError
from weakft.lf import LFSource, source_of

Chunk = tuple[Sequence[SnorkelLF], Columns, Sequence[str]]
SentLF = Any  # (source, name), or the LF itself


def apply_in_processes(chunks: Iterable[Chunk], terms: Terms, workers: int) -> Iterator[ChunkVotes]:
    """Apply the LFs of each chunk to it in `workers` processes; results in the order of the chunks.

    LFs from files are loaded from there by each process; others travel by value.

    Raises:
        LFError: a process died: an LF ended it, or memory ran out.
    """
    parallel = Parallel(n_jobs=workers, backend="loky", return_as="generator")
    try:
        yield from parallel(
            delayed(_apply_sent)([_sendable(lf) for lf in lfs], columns, ids, terms)
            for lfs, columns, ids in chunks
        )
    except TerminatedWorkerError as error:
        raise LFError(
            f"One of {workers} processes that apply LFs died: an LF ended it, something killed "
            "it, or memory ran out. Nothing was written. With workers = 1 the LFs run in "
            "this process, where a debugger sees them."
        ) from error
    finally:  # the next call may find other LFs in the same files
        get_reusable_executor().shutdown(wait=True, kill_workers=True)


def _sendable(lf: SnorkelLF) -> SentLF:
    source = source_of(lf)
    return (source, lf.name) if source is not None else lf


def _apply_sent(
    sent: Sequence[SentLF], columns: Columns, ids: Sequence[str], terms: Terms
) -> ChunkVotes:
    lfs = [_loaded(part[0])[part[1]] if isinstance(part, tuple) else part for part in sent]
    return apply_chunk(lfs, columns, ids, terms)


@cache
def _loaded(source: LFSource) -> dict[str, SnorkelLF]:
    return {lf.name: lf for lf in source.load()}
