"""Where chunks are computed: in this process, in several, or on a Dask cluster."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from weakft.apply.chunk import ChunkVotes, Terms, apply_chunk
from weakft.apply.cluster import apply_on_dask
from weakft.apply.processes import Chunk, apply_in_processes
from weakft.errors import ConfigError

EngineName = Literal["processes", "dask"]


@dataclass(frozen=True)
class Workers:
    """Who computes; the votes are the same whoever does.

    Attributes:
        count: processes; with one, the engine "processes" is this very process.
        engine: "processes" or "dask".
        scheduler: address of a Dask scheduler; None: a cluster on this machine.

    Raises:
        ConfigError: no worker, an unknown engine, or a scheduler without Dask.
    """

    count: int = 1
    engine: EngineName = "processes"
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ConfigError(f"workers: wanted 1 or more processes, got {self.count}.")
        if self.engine not in ("processes", "dask"):
            raise ConfigError(f"engine: wanted 'processes' or 'dask', got {self.engine!r}.")
        if self.scheduler is not None and self.engine != "dask":
            raise ConfigError(
                f"scheduler: {self.scheduler!r} is a Dask scheduler, but the engine is "
                f'{self.engine!r}. Set [apply] engine = "dask", or drop the scheduler.'
            )

    def compute(self, chunks: Iterable[Chunk], terms: Terms) -> Iterator[ChunkVotes]:
        """The votes on each chunk, in their order; few chunks are in memory at a time."""
        if self.engine == "dask":
            return apply_on_dask(chunks, terms, self.count, self.scheduler)
        if self.count > 1:
            return apply_in_processes(chunks, terms, self.count)
        return (apply_chunk(lfs, columns, ids, terms) for lfs, columns, ids in chunks)
