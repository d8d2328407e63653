"""What a project remembers: runs, aliases, single stages, votes, hand labels. Can it be read?"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from weakft.doctor.finding import FORGET, MEND_LEDGER, PUT_ASIDE, REMOVE, Finding
from weakft.errors import RunNotFound, WeakftError
from weakft.ledgers import Ledger, unreadable_lines
from weakft.pipeline.stagewise import SECTIONS, STAMP, checked_stamp, intact_stages, stage_inputs
from weakft.project import Project
from weakft.runs import RunFolder, stated_id


def records(project: Project) -> Iterator[Finding]:
    """What is broken, contradictory or of other inputs."""
    yield from _runs(project)
    yield from _aliases(project)
    yield from _ledgers(project)
    for name, command in ((".work", "weakft apply"), (".retrain", "weakft retrain")):
        yield from _stages(project, RunFolder(project.runs.root / name), command)
    yield from _votes(project)
    yield from _review(project)


def _runs(project: Project) -> Iterator[Finding]:
    runs = project.runs
    for run in runs.damaged():
        said = (
            "a run without a valid manifest: readers do not see it. What is wrong: "
            f"`weakft runs verify {run.id}`. Put back what is missing, or remove it"
        )
        yield Finding(said, str(run.path), "broken")
    published = set(runs.ids())
    for path in runs.strays():
        stated = stated_id(path)
        if path.is_symlink():
            said = f"a link, which is no run; what it leads to stays where it is: {path.readlink()}"
            yield Finding(said, str(path), "note")
        elif stated in published:
            yield Finding(f"a copy of run {stated}, which is no run itself", str(path), "note")
        elif stated is not None:
            said = (
                f"run {stated} under another name, which readers do not see. Give it its name back"
            )
            yield Finding(said, str(path), "broken")
        else:
            kind = "folder" if path.is_dir() else "file"
            yield Finding(f"a {kind} that is no run", str(path), "note")


def _aliases(project: Project) -> Iterator[Finding]:
    path = project.registry.path
    try:
        current = project.registry.current()
        if current is not None:
            project.runs.open(current)
    except RunNotFound:
        said = (
            f"run {current} is in service and no reader finds it. Bring its folder back, or put "
            "another into service: `weakft runs promote RUN`, `weakft runs rollback`"
        )
        yield Finding(said, str(path), "broken")
    except WeakftError as error:
        yield Finding(str(error), str(path), "broken", None if _is_json(path) else PUT_ASIDE)


def _ledgers(project: Project) -> Iterator[Finding]:
    for ledger in ledgers(project):
        try:
            count = ledger.unreadable()
        except WeakftError as error:
            yield Finding(str(error), str(ledger.path), "broken")
            continue
        if count:
            said = unreadable_lines(ledger.path, count)
            yield Finding(said, str(ledger.path), "broken", MEND_LEDGER)


def ledgers(project: Project) -> tuple[Ledger, ...]:
    """What a project writes down line by line."""
    return project.looks.ledger, project.registry.judgements.ledger


def _is_json(path: Path) -> bool:
    """Whether it can be read as JSON, whatever that says; so too if only the disk refuses."""
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    except OSError:
        return True
    return True


def _stages(project: Project, folder: RunFolder, command: str) -> Iterator[Finding]:
    stamp = folder.path / STAMP
    if not folder.path.is_dir():
        return
    try:
        done = checked_stamp(folder)
        if damaged := [stage for stage in done if stage not in intact_stages(folder)]:
            raise ValueError(f"what `{damaged[0]}` wrote is damaged")
        stale = [stage for stage in SECTIONS if stage in done and _is_stale(project, done, stage)]
    except (ValueError, KeyError, TypeError) as error:
        said = f"which stages are complete cannot be read ({error}); `{command}` starts anew"
        yield Finding(said, str(stamp), "broken", REMOVE)
        return
    except (OSError, WeakftError) as error:
        yield Finding(f"today's inputs cannot be read: {error}", str(stamp), "broken")
        return
    if stale:
        said = (
            f"settings, data or LFs changed since `weakft {stale[0]}`: what was made of them is "
            f"not used any more; `{command}` starts anew"
        )
        yield Finding(said, str(folder.path), "note")


def _is_stale(project: Project, done: dict[str, dict[str, object]], stage: str) -> bool:
    return done[stage]["made_from"] != stage_inputs(project, stage)


def _votes(project: Project) -> Iterator[Finding]:
    cache = project.vote_cache
    if cache is None or not cache.path.exists():
        return
    try:
        address = f"{cache.path.resolve().as_uri()}?mode=rw"  # made by no one but its users
        with closing(sqlite3.connect(address, timeout=0, uri=True)) as db:
            db.execute("SELECT key FROM votes LIMIT 1").fetchone()
    except sqlite3.OperationalError:  # busy, or nothing in it yet
        return
    except sqlite3.DatabaseError as error:
        said = f"kept votes that SQLite cannot read: {error}. It is only a cache"
        yield Finding(said, str(cache.path), "broken", FORGET)


def _review(project: Project) -> Iterator[Finding]:
    log = project.review
    try:
        log.given()
        tail = log.path.read_bytes().rpartition(b"\n")[2] if log.path.exists() else b""
    except (OSError, WeakftError) as error:
        yield Finding(str(error), str(log.path), "broken")
        return
    try:
        json.loads(tail or b"0")
    except ValueError:
        said = "the last line was cut off by a crash; it does not count, and the next decision "
        yield Finding(f"{said}takes its place", str(log.path), "note")
