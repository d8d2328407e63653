"""`weakft analyze`: what the votes say about the LFs, alone or against a run. Writes nothing."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import RenderableType
from rich.text import Text

from weakft.analysis import near_copies, pairwise
from weakft.cli import moved, screens
from weakft.cli.session import JsonOption, ProjectOption, Session, SetOption, session
from weakft.dataset import read_dataset
from weakft.errors import ConfigError
from weakft.labels import LabelMatrix
from weakft.pipeline.labelling import gaps_of, quick_model, summarise_lfs
from weakft.pipeline.voting import cast_votes
from weakft.project import Project
from weakft.report import Report


def analyze(
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
    run: Annotated[str | None, typer.Option(help="A published run instead of today's LFs.")] = None,
    diff: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="What moved since a run (its id, or latest), as Markdown for a pull request.",
        ),
    ] = None,
) -> None:
    """Show each LF's coverage, overlaps, conflicts and accuracy on dev; write nothing."""
    with session(project, set_, json) as cli:
        opened = cli.project
        if run is not None and diff is not None:
            raise ConfigError(
                f"Wanted --run or --diff, got both ({run!r} and {diff!r}). --diff compares today's "
                "LFs with a run; leave --run out."
            )
        if diff is not None:
            _show_diff(cli, opened, diff)
        elif run is not None:
            report = Report(opened, opened.runs.open(run))
            cli.show(*analysis(report.lf_table(), report.votes("train"), report.gap_rows()))
        else:
            data = read_dataset(opened.config, opened.root)
            votes = cast_votes(opened, data, cli.narrator)
            texts = dict(zip(data["train"].ids, data["train"].texts, strict=True))
            gaps = [
                {**vars(gap), "texts": [texts[row_id] for row_id in gap.ids]}
                for gap in gaps_of(data, votes["train"])
            ]
            model = quick_model(opened, data, votes)
            cli.show(*analysis(summarise_lfs(opened, data, votes, model), votes["train"], gaps))


def analysis(
    table: pd.DataFrame, L: LabelMatrix, gaps: Sequence[Mapping[str, Any]] = ()
) -> tuple[Any, ...]:
    """What `Session.show` prints of an LF table and the votes on train behind it."""
    copies = [vars(pair) for pair in near_copies(L)]
    coverage = float(L.covered.mean())
    content = {
        "status": "completed",
        "coverage": coverage,
        "lfs": table.astype(object).where(table.notna(), None).to_dict("records"),
        "near_copies": copies,
        "pairs": pairwise(L).to_dict("records"),
        "gaps": list(gaps),
    }
    screen: list[RenderableType] = [
        screens.lf_table(table),
        Text(f"{coverage:.1%} of train is covered by at least one LF."),
        screens.gaps(gaps),
        screens.bullets([f"{c['first']} and {c['second']} are near copies." for c in copies]),
    ]
    return content, *screen


def _show_diff(cli: Session, project: Project, run_id: str) -> None:
    report = Report(project, project.runs.open(run_id))
    classes = project.config.classes
    if report.classes != classes:
        raise ConfigError(
            f"Run {report.run.id} tells the classes {list(report.classes)} apart, [project] "
            f"classes of weakft.toml are {list(classes)}: votes for different classes cannot be "
            "compared. Name a run made with today's classes: `weakft runs list`."
        )
    data = read_dataset(project.config, project.root)
    before = {name: report.votes(name) for name in report.splits}
    after = cast_votes(project, data, cli.narrator)
    comparison = moved.compare(data, classes, before, after)
    markdown = moved.as_markdown(comparison)
    content = {"status": "completed", "run_id": report.run.id, "diff": comparison.as_dict()}
    cli.show_text({**content, "markdown": markdown}, markdown)
