"""How often somebody looked at the scores on test: each look makes the next choice less honest."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from weakft.errors import DataError
from weakft.locks import locked


@dataclass(frozen=True)
class Look:
    """One look.

    Attributes:
        run_id: whose scores.
        test: sha256 of the test file.
        by: who looked.
        at: when, ISO in UTC.
    """

    run_id: str
    test: str
    by: str
    at: str


class Looks:
    """The ledger of a project, one JSON line a look.

    Args:
        file: made with the first look.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def at_test(self, test: str) -> list[Look]:
        """All looks at the scores on this test file, of whatever run.

        Raises:
            DataError: the ledger is damaged.
        """
        if not self._file.exists():
            return []
        lines = self._file.read_bytes().splitlines()
        looks = [self._read(line, number) for number, line in enumerate(lines, start=1)]
        return [look for look in looks if look.test == test]

    def add(self, run_id: str, test: str, by: str) -> Look:
        """Count one."""
        look = Look(run_id, test, by, datetime.now(UTC).isoformat(timespec="seconds"))
        lock = locked(self._file.with_suffix(".lock"), "counting looks")
        with lock, self._file.open("a", encoding="utf-8") as opened:
            opened.write(json.dumps(asdict(look)) + "\n")
        return look

    def _read(self, line: bytes, number: int) -> Look:
        try:
            return Look(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise DataError(
                f"{self._file}, line {number}: wanted a look as JSON (run_id, test, by, at), got "
                f"{line[:80]!r}. Put the line right or take it out."
            ) from error
