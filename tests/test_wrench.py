"""Importing the WRENCH layout: votes, texts and gold end up where they belong."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from weakft.dataset import read_dataset
from weakft.errors import ConfigError, DataError
from weakft.interop.wrench import import_wrench
from weakft.narration import SILENCE
from weakft.pipeline.voting import cast_votes
from weakft.project import Project

BENCH = Path(__file__).parent.parent.parent / "shared" / "bench"
ROWS = {
    str(i): {"label": i % 2, "weak_labels": [i % 2, -1, 0], "data": {"text": f"text {i}"}}
    for i in range(6)
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "label.json").write_text(json.dumps({"0": "ham", "1": "spam"}))
    for split in ("train", "valid", "test"):
        rows = {k: {**v, "data": {"text": f"{split} {k}"}} for k, v in ROWS.items()}
        (folder / f"{split}.json").write_text(json.dumps(rows))
    return folder


def test_a_project_comes_out(source: Path, tmp_path: Path) -> None:
    about = import_wrench(source, tmp_path / "project")
    assert about == {
        "classes": ["ham", "spam"],
        "lfs": 3,
        "rows": {"train": 6, "valid": 6, "test": 6},
    }
    project = Project.open(tmp_path / "project")
    data = read_dataset(project.config, project.root)
    votes = cast_votes(project, data, SILENCE)
    assert votes["train"].values.tolist() == [r["weak_labels"] for r in ROWS.values()]
    assert data["test"].gold is not None
    assert data["test"].gold.tolist() == [r["label"] for r in ROWS.values()]
    assert "label" not in pd.read_parquet(tmp_path / "project" / "data" / "train.parquet")


def test_nothing_is_overwritten(source: Path, tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "mine.txt").write_text("precious")
    with pytest.raises(ConfigError, match="not empty"):
        import_wrench(source, tmp_path / "project")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("train.json", "{", "no UTF-8 JSON"),
        ("train.json", json.dumps({"0": {"label": 0}}), "wanted rows like"),
        ("test.json", json.dumps({"0": {**ROWS["0"], "label": 7}}), "label 7"),
        ("valid.json", json.dumps({"0": {**ROWS["0"], "weak_labels": [5, 0, 0]}}), "got 5"),
        ("lfs.json", '["one"]', "names 1 LFs"),
        ("label.json", None, "no such file"),
        ("label.json", '{"ham": 0}', "first class"),
        ("train.json", "[]", "object of rows"),
        ("valid.json", json.dumps({"0": {**ROWS["0"], "data": {"text": " "}}}), "no 'text'"),
    ],
)
def test_what_is_not_of_the_layout_leaves_nothing(
    source: Path, tmp_path: Path, file: str, content: str | None, message: str
) -> None:
    (source / file).unlink(missing_ok=True)
    if content is not None:
        (source / file).write_text(content)
    with pytest.raises(DataError, match=message):
        import_wrench(source, tmp_path / "project")
    assert [p.name for p in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize("name", ["youtube", "sms", "trec", "agnews"])
def test_the_public_sets_import(name: str, tmp_path: Path) -> None:
    if not (BENCH / name).is_dir():
        pytest.skip("benchmark data is not here")
    import_wrench(BENCH / name, tmp_path / "project")
    project = Project.open(tmp_path / "project")
    data = read_dataset(project.config, project.root)
    L = cast_votes(project, data, SILENCE)["train"]
    rows = json.loads((BENCH / name / "train.json").read_text()).values()
    assert (L.values == np.array([row["weak_labels"] for row in rows])).all()
