"""Votes kept between runs: one entry for each LF and chunk of rows, in one SQLite file."""

import hashlib
import json
import marshal
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.data.cells import Columns
from weakft.labels import Fault, Votes
from weakft.lf import ColumnLF, source_of
from weakft.lf.fingerprint import reached

TABLES = (
    """CREATE TABLE IF NOT EXISTS votes (
    key BLOB PRIMARY KEY, used REAL, content BLOB, checksum BLOB) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS ends (id TEXT PRIMARY KEY, used REAL) WITHOUT ROWID",
)
MOST_ENDS = 256
CHECKSUM_BYTES = 8
KEPT_SHARE = 0.8  # of the limit, after making room
PATIENCE = 30  # seconds to wait for another process

T = TypeVar("T")


@dataclass(frozen=True)
class KeptVotes:
    """What one LF said about one chunk.

    Attributes:
        votes: [n] int8 or int16.
        faults: none or one; instead of an id its first row's position in the chunk.
        seconds: what computing them took.
    """

    votes: Votes
    faults: tuple[Fault, ...]
    seconds: float = 0.0


class VoteCache:
    """Votes by LF and content. A broken file is started anew; a full disk means no cache.

    An entry's key is a hash of everything the LF can see (`weakft.lf.fingerprint`) and of the
    cells it reads: one column if it declares it or was seen to read the text alone, else all.

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

    def ends(self) -> frozenset[str]:
        """Ids of the last rows of the tables seen lately: chunks end there."""
        return self._with_database(
            lambda db: frozenset(row for (row,) in db.execute("SELECT id FROM ends")), frozenset()
        )

    def add_end(self, row_id: str) -> None:
        """A table ended with this row; of many ends the oldest go."""

        def write(db: sqlite3.Connection) -> None:
            db.execute("INSERT OR REPLACE INTO ends VALUES (?, ?)", (row_id, time.time()))
            db.execute(
                "DELETE FROM ends WHERE id NOT IN (SELECT id FROM ends ORDER BY used DESC LIMIT ?)",
                (MOST_ENDS,),
            )

        self._with_database(write, None)

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
            for table in TABLES:
                db.execute(table)
            return use(db)


@dataclass(frozen=True)
class Kept:
    """Which LFs' votes can be kept.

    Attributes:
        prints: the fingerprints of those, by name.
        packages: what each of them uses that is installed, by name.
        reasons: why those of others cannot, by name.
    """

    prints: dict[str, bytes]
    packages: dict[str, frozenset[str]]
    reasons: dict[str, str]


def fingerprints(lfs: Sequence[SnorkelLF]) -> Kept:
    """The fingerprint of each LF that can be cached, and why others cannot."""
    found = {}
    for lf in lfs:
        source = source_of(lf)
        found[lf.name] = reached(lf, source.root if source else None)
    return Kept(
        {name: lf.digest for name, lf in found.items() if not lf.reasons},
        {name: frozenset(lf.packages) for name, lf in found.items()},
        {name: lf.reasons[0] for name, lf in found.items() if lf.reasons},
    )


@dataclass(frozen=True)
class Keys:
    """Where the votes of one LF on one chunk may stand.

    Attributes:
        text_alone: by the text column, right if the LF was seen to read nothing else there;
            None for an LF whose column is known, or where cells cannot be hashed.
        declared: by the column it declares, or by all columns.
    """

    text_alone: bytes | None
    declared: bytes | None

    def __iter__(self) -> Iterator[bytes]:
        return (key for key in (self.text_alone, self.declared) if key is not None)

    def of(self, read_text_alone: bool) -> bytes | None:
        """The key under which to keep what was computed."""
        return self.text_alone if read_text_alone else self.declared


def keys_of(
    lfs: Sequence[SnorkelLF], prints: Mapping[str, bytes], columns: Columns, text_column: str
) -> dict[str, Keys]:
    """The keys of each LF with a fingerprint, for a chunk."""
    hashes = {name: _hash_of(cells) for name, cells in columns.items()}

    def key(lf: SnorkelLF, how: bytes, seen: Sequence[str]) -> bytes | None:
        parts = [prints[lf.name], how]
        for column in seen:
            found = hashes.get(column)
            if found is None:
                return None
            parts += [column.encode(), found]
        lengths = b"".join(len(part).to_bytes(8, "little") + part for part in parts)
        return hashlib.blake2b(lengths, digest_size=32).digest()

    return {
        lf.name: Keys(None, key(lf, b"declared", [lf.column]))
        if isinstance(lf, ColumnLF)
        else Keys(key(lf, b"text alone", [text_column]), key(lf, b"all", list(columns)))
        for lf in lfs
        if lf.name in prints
    }


def _hash_of(cells: Sequence[Any]) -> bytes | None:
    """None for cells of no plain type."""
    try:
        return hashlib.blake2b(marshal.dumps(list(cells), 2)).digest()
    except ValueError:
        return None


def _checksum(key: bytes, content: bytes) -> bytes:
    return hashlib.blake2b(key + content, digest_size=CHECKSUM_BYTES).digest()


def _packed(entry: KeptVotes) -> bytes:
    about = {
        "faults": [asdict(fault) for fault in entry.faults],
        "seconds": entry.seconds,
        "dtype": entry.votes.dtype.name,
    }
    header = json.dumps(about).encode()
    return zlib.compress(len(header).to_bytes(8, "little") + header + entry.votes.tobytes(), 1)


def _unpacked(content: bytes) -> KeptVotes:
    data = zlib.decompress(content)
    start = 8 + int.from_bytes(data[:8], "little")
    about = json.loads(data[8:start])
    faults = tuple(Fault(**fault) for fault in about["faults"])
    dtype = about.get("dtype", "int8")  # of entries made earlier
    return KeptVotes(np.frombuffer(data[start:], dtype=dtype), faults, about["seconds"])
