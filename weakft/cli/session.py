"""What every command shares: options, the project, errors turned into exit codes."""

import contextlib
import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self, TextIO

import typer
from rich.console import Console, RenderableType

from weakft.cli.console import Screen, TerminalNarrator, print_json
from weakft.cli.log import EventLog, LoggedNarrator
from weakft.errors import DataError, WeakftError
from weakft.narration import SILENCE, Narrator
from weakft.project import Project
from weakft.ranks import leads, rank
from weakft.recording import WITHHELD, traceback_of
from weakft.redaction import redacted

INTERRUPTED = 130
TERMINATED = 143
CLEAN = (
    "nothing half-written stays behind. Where it was training, the same command given again goes "
    "on from there."
)
DISK = frozenset(
    getattr(errno, name)
    for name in ("ENOSPC", "EDQUOT", "EROFS", "EFBIG", "EIO", "EACCES")
    if hasattr(errno, name)
)
"""A disk that is full, over a quota, read-only, broken or somebody else's."""
TORCH_COULD_NOT_WRITE = "inline_container.cc"  # of its zip files
PLAIN_WIDTH = 120  # columns, where the output is no terminal

ProjectOption = Annotated[
    Path | None,
    typer.Option(
        "--project", metavar="DIR", help="Folder of weakft.toml (default: nearest upwards)."
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override a setting, e.g. train.learning_rate=2e-5."
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="One JSON object on stdout; narration on stderr.")
]


class Terminated(BaseException):
    """SIGTERM arrived; unwinds like Ctrl-C, so that staged files are removed."""


@dataclass
class Session:
    """One command at work.

    Attributes:
        as_json: print one JSON object instead of text.
        stdout: the real standard output; LF code that prints ends up on stderr.
        log: told of the outcome.
        narrator: told of the progress.
        hides: whether its project has columns that nobody may see.
    """

    folder: Path | None
    overrides: list[str]
    as_json: bool
    stdout: TextIO
    log: EventLog = field(default_factory=lambda: EventLog(None))
    narrator: Narrator = SILENCE
    hides: bool = False

    @classmethod
    def begun(cls, folder: Path | None, overrides: list[str], as_json: bool) -> Self:
        """A command that begins now; of several ranks the leader speaks and logs."""
        if not leads():
            return cls(folder, overrides, as_json, sys.stdout)
        log = EventLog.from_environment()
        log.started(folder)
        narrator = LoggedNarrator(TerminalNarrator(), log)
        return cls(folder, overrides, as_json, sys.stdout, log, narrator)

    @property
    def project(self) -> Project:
        """The project asked for."""
        opened = Project.open(self.folder, self.overrides)
        self.hides = bool(opened.config.privacy.hidden)
        return opened

    def show(self, content: dict[str, Any], *screens: RenderableType) -> None:
        """Print the result: the JSON object, or the screens made for people."""
        if not leads():
            return
        self.log.told(content)
        if self.as_json:
            print_json({"schema": 1, **content}, self.stdout)
            return
        console = Screen(file=self.stdout, highlight=False)
        if not console.is_terminal:
            console = Screen(file=self.stdout, highlight=False, width=PLAIN_WIDTH)
        for screen in screens:
            console.print(screen)

    def note(self, message: str) -> None:
        """Say something on stderr, also where nobody watches a terminal."""
        if leads():
            self.log.said(message)
            Console(stderr=True, highlight=False, soft_wrap=True).print(message, markup=False)

    def show_text(self, content: dict[str, Any], text: str) -> None:
        """Print the result: the JSON object, or a text with its lines as long as they are."""
        self.log.told(content)
        if self.as_json:
            print_json({"schema": 1, **content}, self.stdout)
            return
        self.stdout.write(text + "\n")
        self.stdout.flush()


@contextmanager
def session(folder: Path | None, overrides: list[str] | None, as_json: bool) -> Iterator[Session]:
    """Run one command: its errors become messages and exit codes, never tracebacks.

    A bug (exit 1) leaves its traceback in `weakft-crash.log` of the current folder; each rank
    but the first in one with its number.
    """
    current = Session.begun(folder, overrides or [], as_json)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield current
        current.log.ended(0)
    except WeakftError as error:
        _fail(current, type(error).__name__, str(error), error.exit_code, error)
    except KeyboardInterrupt:
        _fail(current, "Interrupted", f"Interrupted; {CLEAN}", INTERRUPTED)
    except Terminated:
        _fail(current, "Terminated", f"Terminated; {CLEAN}", TERMINATED)
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), current.stdout.fileno())
        current.log.ended(0)
        raise typer.Exit from None
    except typer.Exit as end:
        current.log.ended(end.exit_code)
        raise
    except (Exception, SystemExit) as error:
        refusal = _refused_by_disk(error)
        if refusal is not None:
            _fail(current, DataError.__name__, refusal, DataError.exit_code)
        told = WITHHELD if current.hides else str(error)
        log = _logged(error, current.hides)
        message = f"This is a bug in weakft: {type(error).__name__}: {told}. {log}"
        _fail(current, type(error).__name__, message, 1)


def _refused_by_disk(error: BaseException | None) -> str | None:
    """What to tell where a disk, not weakft, is at the root of an error; None elsewhere.

    Libraries written in Rust or C++ put the system's number or words into errors of their own.
    """
    while error is not None:
        number = error.errno if isinstance(error, OSError) else None
        if number is None and (named := re.search(r"\bos error (\d+)\b", str(error))):
            number = int(named[1])
        of_torch = TORCH_COULD_NOT_WRITE in str(error)
        if number in DISK or of_torch:
            said = f"torch cannot save its checkpoint ({error})" if of_torch else str(error)
            return (
                f"The disk refuses to be written or read: {said}. Make room on it (`weakft runs "
                "gc` removes old runs), or mend what is said here; then give the command again."
            )
        error = error.__cause__ or error.__context__
    return None


def _logged(error: BaseException, withhold: bool) -> str:
    log = Path(f"weakft-crash{'' if leads() else f'-{rank()}'}.log").resolve()
    try:
        text = redacted(traceback_of(error, withhold=withhold))
        log.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        return f"Its traceback cannot be kept: {error}"
    return f"Traceback: {log}"


def _fail(
    current: Session, kind: str, message: str, code: int, error: WeakftError | None = None
) -> None:
    current.log.ended(code, kind, error)
    message = redacted(message)
    if current.as_json:
        told = {"type": kind, "message": message}
        content = {"schema": 1, "status": "error", "error": told, "exit_code": code}
        print_json(content, current.stdout)
    Console(stderr=True, highlight=False, soft_wrap=True).print(
        f"{kind}: {message}", markup=False, style="red"
    )
    raise typer.Exit(code)
