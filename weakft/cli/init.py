"""`weakft init`: a project to begin with, and files that retrain one every night."""

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from weakft.cli.session import JsonOption, ProjectOption, Session, session
from weakft.errors import ConfigError
from weakft.project import Project
from weakft.scaffold import Kind, Started, add_deployment, start_example, start_with_data

NEXT = ("weakft check", "weakft analyze", "weakft run", "weakft app")


def init(
    directory: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Folder of the project (default: here).")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Your own rows: CSV, Parquet or JSONL. Copied."),
    ] = None,
    text: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Its column of texts (default: text).")
    ] = None,
    classes: Annotated[
        str | None, typer.Option(metavar="A,B", help="What is to be told apart in it.")
    ] = None,
    add: Annotated[
        list[Kind] | None,
        typer.Option(help="Files for a project that is there: to retrain it, or to judge edits."),
    ] = None,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Make a new project that runs as it is, or add what retrains one every night.

    Nothing that is there is written over.
    """
    with session(directory or project, None, json) as cli:
        if directory is not None and project is not None:
            raise ConfigError(f"Wanted DIR or --project, got both ({directory} and {project}).")
        own = {"--data": data, "--text": text, "--classes": classes}
        if add:
            _refuse(own, "go with a new project, not with --add")
            _add(cli, add)
        elif data is None:
            _refuse(own, "go with --data FILE; the example has its own")
            _show(cli, start_example(_root(cli)))
        else:
            named = [name.strip() for name in classes.split(",")] if classes else []
            _show(cli, start_with_data(_root(cli), data, named, text))


def _root(cli: Session) -> Path:
    return (cli.folder or Path()).resolve()


def _refuse(options: dict[str, Path | str | None], why: str) -> None:
    if given := [name for name, value in options.items() if value is not None]:
        raise ConfigError(f"{' and '.join(given)} {why}.")


def _show(cli: Session, started: Started) -> None:
    moves = () if started.root == Path.cwd() else (f"cd {shlex.quote(str(started.root))}",)
    commands = (*moves, *NEXT)
    content = {
        "status": "completed",
        "project": str(started.root),
        "files": list(started.files),
        "classes": list(started.classes),
        "rows": dict(started.rows),
        "warnings": list(started.hints),
        "next": list(commands),
    }
    rows = ", ".join(f"{name} {count}" for name, count in started.rows.items())
    said = f"A project in {started.root}: {', '.join(started.classes)}; rows: {rows}."
    lines = [said, *_bullets([*started.files, *started.hints]), "Next:", *_typed(commands)]
    cli.show_text(content, "\n".join(lines))


def _add(cli: Session, kinds: list[Kind]) -> None:
    opened: Project = cli.project
    made = add_deployment(opened, kinds)
    files = [str(path) for each in made for path in each.contents]
    commands = [each.command for each in made]
    content = {"status": "completed", "project": str(opened.root), "files": files, "next": commands}
    lines = [*_bullets(files), f"Read them, then, from {opened.root}:", *_typed(commands)]
    cli.show_text(content, "\n".join(lines))


def _bullets(lines: Iterable[str]) -> list[str]:
    return [f"- {line}" for line in lines]


def _typed(commands: Iterable[str]) -> list[str]:
    return [f"  {command}" for command in commands]
