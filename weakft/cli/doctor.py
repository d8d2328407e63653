"""`weakft doctor`: what is wrong with a project, and what can be mended."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from weakft.cli.session import JsonOption, ProjectOption, SetOption, session
from weakft.doctor import Finding, examine, mend
from weakft.errors import DataError
from weakft.project import Project

STYLES = {"fine": "dim", "note": "yellow", "broken": "red"}


def doctor(
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what can be mended, while nobody else works here.")
    ] = False,
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Explain what crashes left behind and what is missing; exit 3 if something is broken."""
    with session(project, set_, json) as cli:
        mended = _mended(cli.project) if fix else []
        found = examine(cli.project)
        broken = [finding for finding in found if finding.severity == "broken"]
        content = {
            "status": "broken" if broken else "ok",
            "findings": [asdict(finding) for finding in found],
            "mended": [asdict(finding) for finding in mended],
        }
        cli.show(content, *map(_line, found), *map(_mended_line, mended), _end(found, mended))
        if broken:
            raise typer.Exit(DataError.exit_code)


def _mended(project: Project) -> list[Finding]:
    with project.runs.lock():
        mendable = [finding for finding in examine(project) if finding.fix is not None]
        for finding in mendable:
            mend(project, finding)
    return mendable


def _line(finding: Finding) -> Text:
    fix = f" (--fix: {finding.fix})" if finding.fix else ""
    said = f"{finding.severity:6}  {finding.where}: {finding.what.rstrip('.')}.{fix}"
    return Text(said, style=STYLES[finding.severity])


def _mended_line(finding: Finding) -> Text:
    said = f"mended  {finding.where}: {finding.what.rstrip('.')}. Done: {finding.fix}."
    return Text(said, style="green")


def _end(found: Sequence[Finding], mended: Sequence[Finding]) -> Text:
    broken = sum(finding.severity == "broken" for finding in found)
    open_ = sum(finding.fix is not None for finding in found)
    said = [f"{broken} broken, {len(mended)} mended."]
    if open_:
        said.append(f"{open_} can be mended: weakft doctor --fix")
    return Text("\n" + " ".join(said), style="bold")
