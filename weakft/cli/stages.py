"""`weakft apply | label | train | evaluate | run`: the road and its stages.

Single stages leave their results in `runs/.work` and read the stage before from there;
`evaluate` publishes that folder as a run. `run` does it all in one go.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from weakft.cli import screens
from weakft.cli.session import JsonOption, ProjectOption, Session, SetOption, session
from weakft.cli.tracking import tracked
from weakft.errors import ConfigError
from weakft.labels import Fault
from weakft.pipeline import stagewise
from weakft.pipeline.voting import all_faults, vote_on_file
from weakft.report import Report


def apply(
    source: Annotated[Path | None, typer.Argument(help="Parquet file of rows, any size.")] = None,
    target: Annotated[Path | None, typer.Argument(help="Parquet file of votes to write.")] = None,
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Let every LF vote on every row of the project, or of SOURCE; count faults by LF."""
    with session(project, set_, json) as cli:
        if source is not None or target is not None:
            _apply_to_file(cli, source, target)
            return
        folder, votes = stagewise.apply(cli.project, cli.narrator)
        faults = all_faults(votes)
        coverage = {name: float(L.covered.mean()) for name, L in votes.items()}
        content = {
            "status": "completed",
            "votes": {name: str(folder.votes(name)) for name in votes},
            "rows": {name: len(L.ids) for name, L in votes.items()},
            "lfs": list(votes["train"].lf_names),
            "coverage": coverage,
            "faults": [vars(fault) for fault in faults],
        }
        shares = ", ".join(f"{name} {share:.1%}" for name, share in coverage.items())
        cli.show(
            content,
            Text(f"{len(votes['train'].lf_names)} LFs voted. Covered: {shares}."),
            screens.bullets(_fault_lines(faults)),
            Text(f"Votes: {folder.path / 'votes'}. Next: weakft label", style="dim"),
        )


def _apply_to_file(cli: Session, source: Path | None, target: Path | None) -> None:
    if source is None or target is None:
        raise ConfigError(
            f"weakft apply: wanted SOURCE and TARGET or neither, got {source}. Say where the "
            "votes go, e.g. `weakft apply rows.parquet votes.parquet`."
        )
    done = vote_on_file(cli.project, source, target, cli.narrator)
    content = {
        "status": "completed",
        "votes": str(target),
        "rows": done.rows,
        "lfs": list(done.votes),
        "coverage": done.covered / done.rows,
        "faults": [vars(fault) for fault in done.faults],
    }
    cli.show(
        content,
        Text(f"{len(done.votes)} LFs voted on {done.rows} rows in {done.seconds:.1f} s."),
        Text(f"Covered: {done.covered / done.rows:.1%}."),
        screens.bullets(_fault_lines(done.faults)),
        Text(f"Votes: {target}", style="dim"),
    )


def _fault_lines(faults: Iterable[Fault]) -> list[str]:
    return [
        f"{f.lf_name} raised on {f.count} rows, first {f.row_id!r}:\n{f.traceback}" for f in faults
    ]


def label(project: ProjectOption = None, set_: SetOption = None, json: JsonOption = False) -> None:
    """Combine the votes of `weakft apply` into probabilistic labels."""
    with session(project, set_, json) as cli:
        folder, metrics = stagewise.label(cli.project, cli.narrator)
        content = {
            "status": "completed",
            "soft_labels": str(folder.soft_labels),
            "metrics": {"labels": metrics["labels"]},
            "warnings": metrics["labels"]["warnings"],
        }
        cli.show(
            content,
            screens.label_quality(metrics["labels"]),
            screens.bullets(metrics["labels"]["warnings"]),
            Text(f"Soft labels: {folder.soft_labels}. Next: weakft train", style="dim"),
        )


def train(
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Fine-tune on the soft labels of `weakft label`, and on gold where there is some."""
    with session(project, set_, json) as cli:
        folder, metrics = stagewise.train(cli.project, cli.narrator)
        end_model = metrics["end_model"]
        content = {
            "status": "completed",
            "model": str(folder.model),
            "metrics": {"end_model": end_model},
            "warnings": end_model["warnings"],
        }
        cli.show(
            content,
            Text(end_model["gold"]["reason"]),
            Text(f"Model: {folder.model}. Next: weakft evaluate", style="dim"),
        )


def evaluate(
    project: ProjectOption = None, set_: SetOption = None, json: JsonOption = False
) -> None:
    """Score the model of `weakft train` and its rivals on test, and publish the run."""
    with session(project, set_, json) as cli:
        opened = cli.project
        published, content = stagewise.evaluate(opened, cli.narrator)
        content, told = tracked(opened, published.id, content)
        cli.show(content, screens.run_screen(Report(opened, published)), *told)


def run(
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """The whole road: apply, label, train, evaluate, publish; one screen at the end."""
    with session(project, set_, json) as cli:
        from weakft.pipeline import run as run_pipeline

        opened = cli.project
        published, content = run_pipeline(opened, cli.narrator)
        content, told = tracked(opened, published.id, content)
        cli.show(content, screens.run_screen(Report(opened, published)), *told)
