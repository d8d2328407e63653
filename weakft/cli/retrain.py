"""`weakft retrain`: a candidate, the gate, and the model in service that follows from it."""

import typer
from rich.text import Text

from weakft.cli import screens
from weakft.cli.session import JsonOption, ProjectOption, SetOption, session
from weakft.cli.tracking import tracked
from weakft.errors import GateError
from weakft.project import Project


def retrain(
    project: ProjectOption = None, set_: SetOption = None, json: JsonOption = False
) -> None:
    """Make a run of today's inputs and put it into service if it is shown to be no worse.

    The first is compared with a majority vote. Exit 0: promoted, or nothing to do. 5: refused; the
    model in service, if there is one, stays what it is.
    """
    with session(project, set_, json) as cli:
        from weakft.retrain import retrain as retrain_project

        opened = cli.project
        outcome = retrain_project(opened, cli.narrator)
        refused = outcome.current != outcome.run_id
        stays = f"{outcome.current} stays in service" if outcome.current else "none is in service"
        earlier = f", which was refused; {stays}" if refused else ""
        said = {
            "unchanged": f"Nothing changed since run {outcome.run_id}{earlier}. Nothing to do.",
            "promoted": f"Run {outcome.run_id} is in service now.",
            "refused": f"Run {outcome.run_id} is refused; {stays}.",
        }[outcome.status]
        checks = [] if outcome.verdict is None else outcome.verdict.checks
        marks = [f"{'passed' if check.passed else 'FAILED'}: {check.says}" for check in checks]
        rows = [] if outcome.verdict is None else outcome.verdict.newly_wrong
        lost = f"Gold rows only the model in service gets right: {', '.join(rows)}."
        warnings = [] if outcome.status == "unchanged" else _warnings(opened, outcome.run_id)
        content = {**outcome.as_dict(), "warnings": warnings}
        content, told = tracked(opened, outcome.run_id, content)
        cli.show(
            content,
            Text(said, style="bold"),
            screens.bullets(marks),
            screens.bullets([f"Drift in {outcome.new_rows} new rows: {d}" for d in outcome.drifts]),
            screens.bullets(warnings),
            Text(lost if rows else "", style="dim"),
            *told,
        )
        if outcome.status == "refused":
            raise typer.Exit(GateError.exit_code)


def _warnings(project: Project, run_id: str) -> list[str]:
    warnings: list[str] = project.runs.open(run_id).read_metrics().get("warnings", [])
    return warnings
