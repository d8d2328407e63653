"""What Python code reads of the world outside while it runs, by the interpreter's audit events.

Files that C code opens by itself, as Arrow does, the clock and chance raise no event; those are
left to `weakft.lf.fingerprint`.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from weakft.lf.origins import is_installed_file

FOLDERS = frozenset({"os.listdir", "os.scandir"})
OUTSIDE = frozenset(
    """ftplib.connect http.client.connect imaplib.open os.exec os.fork os.forkpty os.posix_spawn
    os.spawn os.system poplib.connect smtplib.connect socket.connect socket.getaddrinfo
    sqlite3.connect subprocess.Popen urllib.Request webbrowser.open""".split()
)
SYSTEM = ("/dev/", "/proc/", "/sys/")  # what libraries ask of the machine


@dataclass
class Seen:
    """What was read while a block ran.

    Attributes:
        files: absolute paths opened for reading, whether they exist or not, packages' own aside.
        folders: absolute paths of folders that were listed.
        outside: other events: connections, processes, databases.
    """

    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    outside: set[str] = field(default_factory=set)


_watching: list[Seen] = []
_hooks: list[Any] = []


@contextmanager
def watched() -> Iterator[Seen]:
    """Record what this process reads during the block, whichever of its threads does.

    Example:
        >>> with watched() as seen:
        ...     names = os.listdir(os.getcwd())
        >>> seen.folders == {os.getcwd()}
        True
    """
    if not _hooks:  # for good: Python removes none
        _hooks.append(_record)
        sys.addaudithook(_record)
    seen = Seen()
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching.remove(seen)


def _record(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event == "open":
        path, _, flags = arguments
        if flags & os.O_ACCMODE != os.O_WRONLY and (name := _named(path)) is not None:
            for seen in _watching:
                seen.files.add(name)
    elif event in FOLDERS:
        if (name := _named(arguments[0] or ".")) is not None:
            for seen in _watching:
                seen.folders.add(name)
    elif event in OUTSIDE:
        for seen in _watching:
            seen.outside.add(event)


def _named(path: Any) -> str | None:  # noqa: ANN401
    """The absolute path, unless it is a descriptor's, a package's or the machine's."""
    if not isinstance(path, str | bytes | os.PathLike):
        return None
    name = os.path.abspath(os.fsdecode(path))
    own = not name.startswith(SYSTEM) and not is_installed_file(name)
    return name if own and "__pycache__" not in name else None
