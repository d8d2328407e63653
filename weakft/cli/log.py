"""What a command does, as JSON: one object a line, appended to the file `WEAKFT_LOG` names.

For batch jobs. Rows' texts never stand in it: of an error that may quote one, its class, the LF
and the row's id are told. Passwords and tokens are masked. The file is opened for every line, so
that logrotate may move it away.
"""

import json
import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from weakft.errors import ConfigError, GateError, LFError, LockedError, WeakftError
from weakft.narration import Advance, Narrator
from weakft.redaction import redacted_argument, redacted_content

VARIABLE = "WEAKFT_LOG"
TOLD = ("status", "run_id", "current")  # of what a command prints as JSON
QUOTES_NO_ROW = (ConfigError, GateError, LockedError)
MILD = (5, 75, 130, 143)  # refused, busy, interrupted: nothing is broken

Level = Literal["info", "warning", "error"]


class EventLog:
    """The log of one command.

    Args:
        file: where; None writes nothing. A file that cannot be written is told once on stderr,
            and the command goes on.
    """

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self._started = time.perf_counter()
        self._stage: tuple[str, float] | None = None
        self._outcome: dict[str, Any] = {}
        self._complained = False
        self._command = shlex.join(["weakft", *map(redacted_argument, sys.argv[1:])])

    @classmethod
    def from_environment(cls) -> "EventLog":
        """The log that `WEAKFT_LOG` asks for; a relative path starts at the current folder."""
        name = os.environ.get(VARIABLE)
        return cls(Path(name).absolute() if name else None)

    def started(self, folder: Path | None) -> None:
        """Tell that the command begins to work from a folder; None: the current one."""
        if self.file is not None:
            self._write("info", "command_started", folder=str((folder or Path()).absolute()))

    def stage(self, name: str) -> None:
        """Tell that a stage begins, and that the one before it is finished."""
        self._finish_stage()
        self._stage = (name, time.perf_counter())
        self._write("info", "stage_started", stage=name)

    def said(self, message: str) -> None:
        """Tell what was narrated."""
        self._write("info", "said", message=message)

    def told(self, content: Mapping[str, Any]) -> None:
        """Keep for the end what the command prints of its outcome; its warnings are told now."""
        self._outcome = {key: content[key] for key in TOLD if key in content}
        drifts = [drift["says"] for drift in content.get("drift", ())]
        for message in [*content.get("warnings", ()), *content.get("reasons", ()), *drifts]:
            self._write("warning", "warning", message=message)

    def ended(
        self, exit_code: int, kind: str | None = None, error: WeakftError | None = None
    ) -> None:
        """Tell how the command ended, and in which stage if that was not finished.

        Args:
            exit_code: of the process.
            kind: of what ended it early; None where nothing did.
            error: that, if weakft raised it on purpose.
        """
        failed = {} if kind is None else {"error": kind, **_about(error)}
        if failed and self._stage is not None:
            failed["stage"] = self._stage[0]
        elif self._stage is not None:
            self._finish_stage()
        outcome = {"status": "error"} if failed else self._outcome
        level: Level = "warning" if exit_code in MILD else "error" if exit_code else "info"
        seconds = _since(self._started)
        self._write(
            level, "command_finished", exit_code=exit_code, **outcome, **failed, seconds=seconds
        )

    def _finish_stage(self) -> None:
        if self._stage is not None:
            name, started = self._stage
            self._write("info", "stage_finished", stage=name, seconds=_since(started))
            self._stage = None

    def _write(self, level: Level, event: str, **more: object) -> None:
        if self.file is None:
            return
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "level": level,
            "event": event,
            "command": self._command,
            "pid": os.getpid(),
            **redacted_content(more),
        }
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("ab", buffering=0) as file:
                file.write(json.dumps(line).encode() + b"\n")
        except OSError as error:
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            print(  # noqa: T201
                f"Warning: the log that {VARIABLE} names cannot be written ({error}); the command "
                "goes on without it.",
                file=sys.stderr,
            )


class LoggedNarrator:
    """Tells another narrator, and the log."""

    def __init__(self, narrator: Narrator, log: EventLog) -> None:
        self._narrator = narrator
        self._log = log

    def say(self, message: str) -> None:
        """Pass it on and log it."""
        self._narrator.say(message)
        self._log.said(message)

    @contextmanager
    def task(self, name: str, total: int, unit: str) -> Iterator[Advance]:
        """Pass it on."""
        with self._narrator.task(name, total, unit) as advance:
            yield advance

    def stage(self, name: str) -> None:
        """Pass it on and log it."""
        self._narrator.stage(name)
        self._log.stage(name)

    def loss(self, step: int, value: float) -> None:
        """Pass it on."""
        self._narrator.loss(step, value)


def _about(error: WeakftError | None) -> dict[str, Any]:
    if isinstance(error, QUOTES_NO_ROW):
        return {"message": str(error)}
    if isinstance(error, LFError):
        named = {"lf": error.lf_name, "row": error.row_id}
        return {key: value for key, value in named.items() if value is not None}
    return {}


def _since(start: float) -> float:
    return round(time.perf_counter() - start, 3)
