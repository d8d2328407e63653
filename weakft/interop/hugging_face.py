"""A dataset folder as `datasets.load_dataset(folder)` and the Hub read it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from weakft.errors import DataError
from weakft.files import draft_of, lock_of, replacing

DATA = Path("data") / "train-00000-of-00001.parquet"
CARD = Path("README.md")
TYPES = {"id": "string", "text": "string", "image": "string", "covered": "bool"}


def write_dataset(table: pd.DataFrame, classes: Sequence[str], run_id: str, folder: Path) -> None:
    """Write one split, train, and its card. An earlier export to this folder is replaced.

    Args:
        table: with columns as `WeakLabels.frame` has them; `label` becomes a class label, the
            position in `classes`, missing where no LF voted.
        classes: k class names.
        run_id: told in the card.
        folder: a new one, or one that holds an earlier export.

    Raises:
        DataError: the folder holds something else.
    """
    if folder.exists() and not (folder.is_dir() and _is_ours(folder)):
        raise DataError(f"{folder} holds something else. Name a new folder; nothing was written.")
    (folder / DATA).parent.mkdir(parents=True, exist_ok=True)
    data = _arrow(table, classes)
    with replacing(folder / DATA) as draft:
        pq.write_table(data, draft)
        size = draft.stat().st_size
    with replacing(folder / CARD) as draft:
        draft.write_text(_card(data, classes, run_id, size), encoding="utf-8")


def _is_ours(folder: Path) -> bool:
    found = {path.absolute() for path in folder.rglob("*") if path.is_file()}
    files = [(folder / file).absolute() for file in (DATA, CARD)]
    return found <= {of(file) for file in files for of in (Path, draft_of, lock_of)}


def _arrow(table: pd.DataFrame, classes: Sequence[str]) -> pa.Table:
    positions = {name: k for k, name in enumerate(classes)}
    columns = {str(name): column.tolist() for name, column in table.items()}
    columns["label"] = [positions.get(name) for name in columns["label"]]
    types = {
        "string": pa.string(),
        "bool": pa.bool_(),
        "int64": pa.int64(),
        "float64": pa.float64(),
    }
    schema = pa.schema([(name, types[_type(name)]) for name in columns])
    described = {"info": {"features": {name: _feature(name, classes) for name in columns}}}
    return pa.table(columns, schema=schema.with_metadata({"huggingface": json.dumps(described)}))


def _type(name: str) -> str:
    return "int64" if name == "label" else TYPES.get(name, "float64")


def _feature(name: str, classes: Sequence[str]) -> dict[str, Any]:
    if name == "label":
        return {"names": list(classes), "_type": "ClassLabel"}
    return {"dtype": _type(name), "_type": "Value"}


def _card(data: pa.Table, classes: Sequence[str], run_id: str, size: int) -> str:
    head = [
        "configs:",
        "- config_name: default",
        "  data_files:",
        "  - split: train",
        "    path: data/train-*",
        "dataset_info:",
        "  features:",
    ]
    for name in data.column_names:
        head.append(f"  - name: {_quoted(name)}")
        if name == "label":
            head += ["    dtype:", "      class_label:", "        names:"]
            head += [f"          '{k}': {_quoted(class_)}" for k, class_ in enumerate(classes)]
        else:
            head.append(f"    dtype: {_type(name)}")
    head += [
        "  splits:",
        "  - name: train",
        f"    num_bytes: {data.nbytes}",
        f"    num_examples: {data.num_rows}",
        f"  download_size: {size}",
        f"  dataset_size: {data.nbytes}",
        "tags:",
        "- weak-supervision",
    ]
    return "\n".join(["---", *head, "---", "", _about(data, run_id), ""])


def _about(data: pa.Table, run_id: str) -> str:
    covered = sum(data["covered"].to_pylist())
    return (
        f"# Weak labels\n\nProbabilistic labels of {data.num_rows} rows, made by labeling "
        f"functions and a label model (weakft run {run_id}). Of these, {covered} are covered: at "
        "least one labeling function voted. `label` is the likeliest class; it is missing on the "
        "others, and where the likeliest classes tie; nobody has checked it. `p_<class>` are the "
        "probabilities; on rows that are not covered they are only the prior."
    )


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)  # a YAML string, too
