"""`weakft predict`: the end model of a run on new rows."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from weakft.cli.session import JsonOption, ProjectOption, SetOption, session
from weakft.config import Config
from weakft.prediction import predict_file


def predict(
    source: Annotated[Path, typer.Argument(help="Rows with id and text: parquet, csv or jsonl.")],
    target: Annotated[Path, typer.Argument(help="Where to write: parquet, csv or jsonl.")],
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
    run: Annotated[
        str, typer.Option(help="Run whose model predicts: its id, latest or current.")
    ] = "latest",
) -> None:
    """Classify new rows, any number, with the end model of a run; resumes where it was stopped."""
    with session(project, set_, json) as cli:
        folder = cli.project.registry.open(run)
        config = Config.load(folder.config, environ={})
        done = predict_file(
            folder.model,
            source,
            target,
            config.data,
            task=config.project.task,
            narrator=cli.narrator,
        )
        content = {
            "status": "completed",
            "run_id": folder.id,
            "output": str(target),
            "rows": done.rows,
            "resumed": done.resumed,
            "predicted": done.counts,
        }
        shares = ", ".join(f"{name} {count}" for name, count in done.counts.items())
        cli.show(content, Text(f"{done.rows} rows: {shares}. By run {folder.id}; in {target}."))
