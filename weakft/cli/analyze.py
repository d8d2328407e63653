"""`weakft analyze`: what the votes say about the LFs, alone or against others. Writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer
from rich.console import RenderableType
from rich.text import Text

from weakft.analysis import near_copies, pairwise
from weakft.cli import moved, screens
from weakft.cli.session import JsonOption, ProjectOption, Session, SetOption, session
from weakft.comparison import Comparison
from weakft.dataset import Dataset, read_dataset
from weakft.errors import ConfigError
from weakft.gaps import quoted
from weakft.labels import LabelMatrix
from weakft.lf.tracing import forget_modules_of
from weakft.pipeline.labelling import gaps_of, quick_model, summarise_lfs
from weakft.pipeline.voting import Votes, cast_votes
from weakft.project import Project
from weakft.report import Report
from weakft.visible import HIDDEN


def analyze(
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
    run: Annotated[str | None, typer.Option(help="A published run instead of today's LFs.")] = None,
    diff: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="What moved since a run (its id, latest or current), or against the LFs of "
            "another folder, as Markdown for a pull request.",
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
            hidden = opened.config.shown_as(opened.config.privacy.hidden)
            gaps = quoted([vars(gap) for gap in gaps_of(data, votes["train"])], texts, hidden)
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


def _show_diff(cli: Session, project: Project, other: str) -> None:
    data = read_dataset(project.config, project.root)
    runs = {"latest", "current", *project.runs.ids()}
    if other not in runs and Path(other).is_dir():
        named = {"folder": str(Path(other).resolve())}
        before = _votes_of_folder(cli, project, Path(other), data)
    else:
        report = Report.open(project, other)
        named = {"run_id": report.run.id}
        before = _votes_of_run(project, report)
    after = cast_votes(project, data, cli.narrator)
    comparison = _withheld(project, moved.compare(data, project.config.classes, before, after))
    markdown = moved.as_markdown(comparison)
    content = {"status": "completed", **named, "diff": comparison.as_dict()}
    cli.show_text({**content, "markdown": markdown}, markdown)


def _votes_of_run(project: Project, report: Report) -> Votes:
    remedy = "Name a run made with today's classes: `weakft runs list`."
    _refuse_other_classes(project, report.classes, f"Run {report.run.id}", remedy)
    return {name: report.votes(name) for name in report.splits}


def _votes_of_folder(cli: Session, project: Project, folder: Path, data: Dataset) -> Votes:
    """What the LFs of another checkout say of our rows; its modules are forgotten then."""
    other = Project.open(folder, cli.overrides)
    remedy = "Compare with a folder that has the same."
    _refuse_other_classes(project, other.config.classes, f"The project in {other.root}", remedy)
    config = other.config.model_copy(update={"data": project.config.data})
    try:
        return cast_votes(Project(other.root, config), data, cli.narrator)
    finally:
        forget_modules_of(other.root)


def _refuse_other_classes(
    project: Project, others: tuple[str, ...], whose: str, remedy: str
) -> None:
    classes = project.config.classes
    if others != classes:
        raise ConfigError(
            f"{whose} tells the classes {list(others)} apart, [project] classes of weakft.toml "
            f"are {list(classes)}: votes for different classes cannot be compared. {remedy}"
        )


def _withheld(project: Project, comparison: Comparison) -> Comparison:
    """The same without the ids or texts that `[privacy] hidden` names."""
    hidden = project.config.shown_as(project.config.privacy.hidden)
    masks = {name: HIDDEN for name in ("id", "text") if name in hidden}
    flips = tuple(replace(flip, **masks) for flip in comparison.flips)
    return replace(comparison, flips=flips)
