"""A tiny project with a published run, made by the library itself but for the training."""

import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.published import unloaded_inputs
from weakft.config import Splits
from weakft.dataset import Dataset, read_dataset
from weakft.files import sha256
from weakft.labels import ABSTAIN, LabelMatrix, probabilities_frame
from weakft.narration import SILENCE
from weakft.pipeline.evaluating import evaluate
from weakft.pipeline.labelling import label
from weakft.pipeline.story import finish
from weakft.project import Project
from weakft.runs import Json, RunFolder, read_json, write_json

APP = Path(__file__).parents[2] / "app" / "streamlit_app.py"
PAGES = sorted(page.stem for page in (APP.parent / "app_pages").glob("*.py"))
LFS = ("says_cash", "says_noon", "says_win", "never_fires")
PERSON = "ada"

Rules = tuple[tuple[str, int], ...]

TRAIN = (
    ("win CASH now", "spam"),
    ("CASH for you", "spam"),
    ("see you at noon", "ham"),
    ("lunch?", "ham"),
    ("win win win", "spam"),
    ("the CASH desk opens at noon", "ham"),
)
TWINS = tuple((f"win CASH {row}", "spam") for row in range(30))
"""On these says_cash and says_win are one; beside them they vote on 3 and 2 rows of `TRAIN`."""
DEV = (("CASH prize", "spam"), ("noon then", "ham"), ("win at noon", "ham"), ("hello", "ham"))
TEST = (("win CASH", "spam"), ("you win", "spam"), ("noon is fine", "ham"), ("ok", "ham"))
SHOPS = ("north", "south")
RULES: Rules = (("CASH", 1), ("noon", 0), ("win", 1), ("never", 0))

Shop = Callable[..., Project]


class Open(Protocol):
    """Opens one page of the app, with a query in its address."""

    def __call__(self, page: str, **query: str) -> AppTest: ...


@pytest.fixture(autouse=True)
def main_module_kept() -> Iterator[None]:
    """Streamlit puts the app in the place of `__main__`, which spawned processes run again."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a project once for each way to make it."""

    @cache
    def make(**options: object) -> Path:
        root = tmp_path_factory.mktemp("template")
        make_project(root, **options)
        return root

    return make


@pytest.fixture
def shop(template: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Makes a project, which the app then serves; see `make_project`."""

    def make(**options: object) -> Project:
        monkeypatch.setenv("WEAKFT_PROJECT", str(tmp_path))
        shutil.copytree(template(**options), tmp_path, dirs_exist_ok=True)
        return Project.open(tmp_path)

    return make


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens the app from its entry point, on one page, as `PERSON`."""
    monkeypatch.setenv("LOGNAME", PERSON)

    def open_page(page: str, **query: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=60)
        app.query_params.update(query)
        return app.switch_page(f"app_pages/{page}.py").run()

    return open_page


def make_project(
    root: Path,
    *,
    gold: bool = True,
    run: bool = True,
    classes: tuple[str, str] = ("ham", "spam"),
    lf_names: tuple[str, ...] = LFS,
    prefix: str = "",
    rows: tuple[tuple[str, str], ...] = TRAIN,
) -> Project:
    """Write a project of four LFs and a few rows, and publish a run of it.

    Args:
        root: where.
        gold: with dev, valid and test, and gold for train; without any of them otherwise.
        run: publish a run.
        classes: names of class 0 and 1.
        lf_names: names of the four LFs.
        prefix: put before each text.
        rows: of train, text and gold.
    """
    tables = {"train": rows, "dev": DEV, "valid": DEV, "test": TEST} if gold else {"train": rows}
    for split, told in tables.items():
        ids = [f"{split}_{i}" for i in range(len(told))]
        names = [classes[label == "spam"] for _, label in told]
        frame = pd.DataFrame({"id": ids, "text": [f"{prefix}{split} {text}" for text, _ in told]})
        frame["shop"] = [f"{prefix}{SHOPS[row % len(SHOPS)]}" for row in range(len(told))]
        if split == "train":
            frame.assign(label=names)[["id", "label"]].to_parquet(root / "train_gold.parquet")
        frame = frame if split == "train" else frame.assign(label=names)
        frame.to_parquet(root / f"{split}.parquet")
    (root / "rules_of_thumb.py").write_text("raise RuntimeError('the app imports no LF file')\n")
    data = "\n".join(f'{split} = "{split}.parquet"' for split in tables)
    evaluation = 'train_gold = "train_gold.parquet"\n' if gold else ""
    (root / "weakft.toml").write_text(
        f"[project]\nname = 'tiny'\nclasses = {list(classes)!r}\n[data]\n{data}\n"
        "[labeling]\nmodules = ['rules_of_thumb.py']\n[label_model]\nname = 'majority_vote'\n"
        f"[evaluate]\nresamples = 100\n{evaluation}"
    )
    project = Project.open(root)
    if run:
        publish_run(project, lf_names)
    return project


def as_parquet(table: pd.DataFrame) -> bytes:
    written = io.BytesIO()
    table.to_parquet(written, index=False)
    return written.getvalue()


def put(run: RunFolder, file: Path, content: bytes) -> None:
    """Another content of one file of a run, as if the run had been published with it."""
    file.write_bytes(content)
    manifest = read_json(run.manifest)
    name = file.relative_to(run.path).as_posix()
    manifest["files"][name] = {"sha256": sha256(file), "bytes": len(content)}
    write_json(run.manifest, manifest)


def put_json(run: RunFolder, file: Path, content: Json) -> None:
    """The same with JSON."""
    put(run, file, json.dumps(content).encode())


def publish_run(
    project: Project, lf_names: tuple[str, ...] = LFS, rules: Rules = RULES
) -> RunFolder:
    """Every stage of a run without training: the model says class 1, at 80%, 79% and so on."""
    data = read_dataset(project.config, project.root)
    with project.runs.staging() as folder:
        votes = {name: _votes(data, name, lf_names, rules) for name in data.splits}
        for name, matrix in votes.items():
            matrix.save(folder.votes(name))
        fault = {"lf_name": lf_names[0], "count": 1, "row_id": "train_0", "traceback": "Oops: 1"}
        write_json(folder.faults, {"train": [fault]})
        label(project, data, votes, folder, SILENCE)
        _pretend_to_train(project, data, folder)
        metrics = evaluate(project, data, votes, folder, SILENCE)
        return finish(project, data, votes, folder, metrics, {}, unloaded_inputs(project))[0]


def _votes(data: Dataset, split: Splits, lf_names: tuple[str, ...], rules: Rules) -> LabelMatrix:
    values = [
        [vote if word in text else ABSTAIN for word, vote in rules] for text in data[split].texts
    ]
    return LabelMatrix(np.array(values, dtype=np.int8), lf_names, data[split].ids)


def _pretend_to_train(project: Project, data: Dataset, folder: RunFolder) -> None:
    metrics = folder.read_metrics()
    candidate = {"name": "majority_vote", "negative_log_likelihood": 0.5, "note": ""}
    metrics["labels"] |= {"reason": "Took majority_vote, alone.", "candidates": [candidate]}
    metrics["end_model"] = {"train": {"rows": 5}, "warnings": []}
    for name in data.splits:
        sure = np.maximum(0.8 - 0.01 * np.arange(len(data[name])), 0.51)
        probs = np.stack([1 - sure, sure], axis=1)
        table = probabilities_frame(data[name].ids, probs, project.config.classes)
        table.to_parquet(folder.predictions(name), index=False)
        rival = folder.rival_predictions("gold_only", name)
        rival.parent.mkdir(parents=True, exist_ok=True)
        table.to_parquet(rival, index=False)
    if "valid" in data.splits:
        score = {"value": 0.25, "low": 0.0, "high": 0.7, "support": 4}
        how = {"accuracy": score, "macro_f1": score, "how": "valid chose the checkpoint"}
        metrics["end_model"]["valid"] = how
        tried = [{"recipe": "only", "accuracy": 0.5, "rows": 8}, {"recipe": "mix", "rows": 8}]
        gold = {"recipe": "mix", "reason": "Took mix.", "rows": 8, "candidates": tried}
        metrics["end_model"]["gold"] = gold
    folder.write_metrics(metrics)
