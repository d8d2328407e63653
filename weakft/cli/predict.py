"""`weakft predict`: the model in service, or that of another run, on new rows."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from weakft.cli.serving import ServingOption, run_to_serve
from weakft.cli.session import JsonOption, ProjectOption, SetOption, session
from weakft.config import Config
from weakft.prediction import predict_file
from weakft.verify import intact, intact_model


def predict(
    source: Annotated[Path, typer.Argument(help="Rows with id and text: parquet, csv or jsonl.")],
    target: Annotated[Path, typer.Argument(help="Where to write: parquet, csv or jsonl.")],
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
    run: ServingOption = None,
) -> None:
    """Classify new rows, any number, with the model in service; resumes where it was stopped.

    `predicted` is the likeliest class; of equally likely ones, the first in [project] classes.
    """
    with session(project, set_, json) as cli:
        folder = run_to_serve(cli, run)
        config = Config.stored(intact(folder, folder.config))
        done = predict_file(
            intact_model(folder),
            source,
            target,
            config.data,
            task=config.project.task,
            hidden={*config.privacy.hidden, *cli.project.config.privacy.hidden},
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
