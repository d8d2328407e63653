"""The demo project: its data is whole, its LFs are sound, no gold leaks."""

import hashlib
import re
from pathlib import Path

import pandas as pd
import pytest

from weakft.apply import apply_lfs
from weakft.dataset import read_dataset
from weakft.lf import load_lfs
from weakft.project import Project

ROOT = Path(__file__).parent.parent
DATA = ROOT / "data" / "reviews"
SPLITS = ("train", "dev", "valid", "test")


def test_checksums_are_those_in_the_readme() -> None:
    readme = (DATA / "README.md").read_text()
    for name in (*SPLITS, "train_gold"):
        digest = hashlib.sha256((DATA / f"{name}.parquet").read_bytes()).hexdigest()
        assert digest in readme, name


def test_no_review_stands_in_two_splits() -> None:
    seen: set[str] = set()
    for name in SPLITS:
        reviews = set(pd.read_parquet(DATA / f"{name}.parquet")["review"].astype(str))
        assert not seen & reviews
        seen |= reviews
    assert len(seen) == 300


def test_the_gold_of_train_is_set_aside() -> None:
    assert "label" not in pd.read_parquet(DATA / "train.parquet").columns
    gold = pd.read_parquet(DATA / "train_gold.parquet")
    assert list(gold["id"]) == list(pd.read_parquet(DATA / "train.parquet")["id"])


@pytest.fixture(scope="module")
def project() -> Project:
    return Project.open(ROOT)


def test_the_lfs_are_many_distinct_and_explained(project: Project) -> None:
    lfs = load_lfs(project.lf_files, project.root)
    assert len(lfs) >= 15
    assert all(lf.__doc__ for lf in lfs)
    assert all(re.fullmatch(r"[a-z_]+", lf.name) for lf in lfs)


def test_the_lfs_cover_most_of_train_without_a_fault(project: Project) -> None:
    data = read_dataset(project.config, project.root)
    assert data.warnings == ()
    L = apply_lfs(load_lfs(project.lf_files, project.root), data["train"].frame, cardinality=3)
    assert L.faults == ()
    assert L.covered.mean() > 0.85
    assert (L.values >= 0).any(axis=0).all()
