"""`weakft runs list | show`: what has been run."""

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from weakft.cli import screens
from weakft.cli.session import JsonOption, ProjectOption, SetOption, session
from weakft.report import Report

group = typer.Typer(help="Published runs.", no_args_is_help=True, rich_markup_mode=None)


@group.command("list")
def list_(project: ProjectOption = None, set_: SetOption = None, json: JsonOption = False) -> None:
    """List the published runs, oldest first."""
    with session(project, set_, json) as cli:
        opened = cli.project
        reports = [Report(opened, opened.runs.open(run_id)) for run_id in opened.runs.ids()]
        entries = [_entry(report) for report in reports]
        content = {"status": "ok", "runs": entries}
        if not entries:
            cli.show(content, Text("No run yet. Make one: weakft run"))
            return
        grid = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        for column in ("run", "created", "LFs", "label model", "gold", "test macro-F1"):
            grid.add_column(column)
        for entry in entries:
            f1 = entry["test_macro_f1"]
            score = f"{f1['value']:.3f} [{f1['low']:.3f}, {f1['high']:.3f}]" if f1 else "no test"
            grid.add_row(
                entry["id"],
                entry["created"],
                str(entry["lfs"]),
                entry["label_model"],
                entry["gold"],
                score,
            )
        cli.show(content, grid)


@group.command()
def show(
    run: Annotated[str, typer.Argument(help="A run id, or latest.")] = "latest",
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Show one run: LFs, labels, scores against rivals, what to do next."""
    with session(project, set_, json) as cli:
        opened = cli.project
        report = Report(opened, opened.runs.open(run))
        content = {
            "status": "ok",
            "run_id": report.run.id,
            "run_dir": str(report.run.path),
            "manifest": report.manifest,
            "metrics": report.metrics,
            "next_steps": report.next_steps(),
        }
        cli.show(content, screens.run_screen(report))


def _entry(report: Report) -> dict[str, Any]:
    metrics = report.metrics
    test = metrics["end_model"].get("test")
    return {
        "id": report.run.id,
        "created": report.manifest["created"],
        "lfs": len(report.manifest["lfs"]),
        "label_model": metrics["labels"]["chosen"],
        "gold": metrics["end_model"]["gold"]["recipe"],
        "test_macro_f1": test["macro_f1"] if test else None,
    }
