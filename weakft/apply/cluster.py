"""The chunks of a frame on a Dask cluster: on this machine, or behind a scheduler's address."""

import pickle
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from weakft.apply.chunk import ChunkVotes, Terms
from weakft.apply.processes import IN_FLIGHT, Chunk, apply_sent, in_order, new_call, sendable
from weakft.errors import ConfigError, LFError

SETTINGS = {
    "distributed.scheduler.allowed-failures": 0,  # a worker that dies is an error, at once
    "distributed.admin.large-graph-warning-threshold": "1GB",  # chunks are the data
}


def apply_on_dask(
    chunks: Iterable[Chunk], terms: Terms, workers: int, scheduler: str | None = None
) -> Iterator[ChunkVotes]:
    """Apply the LFs of each chunk to it on a Dask cluster; results in the order of the chunks.

    LFs from files are loaded by each worker from the same paths, which all machines must see;
    a module that LF files import is loaded once in a worker's life. Other LFs travel by value.
    Dask runs tasks in threads, where nothing can interrupt an LF: `terms.time_limit` does not
    hold.

    Args:
        chunks: drawn as results are taken; a few for each worker are under way.
        terms: what is allowed.
        workers: processes of a cluster on this machine; unused with a scheduler.
        scheduler: address of a running Dask scheduler, such as `tcp://host:8786`.

    Raises:
        ConfigError: the extra `dask` is not installed, or no scheduler answers.
        LFError: a worker died: an LF ended it, or memory ran out.
    """
    call = new_call()
    with _client(workers, scheduler) as client:
        from distributed.scheduler import KilledWorker

        size = max(workers, sum(client.nthreads().values()))
        try:
            yield from in_order(
                lambda lfs, columns, ids: client.submit(
                    _apply_packed, _packed(sendable(lfs, call), columns, ids, terms), pure=False
                ),
                chunks,
                IN_FLIGHT * size,
            )
        except KilledWorker as error:
            raise LFError(
                f"A Dask worker that applies LFs died: an LF ended it, something killed it, or "
                f'memory ran out ({error}). Nothing was written. With engine = "processes" and '
                "workers = 1 the LFs run in this process, where a debugger sees them."
            ) from error


@contextmanager
def _client(workers: int, scheduler: str | None) -> Iterator[Any]:
    """A client of the cluster; one on this machine ends with the block, and keeps no files."""
    try:
        import dask
        import distributed
    except ImportError as error:
        raise ConfigError(
            '[apply] engine = "dask" wants the package distributed, which is not installed: '
            "pip install 'weakft[dask]'."
        ) from error
    make_client: Any = distributed.Client
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(SETTINGS))
        address: Any = scheduler
        if scheduler is None:
            address = stack.enter_context(_local_cluster(workers))
        try:
            client = make_client(address, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"[apply] scheduler: wanted the address of a running Dask scheduler, such as "
                f"'tcp://host:8786', got {scheduler!r}: {error}."
            ) from error
        yield stack.enter_context(client)


def _local_cluster(workers: int) -> Any:  # noqa: ANN401
    """Processes of one thread each; without a limit of memory none spills cells to disk."""
    import distributed

    make: Any = distributed.LocalCluster
    return make(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        memory_limit=0,
        dashboard_address="127.0.0.1:0",
    )


def _packed(*arguments: Any) -> bytes:  # noqa: ANN401
    import cloudpickle

    return bytes(cloudpickle.dumps(arguments))


def _apply_packed(packed: bytes) -> ChunkVotes:
    """One opaque argument: Dask would look through lists of cells for tasks and keys."""
    return apply_sent(*pickle.loads(packed))
