"""`weakft runs`: what has been run, what is in service, what may go."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from weakft.account import user_name
from weakft.cli import screens, upkeep
from weakft.cli.session import JsonOption, ProjectOption, Session, SetOption, session
from weakft.cli.tracking import tracked
from weakft.errors import WeakftError
from weakft.evaluation.paired import PairedScore, PairedScores
from weakft.project import Project
from weakft.registry import Move, RunStatus
from weakft.report import Report
from weakft.run_diff import RunDiff, compare_runs
from weakft.visible import HIDDEN

SHOWN_FLIPS = 20
COLUMNS = ("run", "status", "created (UTC)", "LFs", "label model", "gold", "test macro-F1")

group = typer.Typer(help="Published runs.", no_args_is_help=True, rich_markup_mode=None)
group.command()(upkeep.verify)
group.command()(upkeep.gc)


@group.command("list")
def list_(project: ProjectOption = None, set_: SetOption = None, json: JsonOption = False) -> None:
    """List the published runs, oldest first: in service, retired, refused or a candidate."""
    with session(project, set_, json) as cli:
        entries, damaged = _entries(cli.project)
        content = {"status": "ok", "runs": entries, "damaged": [str(error) for error in damaged]}
        if torn := cli.project.registry.judgements.damage():
            cli.note(torn)
        if not entries and not damaged:
            cli.show(content, Text("No run yet. Make one: weakft run"))
            return
        grid = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
        for column in COLUMNS:
            grid.add_column(column)
        for entry in entries:
            f1 = entry["test_macro_f1"]
            score = f"{f1['value']:.3f} [{f1['low']:.3f}, {f1['high']:.3f}]" if f1 else "no test"
            grid.add_row(
                f"{entry['id']} (current)" if entry["current"] else entry["id"],
                entry["status"],
                entry["created"].removesuffix("+00:00").replace("T", " "),
                str(entry["lfs"]),
                entry["label_model"],
                entry["gold"],
                score,
            )
        cli.show(content, grid, *(Text(f"Not listed: {error}") for error in damaged))


@group.command()
def show(
    run: Annotated[str, typer.Argument(help="A run id, latest or current.")] = "latest",
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Show one run: LFs, labels, scores against rivals, what to do next."""
    with session(project, set_, json) as cli:
        opened = cli.project
        report = Report.open(opened, run)
        content = {
            "status": "ok",
            "run_id": report.run.id,
            "run_dir": str(report.run.path),
            "manifest": report.manifest,
            "metrics": report.metrics,
            "next_steps": report.next_steps(),
        }
        cli.show(content, screens.run_screen(report))


@group.command()
def diff(
    old: Annotated[str, typer.Argument(help="A run id, latest or current.")],
    new: Annotated[str, typer.Argument(help="The run to compare with it.")],
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Compare two runs: LFs, labels, and both models on the same gold rows."""
    with session(project, set_, json) as cli:
        opened = cli.project
        sides = [Report.open(opened, name) for name in (old, new)]
        found = compare_runs(*sides)
        if any("id" in side.hidden for side in sides):
            found = replace(found, flips=found.flips.assign(id=HIDDEN))
        cli.show({"status": "completed", **found.as_dict()}, _diff_screen(found))


@group.command()
def promote(
    run: Annotated[str, typer.Argument(help="A run id, or latest.")],
    why: Annotated[str, typer.Option(help="A reason, for the history.")] = "",
    by: Annotated[str | None, typer.Option(help="Who does it (default: you).")] = None,
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Put a run into service: it becomes the current one."""
    with session(project, set_, json) as cli:
        registry = cli.project.registry
        was = registry.current()
        move = registry.promote(run, by or user_name(), why)
        _show_move(cli, move, "unchanged" if move.run_id == was else "completed")


@group.command()
def rollback(
    why: Annotated[str, typer.Option(help="A reason, for the history.")] = "",
    by: Annotated[str | None, typer.Option(help="Who does it (default: you).")] = None,
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Undo the newest promotion that is not undone yet."""
    with session(project, set_, json) as cli:
        _show_move(cli, cli.project.registry.rollback(by or user_name(), why), "completed")


def _show_move(cli: Session, move: Move, status: str) -> None:
    said = f"Run {move.run_id} is current"
    if status == "unchanged":
        said += f" already, since {move.at}"
    elif move.was is not None:
        said += f"; before it was {move.was}"
    content, told = tracked(cli.project, move.run_id, {"status": status, **asdict(move)})
    cli.show(content, Text(f"{said}."), *told)


def _diff_screen(found: RunDiff) -> RenderableType:
    parts: list[RenderableType] = [
        Text(f"{found.old} -> {found.new}, on the {found.rows} training rows that both have"),
        Text("\nLabeling functions", style="bold cyan"),
        Text(_lf_line(found)),
    ]
    if found.lfs_changed:
        parts.append(_grid(("LF", "votes changed"), found.lfs_changed.items()))
    parts += [Text("\nLabels", style="bold cyan"), Text(_label_line(found))]
    if found.flip_count:
        shown = found.flips.head(SHOWN_FLIPS)
        parts.append(_grid(("id", "old", "new"), shown.itertuples(index=False)))
    for split, scores in found.scores.items():
        parts.append(Text(f"\nModels on {scores.rows} {split} rows", style="bold cyan"))
        parts += _score_lines(scores)
    if found.notes:
        parts += [Text("\nNot compared", style="bold cyan"), screens.bullets(found.notes)]
    return Group(*parts)


def _lf_line(found: RunDiff) -> str:
    moved = [
        f"{len(names)} {how}" + (f" ({', '.join(names)})" if names else "")
        for names, how in ((found.lfs_added, "added"), (found.lfs_removed, "removed"))
    ]
    return f"{', '.join(moved)}, {len(found.lfs_changed)} changed, {found.lfs_unchanged} unchanged."


def _label_line(found: RunDiff) -> str:
    listed = min(found.flip_count, SHOWN_FLIPS)
    first = f", the first {listed} below" if found.flip_count > listed else ""
    return (
        f"{found.flip_count} with another class{first}; {found.labels_gained} labelled only now, "
        f"{found.labels_lost} no longer."
    )


def _score_lines(scores: PairedScores) -> list[RenderableType]:
    named = {"accuracy": scores.accuracy, "macro-F1": scores.macro_f1}
    rows = [(name, *_score_cells(score)) for name, score in named.items()]
    apart = (
        f"Only the old model is right on {scores.only_old_right} rows, only the new one on "
        f"{scores.only_new_right} (McNemar's exact test: p = {scores.p_value:.3g})."
    )
    return [_grid(("", "old", "new", "new - old"), rows), Text(apart)]


def _score_cells(score: PairedScore) -> tuple[str, str, str]:
    gain = score.difference
    return (
        str(score.old),
        str(score.new),
        f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]",
    )


def _grid(header: Sequence[str], rows: Iterable[Iterable[object]]) -> RenderableType:
    grid = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for name in header:
        grid.add_column(Text(name))
    for row in rows:
        grid.add_row(*(Text(str(cell)) for cell in row))
    return grid


def _entries(project: Project) -> tuple[list[dict[str, Any]], list[WeakftError]]:
    """Every run that can be read, oldest first, and why others cannot."""
    entries, damaged = [], []
    for run_id, status in project.registry.statuses().items():
        try:
            entries.append(_entry(Report.open(project, run_id), status))
        except WeakftError as error:
            damaged.append(error)
    return entries, damaged


def _entry(report: Report, status: RunStatus) -> dict[str, Any]:
    metrics = report.metrics
    test = metrics["end_model"].get("test")
    return {
        "id": report.run.id,
        "status": status,
        "current": status == "in service",
        "created": report.manifest["created"],
        "lfs": len(report.manifest["lfs"]),
        "label_model": metrics["labels"]["chosen"],
        "gold": metrics["end_model"]["gold"]["recipe"],
        "test_macro_f1": test["macro_f1"] if test else None,
    }
