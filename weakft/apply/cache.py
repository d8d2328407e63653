"""Votes kept between runs: one entry for each LF and chunk of rows, in one SQLite file."""

import hashlib
import json
import marshal
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.apply.rows import Columns
from weakft.labels import Fault, Votes
from weakft.lf import ColumnLF
from weakft.lf.fingerprint import NotCacheable, fingerprint

TABLE = """CREATE TABLE IF NOT EXISTS votes (
    key BLOB PRIMARY KEY, used REAL, content BLOB, checksum BLOB) WITHOUT ROWID"""
CHECKSUM_BYTES = 8
KEPT_SHARE = 0.8  # of the limit, after making room
PATIENCE = 30  # seconds to wait for another process

T = TypeVar("T")


@dataclass(frozen=True)
class KeptVotes:
    """What one LF said about one chunk.

    Attributes:
        votes: [n] int8.
        faults: none or one, with the id of its first row.
        seconds: what computing them took.
    """

    votes: Votes
    faults: tuple[Fault, ...]
    seconds: float = 0.0


class VoteCache:
    """Votes by LF and content. A broken file is started anew; a full disk means no cache.

    An entry's key is a hash of everything the LF can see (`weakft.lf.fingerprint`) and of the
    cells it is shown: all columns of the chunk, or the one column of a declarative LF.

    Args:
        path: the SQLite file; its folder is made.
        megabytes: entries used longest ago go when the content grows beyond this.
    """

    def __init__(self, path: Path, megabytes: int = 500) -> None:
        self.path = path
        self.megabytes = megabytes

    def get(self, keys: Iterable[bytes]) -> dict[bytes, KeptVotes]:
        """The entries there are; one that does not match its checksum is none."""

        def read(db: sqlite3.Connection) -> dict[bytes, KeptVotes]:
            found = {}
            for key in keys:
                row = db.execute("SELECT content, checksum FROM votes WHERE key = ?", (key,))
                for content, checksum in row:
                    if _checksum(key, content) == checksum:
                        found[key] = _unpacked(content)
            db.executemany(
                "UPDATE votes SET used = ? WHERE key = ?", [(time.time(), key) for key in found]
            )
            return found

        return self._with_database(read, {})

    def put(self, entries: Mapping[bytes, KeptVotes]) -> None:
        """Keep entries, and make room for them."""
        if not entries:
            return

        def write(db: sqlite3.Connection) -> None:
            rows = []
            for key, entry in entries.items():
                content = _packed(entry)
                rows.append((key, time.time(), content, _checksum(key, content)))
            db.executemany("INSERT OR REPLACE INTO votes VALUES (?, ?, ?, ?)", rows)
            self._make_room(db)

        self._with_database(write, None)

    def drop(self, keys: Iterable[bytes]) -> None:
        """Forget entries."""
        doomed = [(key,) for key in keys]
        self._with_database(
            lambda db: db.executemany("DELETE FROM votes WHERE key = ?", doomed), None
        )

    def clear(self) -> None:
        """Forget everything."""
        for file in self.path.parent.glob(f"{self.path.name}*"):
            file.unlink(missing_ok=True)

    def info(self) -> dict[str, Any]:
        """Entries, megabytes of votes, the limit and the path."""
        count, size = self._with_database(
            lambda db: db.execute("SELECT COUNT(*), TOTAL(LENGTH(content)) FROM votes").fetchone(),
            (0, 0),
        )
        return {
            "path": str(self.path),
            "entries": count,
            "megabytes": round(size / 1e6, 3),
            "limit_megabytes": self.megabytes,
        }

    def _make_room(self, db: sqlite3.Connection) -> None:
        limit = self.megabytes * 1e6
        (size,) = db.execute("SELECT TOTAL(LENGTH(content)) FROM votes").fetchone()
        if size <= limit:
            return
        doomed = []
        oldest = db.execute("SELECT key, LENGTH(content) FROM votes ORDER BY used, key")
        for key, length in oldest:
            if size <= KEPT_SHARE * limit:
                break
            doomed.append((key,))
            size -= length
        db.executemany("DELETE FROM votes WHERE key = ?", doomed)

    def _with_database(self, use: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        try:
            return self._use(use)
        except sqlite3.OperationalError:  # locked for long, read-only, disk full: go without
            return otherwise
        except sqlite3.DatabaseError:  # no database any more
            self.clear()
            return otherwise
        except OSError:
            return otherwise

    def _use(self, use: Callable[[sqlite3.Connection], T]) -> T:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.path, timeout=PATIENCE)) as db, db:
            db.execute("PRAGMA auto_vacuum = FULL")
            db.execute(TABLE)
            return use(db)


def fingerprints(lfs: Sequence[SnorkelLF]) -> dict[str, bytes]:
    """The fingerprint of each LF that can be cached, by its name."""
    found = {}
    for lf in lfs:
        try:
            found[lf.name] = fingerprint(lf)
        except NotCacheable:
            continue
    return found


def keys_of(
    lfs: Sequence[SnorkelLF], prints: Mapping[str, bytes], columns: Columns
) -> dict[str, bytes]:
    """The key of each LF's votes on a chunk; none where the cells cannot be hashed."""
    hashes: dict[str, bytes] = {}
    for name, cells in columns.items():
        try:
            hashes[name] = hashlib.blake2b(marshal.dumps(list(cells), 2)).digest()
        except ValueError:  # cells of no plain type
            continue
    keys = {}
    for lf in lfs:
        seen = [lf.column] if isinstance(lf, ColumnLF) else list(columns)
        if lf.name in prints and all(name in hashes for name in seen):
            parts = [prints[lf.name], *(part for c in seen for part in (c.encode(), hashes[c]))]
            lengths = b"".join(len(part).to_bytes(8, "little") + part for part in parts)
            keys[lf.name] = hashlib.blake2b(lengths, digest_size=32).digest()
    return keys


def _checksum(key: bytes, content: bytes) -> bytes:
    return hashlib.blake2b(key + content, digest_size=CHECKSUM_BYTES).digest()


def _packed(entry: KeptVotes) -> bytes:
    about = {"faults": [asdict(fault) for fault in entry.faults], "seconds": entry.seconds}
    header = json.dumps(about).encode()
    return zlib.compress(len(header).to_bytes(8, "little") + header + entry.votes.tobytes(), 1)


def _unpacked(content: bytes) -> KeptVotes:
    data = zlib.decompress(content)
    start = 8 + int.from_bytes(data[:8], "little")
    about = json.loads(data[8:start])
    faults = tuple(Fault(**fault) for fault in about["faults"])
    return KeptVotes(np.frombuffer(data[start:], dtype=np.int8), faults, about["seconds"])
