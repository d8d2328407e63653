"""Which candidates the gate has judged: so that the same inputs are judged once."""

import json
from datetime import UTC, datetime
from pathlib import Path

from weakft.config import RetrainConfig
from weakft.errors import DataError
from weakft.runs import Json

FILE_NAME = "judgements.jsonl"


class Judgements:
    """The ledger of a project, one JSON line a judgement; replaced whole when it grows.

    Args:
        file: made with the first judgement.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def judged(self, run_id: str, gate: RetrainConfig) -> bool:
        """Whether this gate has judged a run.

        One that was refused is to be judged again where `[retrain]` changed; one that was promoted
        is not: it may have been rolled back, and that holds.
        """
        settings = gate.model_dump(mode="json")
        return any(
            line["run_id"] == run_id and (line["status"] == "promoted" or line["gate"] == settings)
            for line in self._lines()
        )

    def add(self, outcome: Json, gate: RetrainConfig) -> None:
        """Write one down.

        Args:
            outcome: as `weakft retrain --json` prints it.
            gate: `[retrain]` as it was.
        """
        at = datetime.now(UTC).isoformat(timespec="seconds")
        line = {**outcome, "at": at, "gate": gate.model_dump(mode="json")}
        content = "".join(json.dumps(each) + "\n" for each in [*self._lines(), line])
        unfinished = self._file.with_name(f".{self._file.name}.tmp")
        unfinished.write_text(content, encoding="utf-8")
        unfinished.replace(self._file)

    def statuses(self) -> dict[str, str]:
        """How each run was judged last: "promoted" or "refused", by its id."""
        return {line["run_id"]: line["status"] for line in self._lines()}

    def _lines(self) -> list[Json]:
        if not self._file.exists():
            return []
        whole = self._file.read_bytes().split(b"\n")[:-1]  # a torn last line has no line break
        return [self._parsed(line, number) for number, line in enumerate(whole, start=1)]

    def _parsed(self, line: bytes, number: int) -> Json:
        try:
            judgement: Json = json.loads(line)
            if not {"run_id", "status", "gate"} <= judgement.keys():
                raise ValueError
        except (ValueError, AttributeError) as error:
            raise DataError(
                f"{self._file}, line {number}: wanted a judgement of `weakft retrain`, one JSON "
                f"object with run_id, status and gate, got {line[:60]!r}. Delete it: at worst "
                "a run is judged once more."
            ) from error
        return judgement
