"""Files and folders of processes that ended before they could tidy up."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from weakft.doctor.finding import REMOVE, REMOVE_DRAFT, REMOVE_LOCK, Finding
from weakft.files import lock_of
from weakft.live import FILE_NAME, read_live
from weakft.project import Project
from weakft.retention import GONE, half_removed

DAY = 86400.0
HOUR = 3600.0
OLD = 7 * DAY  # what somebody could still go on from
QUIET = HOUR  # no one writes a file for so long without adding to it
STAGED = re.compile(r"\.tmp-.+-(\d+)")
PARTIAL = re.compile(
    r"\..+\.(?:parquet|csv|jsonl|json|html|md)(?:\.(?P<pid>\d+))?\.partial(?:\.[a-z]+)?"
    r"|\..+\.partial-(?P<folder_pid>\d+)(?:-\w+)?"
)
LOCK = re.compile(r"\.(?P<target>.+)\.partial\.lock")
DRAFT = re.compile(r"\.(?P<target>.+)\.partial")
CACHED = re.compile(r".+\.(\d+)\.tmp")
ALIASES_DRAFT = ".aliases.json.tmp"


def leftovers(project: Project) -> Iterator[Finding]:
    """What a killed process left in the project."""
    root = project.runs.root
    yield from _staged(root)
    for folder in half_removed(project.runs):
        yield Finding("a run whose removal was cut short", str(folder), "note", REMOVE)
    yield from _live(root)
    yield from _drafts(root)
    yield from _partial(project)
    yield from _unfinished(project.root / ".weakft" / "unfinished")
    kept = project.root / ".weakft"
    for file in sorted([*kept.glob("*.tmp"), *kept.glob("*/*.tmp")]):
        if (named := CACHED.fullmatch(file.name)) and is_gone(int(named[1])):
            yield Finding("a half-written part of a cache", str(file), "note", REMOVE)


def _staged(root: Path) -> Iterator[Finding]:
    for folder in sorted(root.glob(".tmp-*")):
        if folder.name.startswith(GONE):
            continue
        named = STAGED.fullmatch(folder.name)
        if named is None:
            yield Finding("a hidden folder that is not weakft's", str(folder), "note")
        elif is_gone(int(named[1])):
            said = f"what process {named[1]}, which is gone, had staged of a run"
            yield Finding(said, str(folder), "note", REMOVE)
        else:
            said = (
                f"a run that process {named[1]} is staging; if that process is none of weakft's, "
                "remove the folder by hand"
            )
            yield Finding(said, str(folder), "note")


def _live(root: Path) -> Iterator[Finding]:
    file, live = root / FILE_NAME, read_live(root)
    if not file.exists():
        return
    if live is None:
        yield Finding("what goes on just now, in words nobody can read", str(file), "note", REMOVE)
    elif is_gone(live.pid):
        said = f"what process {live.pid} did last ({live.stage}); it is gone"
        yield Finding(said, str(file), "note", REMOVE)
    else:
        yield Finding(f"process {live.pid} is at work: {live.stage}", str(file), "fine")


def _drafts(root: Path) -> Iterator[Finding]:
    for draft in sorted(root.glob(".*.tmp")):
        if draft.name == ALIASES_DRAFT:
            said = "an alias that was not moved; the aliases are what they were"
            yield Finding(said, str(draft), "note", REMOVE_DRAFT)
        else:
            yield Finding("a half-written file", str(draft), "note", REMOVE)


def _partial(project: Project) -> Iterator[Finding]:
    """In folders that are not hidden; runs hold none."""
    for folder, names, files in os.walk(project.root):
        inside = Path(folder)
        for name in sorted([*files, *names]):
            if named := LOCK.fullmatch(name):
                yield from _writing(inside / named["target"], inside / name)
            elif named := PARTIAL.fullmatch(name):
                yield from _half_written(inside / name, named["pid"] or named["folder_pid"])
            elif name.startswith(".") and name.endswith(".parts"):
                yield from _prediction(inside / name)
        names[:] = [name for name in names if name[0] != "." and inside / name != project.runs.root]


def _writing(target: Path, lock: Path) -> Iterator[Finding]:
    if _is_free(target):
        yield Finding("the lock of a process that is gone", str(lock), "note", REMOVE_LOCK)
    else:
        yield Finding(f"somebody is writing {target.name}", str(lock), "fine")


def _half_written(path: Path, pid: str | None) -> Iterator[Finding]:
    if pid is not None and not is_gone(int(pid)):
        yield Finding(f"process {pid} is writing it", str(path), "fine")
    elif (draft := DRAFT.fullmatch(path.name)) and not _is_free(path.with_name(draft["target"])):
        yield Finding("somebody is writing it", str(path), "fine")
    elif pid is None and _age(path) < QUIET:
        said = f"a half-written file, last added to {_ago(path)}: somebody may be at work"
        yield Finding(said, str(path), "note")
    else:
        said = f"a half-written file, last added to {_ago(path)}"
        yield Finding(said, str(path), "note", REMOVE)


def _prediction(folder: Path) -> Iterator[Finding]:
    said = f"an interrupted `weakft predict`, {_ago(folder)}; the same command goes on from there"
    fix = _if_old(folder)
    target = folder.with_name(folder.name.removeprefix(".").removesuffix(".parts"))
    yield Finding(said, str(folder), "note", fix if fix and _is_free(target) else None)


def _unfinished(folder: Path) -> Iterator[Finding]:
    for stage in sorted(folder.glob("*")):
        if stage.name.startswith(GONE):
            yield Finding("training whose removal was cut short", str(stage), "note", REMOVE)
        elif stage.is_dir():
            said = f"training that was interrupted {_ago(stage)}; the same command goes on there"
            yield Finding(said, str(stage), "note", _if_old(stage))


def is_gone(pid: int) -> bool:
    """Whether no other process has this id."""
    if pid == os.getpid():
        return True
    try:
        os.kill(pid, 0)
    except PermissionError:
        return False
    except (OSError, OverflowError):
        return True
    return False


def _is_free(target: Path) -> bool:
    """Whether nobody writes it."""
    if not lock_of(target).exists():
        return True
    try:
        with FileLock(lock_of(target), timeout=0):
            return True
    except (Timeout, OSError):
        return False


def _if_old(folder: Path) -> str | None:
    return REMOVE if _age(folder) > OLD else None


def _age(path: Path) -> float:
    """Seconds since something in it was written; taking its lock is no writing."""
    times = [0.0]
    for inner in (path, *(path.rglob("*") if path.is_dir() else ())):
        with suppress(FileNotFoundError):  # gone meanwhile
            times.append(inner.lstat().st_mtime if inner.name != ".lock" else 0.0)
    return time.time() - max(times)


def _ago(path: Path) -> str:
    age = _age(path)
    if age < HOUR:
        return f"{max(age, 0) / 60:.0f} minutes ago"
    return f"{age / HOUR:.0f} hours ago" if age < DAY else f"{age / DAY:.0f} days ago"
