"""Which run is in service: the alias `current`, moved by promotion and rollback, with history.

`aliases.json` lies beside the run folders and is replaced whole: after a crash readers see the
old state or the new one. A lock of its own makes two processes move the alias one after the other.
"""

import json
import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from weakft.errors import ConfigError, DataError, RunNotFound
from weakft.files import sync
from weakft.judgements import FILE_NAME, Judgements
from weakft.locks import locked
from weakft.runs import RunFolder, RunStore, read_json

CURRENT = "current"

RunStatus = Literal["in service", "retired", "refused", "candidate"]
"""Current now; current once; refused by the gate; none of these."""


@dataclass(frozen=True)
class Move:
    """One move of an alias.

    Attributes:
        alias: the name that was moved.
        run_id: the run it names since.
        was: the run it named before; None for the first move.
        by: who moved it.
        at: when, ISO 8601 in UTC.
        why: a reason, or nothing.
        rollback: it undid the newest promotion that was not undone yet.
    """

    alias: str
    run_id: str
    was: str | None
    by: str
    at: str
    why: str = ""
    rollback: bool = False


@dataclass(frozen=True)
class _Book:
    """The content of aliases.json."""

    schema: Literal[1]
    aliases: dict[str, str]
    history: tuple[Move, ...]

    def promoted(self) -> list[str]:
        """The promotions that stand, oldest first; the last one is current.

        Raises:
            ValueError: the moves contradict each other, or the alias.
        """
        standing: list[str] = []
        for number, move in enumerate(self.history):
            if move.alias != CURRENT:
                continue
            follows = standing[-1:] == _listed(move.was)
            if move.rollback:
                del standing[-1:]
            else:
                standing.append(move.run_id)
            if not follows or standing[-1:] != [move.run_id]:
                raise ValueError(f"history[{number}] does not follow from the moves before it")
        if standing[-1:] != _listed(self.aliases.get(CURRENT)):
            raise ValueError("aliases.current is not where the history ends")
        return standing

    def moved(self, move: Move) -> "_Book":
        """The content after one more move."""
        return _Book(1, {**self.aliases, move.alias: move.run_id}, (*self.history, move))


@dataclass(frozen=True)
class Serving:
    """The run whose model answers where none was named.

    Attributes:
        run: its folder.
        why: why this one.
        warning: what else to know before its answers are used; or nothing.
    """

    run: RunFolder
    why: str
    warning: str = ""


_BOOK = TypeAdapter(_Book)


@dataclass(frozen=True)
class Registry:
    """The aliases of a run store.

    Attributes:
        store: the runs that aliases name.

    Example:
        >>> Registry(RunStore(Path("/nowhere"))).current() is None
        True
    """

    store: RunStore

    @property
    def path(self) -> Path:
        """The file; missing until the first promotion."""
        return self.store.root / "aliases.json"

    def current(self) -> str | None:
        """Id of the run in service; None before the first promotion.

        Raises:
            DataError: aliases.json is broken.
        """
        return self._read().aliases.get(CURRENT)

    def history(self) -> tuple[Move, ...]:
        """Every move, oldest first.

        Raises:
            DataError: aliases.json is broken.
        """
        return self._read().history

    def before_current(self) -> str | None:
        """Id of the run that `rollback` would put back into service; None: there is none.

        Raises:
            DataError: aliases.json is broken.
        """
        return next(iter(self._read().promoted()[-2:-1]), None)

    def open(self, name: str = "latest") -> RunFolder:
        """The published run of this id, the newest for "latest", the one in service for "current".

        Raises:
            RunNotFound: there is no such run, or none was promoted yet.
            DataError: aliases.json is broken.
        """
        return self._open(name, self._read()) if name == CURRENT else self.store.open(name)

    def statuses(self, runs: Iterable[str] | None = None) -> dict[str, RunStatus]:
        """The status of each run, by its id.

        Args:
            runs: ids; None: of all published runs.

        Raises:
            DataError: aliases.json is broken.
        """
        book, judged = self._read(), self.judgements.statuses()
        current = book.aliases.get(CURRENT)
        served = {move.run_id for move in book.history}

        def status(run: str) -> RunStatus:
            if run in served:
                return "in service" if run == current else "retired"
            return "refused" if judged.get(run) == "refused" else "candidate"

        return {run: status(run) for run in (self.store.ids() if runs is None else runs)}

    def serving(self) -> Serving:
        """The run in service; where there is none, the newest that the gate has not refused.

        Raises:
            RunNotFound: there is no such run.
            DataError: aliases.json is broken.
        """
        statuses = self.statuses()
        if self.current() is not None:
            return Serving(self.open(CURRENT), "it is in service")
        fit = [run for run, status in statuses.items() if status != "refused"]
        if not fit and statuses:
            raise RunNotFound(
                f"No run in {self.store.root} is in service, and the gate refused "
                f"{'the only one' if len(statuses) == 1 else 'all of them'}: "
                f"{', '.join(list(statuses)[-5:])}. Name one with --run, or put one into service: "
                "`weakft runs promote RUN`."
            )
        if not fit:
            return Serving(self.store.open(), "")  # says that there is none
        skipped = len(statuses) - 1 - list(statuses).index(fit[-1])
        newer = f", unlike {skipped} newer" if skipped else ""
        why = f"none is in service, and it is the newest that the gate has not refused{newer}"
        return Serving(self.store.open(fit[-1]), why, self._warning(fit[-1]))

    def _warning(self, run_id: str) -> str:
        """Where the gate refused a run of the same inputs, which this one but repeats."""
        judged = self.judgements.statuses()
        refused = [run for run in self.store.ids() if judged.get(run) == "refused"]
        inputs = self._inputs(run_id)
        alike = [run for run in refused if inputs is not None and self._inputs(run) == inputs]
        if judged.get(run_id) == "promoted" or not alike:
            return ""
        return (
            f"Warning: run {run_id} was not judged, but the gate refused {alike[-1]}, which was "
            "made from the same inputs. `weakft retrain` judges it."
        )

    def _inputs(self, run_id: str) -> str | None:
        """The hash of all that a run was made from; None where an older weakft made it."""
        found = read_json(self.store.open(run_id).manifest).get("inputs")
        return found if isinstance(found, str) else None

    @property
    def judgements(self) -> Judgements:
        """What the gate said of candidates."""
        return Judgements(self.store.root / FILE_NAME)

    def promote(self, run_id: str, by: str, why: str = "") -> Move:
        """Put a run into service; nothing changes if it is there already.

        Args:
            run_id: as `open` takes it.
            by: who wants it.
            why: for the history.

        Returns:
            The move; of a run in service, the one that put it there.

        Raises:
            RunNotFound: there is no such run; the message lists those there are.
            DataError: aliases.json is broken, or cannot be written.
            LockedError: another process holds the aliases for long.
        """
        with self.locked():
            book = self._read()
            run = self._open(run_id, book)
            if run.id == book.aliases.get(CURRENT):
                return [move for move in book.history if move.alias == CURRENT][-1]
            return self._move(book, run, by, why)

    def rollback(self, by: str, why: str = "") -> Move:
        """Undo the newest promotion that is not undone yet; repeated, walk further back.

        Raises:
            ConfigError: there is nothing to go back to.
            RunNotFound: the run to go back to is gone.
            DataError: aliases.json is broken, or cannot be written.
            LockedError: another process holds the aliases for long.
        """
        with self.locked():
            book = self._read()
            standing = book.promoted()
            if len(standing) < 2:
                raise ConfigError(f"{self.path}: nothing to go back to. {_first(standing)}")
            try:
                run = self.store.open(standing[-2])
            except RunNotFound as error:
                raise RunNotFound(
                    f"{error} It was current before {standing[-1]}, which stays current. Promote "
                    "another by its id: `weakft runs promote RUN`."
                ) from error
            return self._move(book, run, by, why, rollback=True)

    def _open(self, name: str, book: _Book) -> RunFolder:
        if name != CURRENT:
            return self.store.open(name)
        run_id = book.aliases.get(CURRENT)
        if run_id is None:
            raise RunNotFound(
                f"No run in {self.store.root} is current. Promote one: "
                "`weakft runs promote latest`."
            )
        return self.store.open(run_id)

    def _move(
        self, book: _Book, run: RunFolder, by: str, why: str, *, rollback: bool = False
    ) -> Move:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        move = Move(CURRENT, run.id, book.aliases.get(CURRENT), by, now, why, rollback)
        self._write(book.moved(move))
        return move

    def _read(self) -> _Book:
        try:
            book = _BOOK.validate_json(self.path.read_bytes())
            book.promoted()
        except FileNotFoundError:
            return _Book(1, {}, ())
        except (OSError, ValueError) as error:
            raise DataError(
                f"{self.path} cannot be used: {_reason(error)}. Put an older copy back, or move it "
                "away and name the run in service again: `weakft runs promote RUN`."
            ) from error
        return book

    def _write(self, book: _Book) -> None:
        text = json.dumps(asdict(book), indent=2, ensure_ascii=False) + "\n"
        partial = self.path.with_name(f".{self.path.name}.tmp")
        try:
            partial.write_bytes(text.encode())
            sync(partial)
            os.replace(partial, self.path)
            sync(self.path.parent)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise DataError(f"{self.path} cannot be written: {error}.") from error

    def locked(self) -> AbstractContextManager[None]:
        """For the block nobody else moves an alias.

        Raises:
            LockedError: another process does, for long.
            DataError: the lock cannot be made.
        """
        return locked(self.store.root / ".aliases.lock", "moving aliases")


def _listed(run_id: str | None) -> list[str]:
    return [] if run_id is None else [run_id]


def _first(standing: list[str]) -> str:
    return f"Only {standing[0]} was promoted." if standing else "No run was promoted yet."


def _reason(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else first["msg"]
