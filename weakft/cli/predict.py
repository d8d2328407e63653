"""`weakft predict`: the end model of a run on new texts."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.text import Text

from weakft.cli.session import JsonOption, ProjectOption, SetOption, session
from weakft.config import Config
from weakft.dataset import read_texts
from weakft.errors import DataError
from weakft.labels import probabilities_frame

WRITERS = {
    ".parquet": lambda frame, path: frame.to_parquet(path, index=False),
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
    ".jsonl": lambda frame, path: frame.to_json(path, orient="records", lines=True),
}


def predict(
    source: Annotated[Path, typer.Argument(help="parquet, csv or jsonl with id and text.")],
    output: Annotated[Path, typer.Argument(help="Where to write: parquet, csv or jsonl.")],
    project: ProjectOption = None,
    set_: SetOption = None,
    json: JsonOption = False,
    run: Annotated[str, typer.Option(help="Run whose model predicts.")] = "latest",
) -> None:
    """Classify new texts with the end model of a run."""
    with session(project, set_, json) as cli:
        opened = cli.project
        folder = opened.runs.open(run)
        if output.suffix not in WRITERS:
            raise DataError(f"{output}: wanted a file ending in {', '.join(WRITERS)}.")
        if not output.parent.is_dir() or output.resolve() == source.resolve():
            raise DataError(f"{output}: wanted a new file in a folder that exists.")
        config = Config.load(folder.config, environ={})
        ids, texts = read_texts(source, config.data, config.project.task)

        from weakft.end_model import EndModel  # imports torch

        model = EndModel.load(folder.model)
        probs = model.predict_proba(texts, narrator=cli.narrator)
        frame = probabilities_frame(ids, probs, model.classes)
        predicted = pd.Series([model.classes[k] for k in probs.argmax(axis=1)], dtype="str")
        frame.insert(1, "predicted", predicted)
        _write_whole(frame, output)
        counts = {str(name): int(count) for name, count in predicted.value_counts().items()}
        content = {
            "status": "completed",
            "run_id": folder.id,
            "output": str(output),
            "rows": len(frame),
            "predicted": counts,
        }
        shares = ", ".join(f"{name} {count}" for name, count in counts.items())
        cli.show(
            content,
            Text(f"{len(frame)} rows: {shares}. By run {folder.id}; written to {output}."),
        )


def _write_whole(frame: pd.DataFrame, output: Path) -> None:
    partial = output.with_name(f".{output.name}.partial{output.suffix}")
    try:
        WRITERS[output.suffix](frame, partial)
        partial.replace(output)
    except OSError as error:
        raise DataError(f"{output} cannot be written: {error}.") from error
    finally:
        partial.unlink(missing_ok=True)
