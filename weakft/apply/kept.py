"""Fill a table from the cache, find what is missing, audit what was found."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.apply.cache import Kept, KeptVotes, Keys, VoteCache, fingerprints, keys_of
from weakft.apply.chunk import ChunkVotes, Terms, apply_chunk
from weakft.apply.table import Table, Task
from weakft.labels import ABSTAIN
from weakft.narration import Narrator

AUDITED_ROWS = 16  # of each LF with kept votes, in one run
COMMON = frozenset({"numpy", "snorkel", "weakft"})  # which load nothing as they are called

_read_outside: set[bytes] = set()
"""Fingerprints of LFs that this process saw reading what is no cell."""
_said: set[tuple[str, str]] = set()


def fill_from_cache(
    table: Table, chunks: Sequence[slice], cache: VoteCache, narrator: Narrator
) -> "Missing":
    """Put kept votes into the table; what remains to be computed is the result.

    Some rows of each LF with kept votes are asked again. An LF that now votes differently is
    not pure: its kept votes are dropped, it is computed anew, and the narrator says so.
    """
    known = fingerprints(table.lfs)
    prints = {n: found for n, found in known.prints.items() if found not in _read_outside}
    _warn_once(known.reasons, narrator)
    text_column = table.terms.text_column
    keys = [keys_of(table.lfs, prints, table.cells(rows), text_column) for rows in chunks]
    there = cache.get(key for chunk in keys for lf_keys in chunk.values() for key in lf_keys)
    found = {key: kept for key, kept in there.items() if _as_today(kept, table.terms)}
    kept = [
        {name: found[key] for name, lf_keys in chunk.items() for key in lf_keys if key in found}
        for chunk in keys
    ]
    for name in _unfaithful(table, chunks, kept):
        narrator.say(
            f"LF {name!r} voted differently on a row it had seen: it is not pure. Declare it "
            "with pure=False; its kept votes were dropped."
        )
        cache.drop(key for chunk in keys for key in chunk.pop(name, ()))
        for votes in kept:
            votes.pop(name, None)
    for rows, votes in zip(chunks, kept, strict=True):
        for j, lf in enumerate(table.lfs):
            if lf.name in votes:
                table.fill(Task(rows, (j,)), _as_part(votes[lf.name], table.ids[rows]))
    tasks = [
        Task(rows, missing)
        for rows, votes in zip(chunks, kept, strict=True)
        if (missing := tuple(j for j, lf in enumerate(table.lfs) if lf.name not in votes))
    ]
    by_start = {rows.start: chunk for rows, chunk in zip(chunks, keys, strict=True)}
    return Missing(tasks, by_start, cache, known, narrator)


class Missing:
    """What the cache did not have.

    Attributes:
        tasks: to be computed.
    """

    def __init__(
        self,
        tasks: list[Task],
        keys: dict[int, dict[str, Keys]],
        cache: VoteCache,
        known: Kept,
        narrator: Narrator,
    ) -> None:
        self.tasks = tasks
        self._keys = keys
        self._cache = cache
        self._known = known
        self._narrator = narrator

    def keep(self, table: Table, task: Task, part: ChunkVotes) -> None:
        """Keep what a task gave, where it can be cached."""
        keys = self._keys[task.rows.start]
        ids = table.ids[task.rows]
        entries: dict[bytes, KeptVotes] = {}
        self._distrust(table.lfs, part)
        for position, j in enumerate(task.lfs):
            name = table.lfs[j].name
            if self._known.prints.get(name) in _read_outside:
                continue
            key = keys[name].of(name in part.read_text_alone) if name in keys else None
            if key is not None:
                faults = tuple(
                    replace(fault, row_id=str(ids.index(fault.row_id)))
                    for fault in part.faults
                    if fault.lf_name == name
                )
                votes = np.ascontiguousarray(part.values[:, position])
                entries[key] = KeptVotes(votes, faults, float(part.seconds[position]))
        self._cache.put(entries)

    def _distrust(self, lfs: Sequence[SnorkelLF], part: ChunkVotes) -> None:
        """Keep no vote of LFs that read files and the like, nor of those that use the same code.

        What one loads at its first call, others that use the same package find loaded.
        """
        vouched = {lf.name for lf in lfs if getattr(lf, "pure", None)}
        prints, packages = self._known.prints, self._known.packages
        odd = {n: what for n, what in part.read_outside.items() if n in prints and n not in vouched}
        for name, what in odd.items():
            shared = {
                n for n in prints if packages[n] & packages[name] - COMMON and n not in vouched
            }
            _read_outside.update(prints[n] for n in {name, *shared})
            why = {n: f"read {what}" if n == name else f"uses what {name!r} does" for n in shared}
            _warn_once({name: f"read {what}", **why}, self._narrator)


def _warn_once(reasons: Mapping[str, str], narrator: Narrator) -> None:
    for name, why in reasons.items():
        if why != "declared pure=False" and (name, why) not in _said:
            _said.add((name, why))
            narrator.say(
                f"LF {name!r} {why}: its votes are not kept, it votes on every row each time. If "
                "they depend on the row alone, declare it with pure=True, else with pure=False."
            )


def _as_part(kept: KeptVotes, ids: Sequence[str]) -> ChunkVotes:
    faults = tuple(replace(fault, row_id=ids[int(fault.row_id)]) for fault in kept.faults)
    return ChunkVotes(kept.votes[:, None], faults, np.array([kept.seconds]))


def _as_today(kept: KeptVotes, terms: Terms) -> bool:
    """Whether it has today's classes, and quotes cells just where it may; else it is replaced."""
    known = kept.votes.max(initial=ABSTAIN) < terms.classes
    return bool(known) and all(fault.withheld == terms.withhold for fault in kept.faults)


def _unfaithful(
    table: Table, chunks: Sequence[slice], kept: Sequence[dict[str, KeptVotes]]
) -> list[str]:
    """LFs whose kept votes differ from what they say now, on rows drawn at random."""
    rng = np.random.default_rng()
    drawable = [c for c in range(len(chunks)) if kept[c]]
    if not drawable:
        return []
    c = int(rng.choice(drawable))
    hits = [lf for lf in table.lfs if lf.name in kept[c]]
    size = len(table.ids[chunks[c]])
    rows = np.sort(rng.choice(size, min(AUDITED_ROWS, size), replace=False))
    shown = {name: [cells[int(r)] for r in rows] for name, cells in table.cells(chunks[c]).items()}
    ids = [table.ids[chunks[c]][int(r)] for r in rows]
    now = apply_chunk(hits, shown, ids, table.terms).values
    return [
        lf.name
        for j, lf in enumerate(hits)
        if not np.array_equal(now[:, j], kept[c][lf.name].votes[rows])
    ]
