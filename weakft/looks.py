"""How often somebody looked at the scores on test: each look makes the next choice less honest."""

from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from weakft.ledgers import Entry, Ledger, unreadable_lines


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


NAMES = {field.name for field in fields(Look)}


class Looks:
    """The ledger of a project, one JSON line a look.

    Args:
        file: made with the first look.
    """

    def __init__(self, file: Path) -> None:
        self.ledger = Ledger(file, _is_look, "counting looks", file.with_suffix(".lock"))

    def at_test(self, test: str) -> list[Look]:
        """All looks at the scores on this test file, of whatever run, that can be read.

        Raises:
            DataError: the disk refuses.
        """
        looks = [Look(**entry) for entry in self.ledger.entries()]
        return [look for look in looks if look.test == test]

    def damage(self) -> str | None:
        """A sentence on looks that cannot be read; None where there are none."""
        count = self.ledger.unreadable()
        return unreadable_lines(self.ledger.path, count) if count else None

    def add(self, run_id: str, test: str, by: str) -> Look:
        """Count one; it is on disk then.

        Raises:
            DataError: the disk refuses.
            LockedError: another process has been counting for long.
        """
        look = Look(run_id, test, by, datetime.now(UTC).isoformat(timespec="seconds"))
        self.ledger.append(asdict(look))
        return look


def _is_look(entry: Entry) -> bool:
    return entry.keys() == NAMES and all(isinstance(value, str) for value in entry.values())
