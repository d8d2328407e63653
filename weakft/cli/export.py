"""`weakft export labels | model | mlflow`: a run's results in forms that others read."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
import typer
from rich.text import Text

from weakft.cli import tracking
from weakft.cli.serving import ServingOption, run_to_serve
from weakft.cli.session import JsonOption, ProjectOption, SetOption, session
from weakft.config import Splits
from weakft.interop.label_studio import labeling_interface
from weakft.interop.labels import export_labels, read_labels
from weakft.interop.mlflow import log_run
from weakft.report import Report
from weakft.verify import intact_model

group = typer.Typer(
    help="Labels or model of a run, for use elsewhere.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

RunOption = Annotated[str, typer.Option(help="A run id, latest or current.")]


@group.command()
def labels(
    target: Annotated[
        Path,
        typer.Argument(help=".parquet, .csv, .json (Label Studio), or a Hugging Face folder."),
    ],
    run: RunOption = "latest",
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Write the soft labels of train, with ids and texts."""
    with session(project, set_, json) as cli:
        opened = cli.project
        report = Report.open(opened, run)
        found = read_labels(report.run, report.config, opened.config.privacy.hidden)
        export_labels(found, target)
        counts = found.frame["label"].value_counts()
        covered, labelled = int(found.frame["covered"].sum()), int(counts.sum())
        content = {
            "status": "completed",
            "run_id": report.run.id,
            "output": str(target),
            "rows": len(found.frame),
            "covered": covered,
            "ties": covered - labelled,
            "labels": {name: int(counts.get(name, 0)) for name in found.classes},
        }
        ties = f" {covered - labelled} have none, as classes tie." if covered > labelled else ""
        screens = [Text(f"{labelled} of {content['rows']} rows have a label; in {target}.{ties}")]
        if target.suffix == ".json":
            kind = "image" if "image" in found.frame else "text"
            content["labeling_interface"] = labeling_interface(found.classes, kind)
            screens.append(Text(f"Labeling interface:\n{content['labeling_interface']}"))
        cli.show(content, *screens)


@group.command()
def model(
    target: Annotated[Path, typer.Argument(help="Where to write: a file ending in .onnx.")],
    run: ServingOption = None,
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Write the end model as ONNX, with tokenizer and labels, and check it with onnxruntime."""
    with session(project, set_, json) as cli:
        report = Report(cli.project, run_to_serve(cli, run))

        from weakft.interop.onnx_model import export_onnx  # imports torch

        done = export_onnx(intact_model(report.run), target, _some_rows(report))
        content = {
            "status": "completed",
            "run_id": report.run.id,
            "files": [str(file) for file in done.files],
            "checked_rows": done.checked,
            "largest_difference": done.difference,
        }
        cli.show(
            content,
            Text(f"Model: {target}. Beside it: {', '.join(f.name for f in done.files[1:])}."),
            Text(
                f"On {done.checked} rows onnxruntime's logits are PyTorch's within "
                f"{done.difference:.1g}."
            ),
        )


@group.command()
def mlflow(
    run: Annotated[str, typer.Argument(help="A run id, latest or current.")] = "latest",
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Log a run to the MLflow of `[mlflow] uri`, with its model; once, however often it is said."""
    with session(project, set_, json) as cli:
        opened = cli.project
        chosen = opened.registry.open(run)
        logged = log_run(opened, chosen)
        content = {"status": "completed", "run_id": chosen.id, "mlflow": asdict(logged)}
        cli.show(content, tracking.line(logged))


def _some_rows(report: Report) -> list[str]:
    data = report.config.data
    split: Splits = "train" if data.valid is None else "valid"
    file = report.run.rows(split)
    if {data.text, data.image} & set(report.config.privacy.hidden) or not file.exists():
        return list(report.rows(split).texts)
    texts: list[str] = pq.read_table(file, columns=["text"])["text"].to_pylist()
    return texts
