"""Which candidates the gate has judged: so that the same inputs are judged once."""

from datetime import UTC, datetime
from pathlib import Path

from weakft.config import RetrainConfig
from weakft.ledgers import Entry, Ledger, unreadable_lines
from weakft.runs import Json

FILE_NAME = "judgements.jsonl"


class Judgements:
    """The ledger of a project, one JSON line a judgement; at worst a run is judged once more.

    Args:
        file: made with the first judgement.
    """

    def __init__(self, file: Path) -> None:
        lock = file.with_name(f".{file.name}.lock")
        self.ledger = Ledger(file, _is_judgement, "writing judgements", lock)

    def judged(self, run_id: str, gate: RetrainConfig) -> bool:
        """Whether this gate has judged a run.

        One that was refused is to be judged again where `[retrain]` changed; one that was promoted
        is not: it may have been rolled back, and that holds.
        """
        settings = gate.model_dump(mode="json")
        return any(
            line["run_id"] == run_id and (line["status"] == "promoted" or line["gate"] == settings)
            for line in self.ledger.entries()
        )

    def add(self, outcome: Json, gate: RetrainConfig) -> None:
        """Write one down.

        Args:
            outcome: as `weakft retrain --json` prints it.
            gate: `[retrain]` as it was.
        """
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self.ledger.append({**outcome, "at": at, "gate": gate.model_dump(mode="json")})

    def statuses(self) -> dict[str, str]:
        """How each run was judged last: "promoted" or "refused", by its id."""
        return {line["run_id"]: line["status"] for line in self.ledger.entries()}

    def damage(self) -> str | None:
        """A sentence on judgements that cannot be read; None where there are none."""
        count = self.ledger.unreadable()
        return unreadable_lines(self.ledger.path, count) if count else None


def _is_judgement(entry: Entry) -> bool:
    return {"run_id", "status", "gate"} <= entry.keys() and isinstance(entry["run_id"], str)
