"""`weakft check | apply | analyze | label | train | evaluate | run`: the road and its stages.

Single stages leave their results in `runs/.work` and read the stage before from there;
`evaluate` publishes that folder as a run. `run` does it all in one go.
"""

from typing import Annotated

import pandas as pd
import typer
from rich.text import Text

from weakft.analysis import near_copies
from weakft.cli import screens
from weakft.cli.session import JsonOption, ProjectOption, Session, SetOption, session
from weakft.dataset import read_dataset
from weakft.pipeline import stagewise
from weakft.pipeline.labelling import summarise_lfs
from weakft.pipeline.voting import all_faults, cast_votes
from weakft.report import Report


def apply(project: ProjectOption = None, set_: SetOption = None, json: JsonOption = False) -> None:
    """Let every LF vote on every row; count faults by LF."""
    with session(project, set_, json) as cli:
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
            screens.bullets(
                [
                    f"{f.lf_name} raised on {f.count} rows, first {f.row_id!r}:\n{f.traceback}"
                    for f in faults
                ]
            ),
            Text(f"Votes: {folder.path / 'votes'}. Next: weakft label", style="dim"),
        )


def analyze(
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
    run: Annotated[str | None, typer.Option(help="A published run instead of today's LFs.")] = None,
) -> None:
    """Show each LF's coverage, overlaps, conflicts and accuracy on dev; write nothing."""
    with session(project, set_, json) as cli:
        opened = cli.project
        if run is not None:
            report = Report(opened, opened.runs.open(run))
            table, L = report.lf_table(), report.votes("train")
        else:
            data = read_dataset(opened.config, opened.root)
            votes = cast_votes(opened, data, cli.narrator)
            table, L = summarise_lfs(opened, data, votes), votes["train"]
        _show_analysis(cli, table, float(L.covered.mean()), [vars(p) for p in near_copies(L)])


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


def train(project: ProjectOption = None, set_: SetOption = None, json: JsonOption = False) -> None:
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
        cli.show(content, screens.run_screen(Report(opened, published)))


def run(project: ProjectOption = None, set_: SetOption = None, json: JsonOption = False) -> None:
    """The whole road: apply, label, train, evaluate, publish; one screen at the end."""
    with session(project, set_, json) as cli:
        from weakft.pipeline import run as run_pipeline

        opened = cli.project
        published, content = run_pipeline(opened, cli.narrator)
        cli.show(content, screens.run_screen(Report(opened, published)))


def _show_analysis(
    cli: Session, table: pd.DataFrame, coverage: float, copies: list[dict[str, object]]
) -> None:
    records = table.astype(object).where(table.notna(), None).to_dict("records")
    content = {"status": "completed", "coverage": coverage, "lfs": records, "near_copies": copies}
    cli.show(
        content,
        screens.lf_table(table),
        Text(f"{coverage:.1%} of train is covered by at least one LF."),
        screens.bullets([f"{c['first']} and {c['second']} are near copies." for c in copies]),
    )
