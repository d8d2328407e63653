"""Fill a table from the cache, find what is missing, audit what was found."""

from collections.abc import Sequence

import numpy as np

from weakft.apply.cache import KeptVotes, VoteCache, fingerprints, keys_of
from weakft.apply.chunk import ChunkVotes, apply_chunk
from weakft.apply.table import Table, Task
from weakft.narration import Narrator

AUDITED_ROWS = 16  # of each LF with kept votes, in one run


def fill_from_cache(
    table: Table, chunks: Sequence[slice], cache: VoteCache, narrator: Narrator
) -> "Missing":
    """Put kept votes into the table; what remains to be computed is the result.

    Some rows of each LF with kept votes are asked again. An LF that now votes differently is
    not pure: its kept votes are dropped, it is computed anew, and the narrator says so.
    """
    prints = fingerprints(table.lfs)
    keys = [keys_of(table.lfs, prints, table.cells(rows)) for rows in chunks]
    found = cache.get(key for chunk in keys for key in chunk.values())
    for name in _unfaithful(table, chunks, keys, found):
        narrator.say(
            f"LF {name!r} voted differently on a row it had seen: it is not pure. Declare it "
            "with pure=False; its kept votes were dropped."
        )
        cache.drop(chunk.pop(name) for chunk in keys)
    for rows, chunk in zip(chunks, keys, strict=True):
        for j, lf in enumerate(table.lfs):
            if (key := chunk.get(lf.name)) in found and key is not None:
                table.fill(Task(rows, (j,)), _as_part(found[key]))
    tasks = [
        Task(rows, missing)
        for rows, chunk in zip(chunks, keys, strict=True)
        if (missing := _missing(table, chunk, found))
    ]
    by_start = {rows.start: chunk for rows, chunk in zip(chunks, keys, strict=True)}
    return Missing(tasks, by_start, cache)


class Missing:
    """What the cache did not have.

    Attributes:
        tasks: to be computed.
    """

    def __init__(
        self, tasks: list[Task], keys: dict[int, dict[str, bytes]], cache: VoteCache
    ) -> None:
        self.tasks = tasks
        self._keys = keys
        self._cache = cache

    def keep(self, table: Table, task: Task, part: ChunkVotes) -> None:
        """Keep what a task gave, where it can be cached."""
        keys = self._keys[task.rows.start]
        entries: dict[bytes, KeptVotes] = {}
        for position, j in enumerate(task.lfs):
            name = table.lfs[j].name
            if name in keys:
                faults = tuple(fault for fault in part.faults if fault.lf_name == name)
                votes = np.ascontiguousarray(part.values[:, position])
                entries[keys[name]] = KeptVotes(votes, faults, float(part.seconds[position]))
        self._cache.put(entries)


def _missing(
    table: Table, keys: dict[str, bytes], found: dict[bytes, KeptVotes]
) -> tuple[int, ...]:
    return tuple(j for j, lf in enumerate(table.lfs) if keys.get(lf.name) not in found)


def _as_part(kept: KeptVotes) -> ChunkVotes:
    return ChunkVotes(kept.votes[:, None], kept.faults, np.array([kept.seconds]))


def _unfaithful(
    table: Table,
    chunks: Sequence[slice],
    keys: Sequence[dict[str, bytes]],
    found: dict[bytes, KeptVotes],
) -> list[str]:
    """LFs whose kept votes differ from what they say now, on rows drawn at random."""
    rng = np.random.default_rng()
    hits = [
        [j for j, lf in enumerate(table.lfs) if keys[c].get(lf.name) in found]
        for c in range(len(chunks))
    ]
    drawable = [c for c in range(len(chunks)) if hits[c]]
    if not drawable:
        return []
    c = int(rng.choice(drawable))
    size = len(table.ids[chunks[c]])
    rows = np.sort(rng.choice(size, min(AUDITED_ROWS, size), replace=False))
    shown = {name: [cells[int(r)] for r in rows] for name, cells in table.cells(chunks[c]).items()}
    ids = [table.ids[chunks[c]][int(r)] for r in rows]
    now = apply_chunk([table.lfs[j] for j in hits[c]], shown, ids, table.terms).values
    return [
        table.lfs[j].name
        for position, j in enumerate(hits[c])
        if not np.array_equal(now[:, position], found[keys[c][table.lfs[j].name]].votes[rows])
    ]
