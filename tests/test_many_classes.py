"""More than 127 classes from end to end: votes in int16, and what the reports make of it."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from tests.conftest import TINY_TRAIN, write_project
from weakft import LabelMatrix, apply_lfs, keyword_lf
from weakft.apply import VoteCache, apply_parquet, arrow_votes
from weakft.cli.main import app
from weakft.config import Config
from weakft.errors import DataError, InvalidVote
from weakft.labels import vote_dtype
from weakft.pipeline.labelling import _about_classes
from weakft.project import Project
from weakft.report import Report

K = 150
FRAME = pd.DataFrame({"id": ["a", "b"], "text": ["late", "early"]})


@pytest.mark.parametrize(("k", "name"), [(127, "int8"), (128, "int16")])
def test_one_rule_decides_the_type_of_votes_everywhere(k: int, name: str, tmp_path: Path) -> None:
    lf = keyword_lf("late", ["late"], k - 1)
    expected = [[k - 1], [-1]]
    cache = VoteCache(tmp_path / "votes.sqlite")
    for L in (
        apply_lfs([lf], FRAME, cardinality=k),
        apply_lfs([lf], FRAME, cardinality=k, cache=cache),
        apply_lfs([lf], FRAME, cardinality=k, cache=cache),
    ):
        assert (L.values.dtype, L.values.tolist()) == (name, expected)
    L.save(tmp_path / "votes.parquet")
    assert LabelMatrix.load(tmp_path / "votes.parquet").values.dtype == name
    assert LabelMatrix.from_array(expected).values.dtype == name
    FRAME.to_parquet(tmp_path / "rows.parquet")
    apply_parquet([lf], tmp_path / "rows.parquet", tmp_path / "out.parquet", cardinality=k)
    assert pq.read_schema(tmp_path / "out.parquet").field("late").type == name
    (batch,) = arrow_votes([lf], cardinality=k)([pa.RecordBatch.from_pandas(FRAME)])
    assert (batch.schema.field("late").type, batch["late"].to_pylist()) == (name, [k - 1, -1])


def test_votes_kept_for_more_classes_are_not_taken_for_fewer(tmp_path: Path) -> None:
    """255 in int8 is -1: an abstain that nobody cast."""
    cache = VoteCache(tmp_path / "votes.sqlite")
    lf = keyword_lf("late", ["late"], 255)
    apply_lfs([lf], FRAME, cardinality=300, cache=cache)
    with pytest.raises(InvalidVote, match=r"returned 255 .* 0\.\.99"):
        apply_lfs([lf], FRAME, cardinality=100, cache=cache)


def test_too_many_classes_are_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidVote, match="more than 127 classes, give their number as card"):
        apply_lfs([keyword_lf("late", ["late"], 127)], FRAME)
    with pytest.raises(DataError, match=r"-1\.\.999, got 1000\.\.1000"):
        LabelMatrix.from_array([[1000]])
    project = {"project": {"classes": [f"c{i}" for i in range(1001)]}, "data": {"train": "t"}}
    with pytest.raises(ValueError, match="wanted 2 to 1000 classes, got 1001; merge some"):
        Config.model_validate(project)
    project["project"]["classes"].pop()
    assert len(Config.model_validate(project).classes) == 1000


def test_classes_without_an_lf_are_named() -> None:
    data = SimpleNamespace(reviewed={})
    classes = ("a", "b", "c")
    (some,) = _about_classes(LabelMatrix.from_array([[0], [1]]), classes, data)  # type: ignore[arg-type]
    assert some.startswith("No LF votes for c on train: 1 of 3 classes")
    (one,) = _about_classes(LabelMatrix.from_array([[1], [-1]]), classes, data)  # type: ignore[arg-type]
    assert one.startswith("Every vote on train is for 'b', so votes cannot tell it from a, c")
    assert not _about_classes(LabelMatrix.from_array([[0, 1, 2]]), classes, data)  # type: ignore[arg-type]


CONFIG = f"""
[project]
classes = {json.dumps([f"topic {k}" for k in range(K)])}

[data]
train = "data/train.parquet"
valid = "data/valid.parquet"

[labeling]
modules = ["labeling/tiny.py"]

{TINY_TRAIN}
[retrain]
first = "promote"

[evaluate]
resamples = 100
"""

LFS = f"""
from weakft import keyword_lf

for k in range({K - 1}):
    globals()[f"says_{{k}}"] = keyword_lf(f"says_{{k}}", [f"word{{k}}"], k)
    globals()[f"hints_{{k}}"] = keyword_lf(f"hints_{{k}}", [f"hint{{k}}"], k)
"""


def test_a_project_of_150_classes_runs_and_reports(tiny_model: Path, tmp_path: Path) -> None:
    root = write_project(tmp_path / "project", tiny_model, config=CONFIG, lfs=LFS)
    rng = np.random.default_rng(0)
    for split, n in {"train": 300, "valid": 200}.items():
        gold = np.arange(n) % K
        hints = [f"hint{rng.integers(K)}" if rng.random() < 0.3 else "" for _ in gold]
        texts = [
            f"{split} {i} word{k} {hint}"
            for i, (k, hint) in enumerate(zip(gold, hints, strict=False))
        ]
        rows = pd.DataFrame({"id": [f"{split}-{i}" for i in range(n)], "text": texts})
        rows["label"] = [f"topic {k}" for k in gold]
        rows.to_parquet(root / "data" / f"{split}.parquet", index=False)

    def weakft(*arguments: str) -> dict:
        result = CliRunner().invoke(app, [*arguments, "--project", str(root), "--json"])
        assert result.exit_code == 0, (result.stdout, result.stderr, result.exception)
        found: dict = json.loads(result.stdout)
        return found

    content = weakft("run")
    run = Path(content["run_dir"])
    types = pd.read_parquet(run / "votes" / "train.parquet").dtypes.iloc[1:]
    assert types.eq(str(vote_dtype(K))).all()
    assert any(f"No LF votes for topic {K - 1} on train" in each for each in content["warnings"])
    assert content["metrics"]["labels"]["valid"]["accuracy"]["value"] > 0.6
    project = Project.open(root)
    report = Report(project, project.runs.open(content["run_id"]))
    labels = report.table("train").column("label")
    assert labels.max() == K - 2
    weakft("analyze")
    weakft("report", "--html", str(tmp_path / "page.html"))
    page = (tmp_path / "page.html").read_text()
    assert "The classes taken for each other most often" in page
    assert "Confusion matrix" not in page
