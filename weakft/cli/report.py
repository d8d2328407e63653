"""`weakft report`: the findings of one run as one HTML file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from weakft.cli.session import JsonOption, ProjectOption, session
from weakft.errors import ConfigError
from weakft.files import explained, replacing
from weakft.report import Report


def report(
    html: Annotated[Path, typer.Option("--html", metavar="FILE", help="Where to write.")],
    run: Annotated[str, typer.Argument(help="A run id, latest or current.")] = "latest",
    test: Annotated[
        bool, typer.Option("--test", help="With the scores on test; the look is counted.")
    ] = False,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Write one run's findings to one HTML file, which opens offline, to mail or to archive."""
    with session(project, None, json) as cli:
        opened = cli.project
        told = Report.open(opened, run)
        if not html.parent.is_dir() or html.is_dir():
            raise ConfigError(f"--html {html}: wanted a file in a folder that exists.")

        from weakft.html_report import html_report  # imports altair

        page = html_report(told, with_test=test)
        with replacing(html) as draft, explained(html):
            draft.write_text(page, encoding="utf-8")
        content = {
            "status": "completed",
            "run_id": told.run.id,
            "output": str(html),
            "bytes": html.stat().st_size,
            "with_test": test,
        }
        cli.show(content, Text(f"Run {told.run.id}: written to {html}."))
