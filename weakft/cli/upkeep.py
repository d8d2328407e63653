"""`weakft runs verify | gc`: are published runs whole, and which may go?"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from weakft.cli import screens
from weakft.cli.session import JsonOption, ProjectOption, SetOption, session
from weakft.errors import DataError, RunNotFound
from weakft.project import Project
from weakft.registry import CURRENT
from weakft.retention import GONE, half_removed, remove, retire, size_of, unneeded
from weakft.runs import RunFolder
from weakft.verify import verify_run

MEGABYTE = 1e6
KEPT = 10


def verify(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]...", help="Run ids, latest or current; latest if none."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every run folder there is.")] = False,
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Hold runs against their manifests, byte by byte; exit 3 if one is not what it says."""
    with session(project, set_, json) as cli:
        folders = _all_folders(cli.project) if all_ else _named(cli.project, runs or ["latest"])
        found = {folder.id: verify_run(folder) for folder in folders}
        damaged = [run for run, problems in found.items() if problems]
        content = {
            "status": "damaged" if damaged else "ok",
            "runs": {run: [asdict(p) for p in problems] for run, problems in found.items()},
        }
        lines = [f"{run}: {p.path}: {p.what}." for run, ps in found.items() for p in ps]
        told = f"As published: {len(found) - len(damaged)} of {len(found)}."
        cli.show(content, screens.bullets(lines), Text(told))
        if damaged:
            raise typer.Exit(DataError.exit_code)


def gc(
    keep: Annotated[int, typer.Option(min=1, help="How many of the newest runs stay.")] = KEPT,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Remove old runs; never the newest, the current one or the one a rollback goes to."""
    with session(project, set_, json) as cli:
        registry = cli.project.registry
        if dry_run:
            sizes = _sizes(folder.path for folder in unneeded(registry, keep))
        else:
            with registry.store.lock():
                retire(registry, keep)
                hidden = half_removed(registry.store)
                sizes = _sizes(hidden)
                for path in hidden:
                    remove(path)
        total = round(sum(sizes.values()), 3)
        content = {
            "status": "completed" if sizes else "unchanged",
            "dry_run": dry_run,
            "removed": [{"id": name, "megabytes": size} for name, size in sizes.items()],
            "megabytes": total,
        }
        lines = [f"{name}: {size:.1f} MB" for name, size in sizes.items()]
        verb = "Would remove" if dry_run else "Removed"
        count = "1 run" if len(sizes) == 1 else f"{len(sizes)} runs"
        told = f"{verb} {count}, {total:.1f} MB." if sizes else "Nothing to remove."
        cli.show(content, screens.bullets(lines), Text(told))


def _sizes(folders: Iterable[Path]) -> dict[str, float]:
    """Megabytes by run id."""
    return {
        folder.name.removeprefix(GONE): round(size_of(folder) / MEGABYTE, 3) for folder in folders
    }


def _all_folders(project: Project) -> list[RunFolder]:
    """Of runs, those included that no reader would open, by id."""
    runs = project.runs
    published = [RunFolder(runs.root / run) for run in runs.ids()]
    return sorted([*published, *runs.damaged()], key=lambda folder: folder.id)


def _named(project: Project, names: Sequence[str]) -> list[RunFolder]:
    """Folders by id, those included that no reader would open."""
    there = {folder.id: folder for folder in _all_folders(project)}
    folders = []
    for name in names:
        run_id = project.registry.current() if name == CURRENT else name
        if run_id in there:
            folders.append(there[run_id])
        elif run_id == "latest" or run_id is None:
            folders.append(project.registry.open(name))
        else:
            known = f"There are: {', '.join(list(there)[-5:])}." if there else "There is none yet."
            raise RunNotFound(f"No run folder {run_id!r} in {project.runs.root}. {known}")
    return folders
