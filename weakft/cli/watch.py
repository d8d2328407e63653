"""`weakft watch`: on every save, apply what changed and tell what moved."""

import sys
import time
from collections.abc import Iterator, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import RenderableType
from rich.text import Text

from weakft.cli import moved, screens
from weakft.cli.analyze import analysis
from weakft.cli.check import broken_examples
from weakft.cli.saves import changes, stamps
from weakft.cli.session import JsonOption, ProjectOption, Session, SetOption, session
from weakft.config import FILE_NAME, SPLITS
from weakft.dataset import Dataset, read_dataset
from weakft.errors import WeakftError
from weakft.files import swapping
from weakft.lf import load_lfs
from weakft.lf.tracing import forget_modules_of
from weakft.live import watch_table
from weakft.pipeline.labelling import summarise_lfs
from weakft.pipeline.voting import Votes, cast_votes
from weakft.project import Project
from weakft.redaction import redacted

PAUSE = 0.5  # seconds between two looks at the files


@dataclass(frozen=True)
class State:
    """The votes of the LFs as they were last good.

    Attributes:
        project: with the settings of then.
        data: the rows.
        votes: the votes on them.
    """

    project: Project
    data: Dataset
    votes: Votes


def watch(project: ProjectOption = None, set_: SetOption = None, json: JsonOption = False) -> None:
    """Apply the LFs on every save and show what moved; Ctrl-C ends it.

    Watched are the code, word lists, settings and rows in the project's folder. What does not
    load, or raises too often, is told, and the next save is compared with what was last good.
    While it goes on, the LF table that was last good lies in `.weakft/watch.parquet`.

    With --json: one object a line, for each application. Its status is "watching" for the first
    that works (fields as `weakft analyze --json` has them), then "changed" (files, seconds,
    diff, failed_examples), "error" (error), and "stopped" at the end.
    """
    sys.dont_write_bytecode = True  # which Python takes for fresh after two saves in one second
    with session(project, set_, json) as cli:
        opened = cli.project
        try:
            _follow(cli, opened)
        except KeyboardInterrupt:
            cli.show({"status": "stopped"}, Text("Stopped watching."))
        finally:
            with suppress(OSError):
                watch_table(opened.root).unlink(missing_ok=True)


def _follow(cli: Session, project: Project) -> None:
    scan = partial(stamps, project.root, project.runs.root)
    state: State | None = None
    unseen: set[Path] = set()
    for changed in _first_and(changes(scan(), scan, partial(time.sleep, PAUSE))):
        unseen |= changed
        started = time.perf_counter()
        try:
            new = _applied(cli, state, unseen)
        except WeakftError as error:
            cli.show(*_refusal(error))
            continue
        table = summarise_lfs(new.project, new.data, new.votes)
        _keep(table, watch_table(project.root))
        cli.show(*_news(state, new, table, unseen, time.perf_counter() - started))
        state, unseen = new, set()


def _first_and(later: Iterator[set[Path]]) -> Iterator[set[Path]]:
    yield set()
    yield from later


def _applied(cli: Session, last: State | None, unseen: Set[Path]) -> State:
    """The state of now; rows are read again only where they or the settings were saved."""
    project = cli.project
    forget_modules_of(project.root)
    files = [getattr(project.config.data, split) for split in SPLITS]
    inputs = {project.root / file for file in (FILE_NAME, *filter(None, files))}
    if last is None or inputs & unseen:
        data = read_dataset(project.config, project.root)
    else:
        data = last.data
    return State(project, data, cast_votes(project, data, cli.narrator))


def _keep(table: pd.DataFrame, file: Path) -> None:
    """For the app to read; watching goes on where it cannot be written."""
    with suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        with swapping(file) as draft:
            table.to_parquet(draft, index=False)


def _news(
    last: State | None, new: State, table: pd.DataFrame, unseen: Set[Path], seconds: float
) -> tuple[dict[str, Any], *tuple[RenderableType, ...]]:
    classes = new.project.config.classes
    if last is None or last.project.config.classes != classes:
        content, *screen = analysis(table, new.votes["train"])
        hint = f"Watching {new.project.root}: save a file to see what moves, Ctrl-C ends."
        return {**content, "status": "watching"}, *screen, Text(hint, style="dim")
    comparison = moved.compare(new.data, classes, last.votes, new.votes)
    broken = [] if new.project.config.labeling.votes else _broken(new.project)
    files = sorted(str(path.relative_to(new.project.root)) for path in unseen)
    content = {"status": "changed", "files": files, "seconds": round(seconds, 3)}
    title = Text(f"\n{', '.join(files)}: applied in {seconds:.2f} s", style="bold cyan")
    content |= {"diff": comparison.as_dict(), "failed_examples": broken}
    unmet = screens.bullets([f"Example not met: {sentence}" for sentence in broken])
    return content, title, moved.as_screen(comparison), unmet


def _broken(project: Project) -> list[str]:
    return broken_examples(
        project, load_lfs(project.lf_files, project.root, project.config.classes)
    )


def _refusal(error: WeakftError) -> tuple[dict[str, Any], RenderableType]:
    raised = {"type": type(error).__name__, "message": redacted(str(error))}
    screen = Text(f"\n{raised['type']}: {raised['message']}", style="red")
    return {"status": "error", "error": raised}, screen
