"""Projects from folders in the WRENCH layout (Zhang et al., NeurIPS 2021 Datasets)."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tomli_w

from weakft.config import FILE_NAME, Config
from weakft.dataset import read_dataset
from weakft.errors import ConfigError, DataError
from weakft.files import explained, sole_writer
from weakft.labels import ABSTAIN, LabelMatrix
from weakft.text_files import read_text

SPLITS = ("train", "valid", "test")

Rows = dict[str, dict[str, Any]]


def import_wrench(source: Path, destination: Path) -> dict[str, Any]:
    """Make a weakft project, votes included, so that `weakft run` works on it without LFs.

    Args:
        source: holds train.json and label.json, and maybe valid.json, test.json and
            lfs.json (LF names). `{"0": {"label": 1, "weak_labels": [-1, 1], "data":
            {"text": "..."}}}`, -1 = abstain.
        destination: a folder that does not exist yet, or is empty.

    Returns:
        classes, lfs (count) and rows by split. The gold of train is set aside in
        `data/train_gold.parquet`, which only evaluation reads.

    Raises:
        DataError: a file is missing or not of this layout.
        ConfigError: the destination holds something already.
        LockedError: another process makes a project there.
    """
    destination = destination.resolve()
    _refuse_filled(destination)
    classes = _classes(_read(source / "label.json"), source / "label.json")
    present = [split for split in SPLITS if split == "train" or (source / f"{split}.json").exists()]
    rows = {split: _rows(source / f"{split}.json") for split in present}
    lf_names = _lf_names(source, rows["train"])

    with explained(destination):
        destination.parent.mkdir(parents=True, exist_ok=True)
    with sole_writer(destination):
        _refuse_filled(destination)
        _write_project(source, destination, classes, lf_names, rows)
    counts = {split: len(content) for split, content in rows.items()}
    return {"classes": classes, "lfs": len(lf_names), "rows": counts}


def _refuse_filled(destination: Path) -> None:
    if destination.exists() and (not destination.is_dir() or any(destination.iterdir())):
        raise ConfigError(f"{destination} is not empty. Name a new folder; nothing was written.")


def _write_project(
    source: Path, destination: Path, classes: list[str], lf_names: list[str], rows: dict[str, Rows]
) -> None:
    staged = destination.with_name(f".{destination.name}.partial-{os.getpid()}")
    try:
        for folder in ("data", "votes"):
            (staged / folder).mkdir(parents=True)
        for split, content in rows.items():
            _write_split(staged, split, content, classes, lf_names, source / f"{split}.json")
        settings = tomli_w.dumps(_settings(source.resolve().name, classes, list(rows)))
        (staged / FILE_NAME).write_text(settings, encoding="utf-8")
        read_dataset(Config.load(staged / FILE_NAME, environ={}), staged)
        if destination.exists():
            destination.rmdir()
        staged.rename(destination)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _settings(name: str, classes: list[str], present: list[str]) -> dict[str, Any]:
    return {
        "project": {"name": name, "classes": classes},
        "data": {split: f"data/{split}.parquet" for split in present},
        "labeling": {"votes": "votes"},
        "evaluate": {"train_gold": "data/train_gold.parquet"},
    }


def _write_split(
    staged: Path, split: str, rows: Rows, classes: list[str], lf_names: list[str], path: Path
) -> None:
    ids = [f"{split}-{key}" for key in rows]
    try:
        texts = [_text(row["data"]["text"]) for row in rows.values()]
        gold = [classes[_label(row["label"], len(classes))] for row in rows.values()]
        matrix = LabelMatrix.from_array(np.array([row["weak_labels"] for row in rows.values()]))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path}: wanted rows like {{'label': 0, 'weak_labels': [-1, 0], 'data': {{'text': "
            f"'...'}}}} with labels 0..{len(classes) - 1}; {type(error).__name__}: {error}."
        ) from error
    if matrix.values.max(initial=ABSTAIN) >= len(classes):
        raise DataError(f"{path}: votes lie in -1..{len(classes) - 1}, got {matrix.values.max()}.")
    LabelMatrix(matrix.values, tuple(lf_names), tuple(ids)).save(
        staged / "votes" / f"{split}.parquet"
    )
    frame = pd.DataFrame({"id": ids, "text": texts})
    labels = pd.DataFrame({"id": ids, "label": gold})
    if split == "train":
        labels.to_parquet(staged / "data" / "train_gold.parquet", index=False)
    else:
        frame["label"] = labels["label"]
    frame.to_parquet(staged / "data" / f"{split}.parquet", index=False)


def _rows(path: Path) -> Rows:
    rows = _read(path)
    if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
        raise DataError(f"{path}: wanted an object of rows by id, got {type(rows).__name__}.")
    return rows


def _text(text: Any) -> str:  # noqa: ANN401
    if not isinstance(text, str):
        raise TypeError(f"text {text!r:.80}")
    text.encode()  # a ValueError where it holds half a character
    return text


def _label(label: Any, cardinality: int) -> int:  # noqa: ANN401
    if type(label) is not int or not 0 <= label < cardinality:
        raise ValueError(f"label {label!r}")
    return label


def _classes(names: Any, path: Path) -> list[str]:  # noqa: ANN401
    wanted = [str(k) for k in range(len(names))] if isinstance(names, dict) else []
    if not isinstance(names, dict) or sorted(names, key=str) != sorted(wanted):
        raise DataError(f"{path}: wanted {{'0': 'first class', '1': ...}}, got {names!r:.80}.")
    return [str(names[key]) for key in wanted]


def _lf_names(source: Path, train: Rows) -> list[str]:
    votes = len(next(iter(train.values()), {}).get("weak_labels", []))
    file = source / "lfs.json"
    names = _read(file) if file.exists() else [f"lf_{j}" for j in range(votes)]
    if len(names) != votes:
        raise DataError(f"{file} names {len(names)} LFs, but train.json has {votes} votes a row.")
    return [str(name) for name in names]


def _read(path: Path) -> Any:  # noqa: ANN401
    try:
        return json.loads(read_text(path))
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; the WRENCH layout has it.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is no UTF-8 JSON: {error}.") from error
