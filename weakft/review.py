"""Gold labels that people give: one line a decision, appended; the last line of a row counts.

    {"id": "r17", "label": "spam", "author": "ada", "at": "2025-01-31T09:00:00.000+00:00"}

A label of null says that the row has none any more. `"undo": true` marks a line that takes back
the decision before it, so that undoing twice goes two decisions back, not there and back again.
"""

import json
import os
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from weakft.errors import DataError
from weakft.files import sync
from weakft.locks import locked


@dataclass(frozen=True)
class Decision:
    """One line of the log.

    Attributes:
        id: of the row.
        label: class name; None: the row has none any more.
        author: who decided.
        at: when, ISO 8601 in UTC.
        undo: it took back the decision that stood, and restored what stood before.
    """

    id: str
    label: str | None
    author: str
    at: str
    undo: bool = False


_DECISION = TypeAdapter(Decision)


@dataclass(frozen=True)
class ReviewLog:
    """The decisions of a project, in a file that grows line by line.

    Attributes:
        path: the file; missing until the first decision.
        classes: class names that may be given.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     log = ReviewLog(Path(folder) / "gold.jsonl", ("ham", "spam"))
        ...     _ = log.give("r17", "ham", author="ada")
        ...     _ = log.give("r17", "spam", author="bob")
        ...     before = log.given()
        ...     _ = log.undo("bob")
        ...     print(before, log.given())
        {'r17': 'spam'} {'r17': 'ham'}
    """

    path: Path
    classes: tuple[str, ...]

    def given(self) -> dict[str, str]:
        """The class name now in force, by row id.

        Raises:
            DataError: a line is broken, or a class in force is none of the project's.
        """
        last = {decision.id: decision.label for decision in self.decisions()}
        given = {row_id: label for row_id, label in last.items() if label is not None}
        if unknown := sorted(set(given.values()) - set(self.classes)):
            count = sum(label in unknown for label in given.values())
            raise DataError(
                f"{self.path}: {_rows(count)} labelled {', '.join(map(repr, unknown))}, but "
                f"classes are {list(self.classes)} ([project] classes). Bring the class back, or "
                "write the name it has now into those lines."
            )
        return given

    def decisions(self) -> list[Decision]:
        """Every line, oldest first; one that a crash cut off in the middle is left out.

        Raises:
            DataError: a line is broken, or the file cannot be read.
        """
        *lines, tail = self._read().split(b"\n")
        whole = lines if _torn(tail) else [*lines, tail]
        return [self._decision(line, number) for number, line in enumerate(whole, start=1)]

    def give(self, id: str, label: str, author: str) -> Decision:
        """Label a row; what was said of it before no longer counts.

        Returns:
            The line written; it is on disk then.

        Raises:
            DataError: the id is empty, the class unknown, or the file cannot be written.
            LockedError: another process holds the file for long.
        """
        if not isinstance(id, str) or not id.strip():
            raise DataError(f"A reviewed row has an id, a text that is not empty; got {id!r}.")
        self._refuse_unknown(label, id)
        with self._locked():
            return self._append(Decision(id, label, author, _now()))

    def undo(self, author: str, among: Collection[Decision] | None = None) -> Decision | None:
        """Take back the newest decision of one's own that is in force; repeated, walk further back.

        A row that somebody else has labelled since is left as it is.

        Args:
            author: who takes it back.
            among: the decisions that are one's own, as `give` returned them; None: all that this
                author took, which says little where several people share a name.

        Returns:
            The line written, whose label is the one that stood before (None: the row had none);
            None where nothing of one's own is in force.

        Raises:
            DataError: a line is broken, the class that stood before is none of the project's any
                more, or the file cannot be written.
            LockedError: another process holds the file for long.
        """
        with self._locked():
            decisions = self.decisions()
            standing = _standing(decisions)
            tops = [stack[-1] for stack in standing.values() if stack]
            own = [top for top in tops if _is_own(decisions[top], author, among)]
            if not own:
                return None
            row_id = decisions[max(own)].id
            before = _label(decisions, standing[row_id][:-1])
            if before is not None:
                self._refuse_unknown(before, row_id)
            return self._append(Decision(row_id, before, author, _now(), undo=True))

    def _refuse_unknown(self, label: str, row_id: str) -> None:
        if label not in self.classes:
            raise DataError(
                f"Row {row_id!r} cannot be labelled {label!r}: classes are {list(self.classes)} "
                "([project] classes)."
            )

    def _read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise DataError(f"{self.path} cannot be read: {error}.") from error

    def _decision(self, line: bytes, number: int) -> Decision:
        try:
            decision = _DECISION.validate_json(line)
        except ValidationError as error:
            raise self._broken(number, _reason(error)) from error
        if not decision.id.strip():
            raise self._broken(number, "the id is empty")
        return decision

    def _broken(self, number: int, reason: str) -> DataError:
        return DataError(
            f"{self.path}, line {number}: wanted a JSON object with id, label, author and at, but "
            f"{reason}. Mend the line or take it out; the others stay as they are."
        )

    def _append(self, decision: Decision) -> Decision:
        content = asdict(decision)
        if not decision.undo:
            del content["undo"]
        line = json.dumps(content, ensure_ascii=False).encode() + b"\n"
        try:
            is_new = not self.path.exists()
            with self.path.open("a+b") as file:
                file.seek(0)
                tail = file.read().rpartition(b"\n")[2]
                if tail and _torn(tail):
                    file.truncate(file.tell() - len(tail))
                elif tail:
                    line = b"\n" + line
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
            if is_new:
                sync(self.path.parent)
        except OSError as error:
            raise DataError(f"{self.path} cannot be written: {error}.") from error
        return decision

    def _locked(self) -> AbstractContextManager[None]:
        return locked(self.path.with_name(f".{self.path.name}.lock"), "writing decisions")


def _is_own(decision: Decision, author: str, among: Collection[Decision] | None) -> bool:
    return decision.author == author if among is None else decision in among


def _standing(decisions: Sequence[Decision]) -> dict[str, list[int]]:
    """By row id the positions of the decisions not taken back; the last one is in force."""
    standing: dict[str, list[int]] = {}
    for position, decision in enumerate(decisions):
        stack = standing.get(decision.id, [])
        if decision.undo and _label(decisions, stack[:-1]) == decision.label:
            standing[decision.id] = stack[:-1]
        elif decision.label is None:
            standing[decision.id] = []
        else:
            standing[decision.id] = [*stack, position]
    return standing


def _label(decisions: Sequence[Decision], stack: Sequence[int]) -> str | None:
    return decisions[stack[-1]].label if stack else None


def _torn(tail: bytes) -> bool:
    """Whether what follows the last newline is no whole line."""
    try:
        json.loads(tail)
    except ValueError:
        return True
    return False


def _reason(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where!r}: {first['msg']}" if where else first["msg"]


def _rows(count: int) -> str:
    return "1 row is" if count == 1 else f"{count} rows are"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
