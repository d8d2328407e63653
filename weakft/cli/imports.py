"""`weakft import wrench`: projects from data in other systems' layouts."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from weakft.cli.session import JsonOption, session
from weakft.interop.wrench import import_wrench

group = typer.Typer(
    help="Make a project from elsewhere.", no_args_is_help=True, rich_markup_mode=None
)


@group.callback()
def _group() -> None:
    """Keep `wrench` a subcommand while it is the only one."""


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
