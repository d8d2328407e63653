"""`weakft import wrench | label-studio`: what other systems have."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from weakft.cli import screens
from weakft.cli.session import JsonOption, ProjectOption, SetOption, session
from weakft.dataset import read_split
from weakft.interop.label_studio import import_gold
from weakft.interop.wrench import import_wrench

group = typer.Typer(
    help="A project or gold from elsewhere.", no_args_is_help=True, rich_markup_mode=None
)


@group.command()
def wrench(
    source: Annotated[Path, typer.Argument(help="Folder with train.json, label.json, ...")],
    destination: Annotated[Path, typer.Argument(help="Folder of the new project.")],
    json: JsonOption = False,
) -> None:
    """Make a project from a folder in the WRENCH layout, votes included."""
    with session(None, None, json) as cli:
        imported = import_wrench(source, destination)
        content = {"status": "completed", "project": str(destination), **imported}
        rows = ", ".join(f"{name} {count}" for name, count in imported["rows"].items())
        cli.show(
            content,
            Text(f"{len(imported['classes'])} classes, {imported['lfs']} LFs, rows: {rows}."),
            Text(f"Next: weakft run --project {destination}", style="dim"),
        )


@group.command("label-studio")
def label_studio(
    file: Annotated[Path, typer.Argument(help='Its export in the format "JSON".')],
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Take what people chose in Label Studio as gold of train; twice is once."""
    with session(project, set_, json) as cli:
        opened = cli.project
        config = opened.config
        train = read_split(
            opened.root / config.data.train,
            "train",
            config.data,
            config.classes,
            task=config.project.task,
            hidden=config.privacy.hidden,
        )
        done = import_gold(file, opened.review, set(train.ids))
        content = {"status": "completed" if done.given else "unchanged", **asdict(done)}
        cli.show(
            content,
            Text(f"{done.given} rows labelled, {done.known} were known; {done.tasks} tasks."),
            screens.bullets(done.told()),
        )
