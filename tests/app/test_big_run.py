"""Runs of many rows: every page opens, and none sends more than a page of rows."""

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import DEV, PAGES, Open
from tests.app.reading import cards, ids, said
from tests.published import unloaded_inputs
from weakft.analysis import lf_summary
from weakft.config import Splits
from weakft.dataset import Dataset, Split
from weakft.label_models import make_label_model
from weakft.label_models.registry import save_label_model
from weakft.labels import LabelMatrix, SoftLabels, probabilities_frame
from weakft.pipeline.story import manifest_head, write_config
from weakft.project import Project
from weakft.runs import Json, RunFolder, write_json
from weakft.tables import write_tables

ROWS: dict[Splits, int] = {"train": 1_000_000, "valid": 4000, "test": 4000}
CLASSES = ("ham", "spam")
LFS = tuple(f"lf_{j}" for j in range(5))
MOST_ROWS_SHOWN = 200
SCORE = {"value": 0.9, "low": 0.89, "high": 0.91, "support": 4000}


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("big")
    rows = pd.DataFrame(DEV, columns=["text", "label"]).assign(id=["a", "b", "c", "d"])
    for split in ROWS:
        rows.to_parquet(root / f"{split}.parquet")
    data = "\n".join(f"{split} = '{split}.parquet'" for split in ROWS)
    (root / "rules.py").touch()
    (root / "weakft.toml").write_text(
        f"[project]\nname = 'big'\nclasses = {list(CLASSES)}\n[data]\n{data}\n"
        "[labeling]\nmodules = ['rules.py']\n"
    )
    project = Project.open(root)
    for seed in (0, 1):
        publish(project, np.random.default_rng(seed))
    return project


@pytest.fixture
def shown(big: Project, opened: Open, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.setenv("WEAKFT_PROJECT", str(big.root))
    return opened


def publish(project: Project, rng: np.random.Generator) -> None:
    """A run over random texts, with LFs that are right four times of five."""
    with project.runs.staging() as folder:
        splits = {split: write_split(folder, split, n, rng) for split, n in ROWS.items()}
        L = LabelMatrix.load(folder.votes("train"))
        model = make_label_model("majority_vote", 2).fit(L)
        save_label_model(model, folder.label_model)
        soft = SoftLabels(model.predict_proba(L), L.covered, L.ids, CLASSES)
        soft.save(folder.soft_labels)
        summary = lf_summary(L, CLASSES).assign(value=np.nan, value_low=np.nan, value_high=np.nan)
        summary.to_parquet(folder.lf_summary, index=False)
        write_json(folder.gaps, {"gaps": []})
        folder.write_metrics(metrics_of(soft))
        write_config(project, folder)
        write_tables(project.root, project.config, Dataset(splits, ()), folder)
        project.runs.publish(folder, manifest_head(project, L, unloaded_inputs(project)))


def write_split(folder: RunFolder, split: Splits, n: int, rng: np.random.Generator) -> Split:
    """Votes and predictions of n rows; train has no gold."""
    ids, gold = tuple(f"{split}-{row}" for row in range(n)), rng.integers(0, 2, n)
    right = rng.random((n, len(LFS))) < 0.8
    values = np.where(right, gold[:, None], 1 - gold[:, None]).astype(np.int8)
    values[rng.random(values.shape) < 0.8] = -1
    LabelMatrix(values, LFS, ids).save(folder.votes(split))
    of_gold = np.where(rng.random(n) < 0.9, 0.9, 0.2)
    probs = np.stack([of_gold, 1 - of_gold], axis=1)[
        np.arange(n)[:, None], [[0, 1]] ^ gold[:, None]
    ]
    probabilities_frame(ids, probs, CLASSES).to_parquet(folder.predictions(split), index=False)
    texts = tuple(f"text {number}" for number in rng.integers(0, 1000, n))
    return Split(split, pd.DataFrame(), ids, texts, None if split == "train" else gold)


def metrics_of(soft: SoftLabels) -> Json:
    labels = {
        "label_model": "majority_vote",
        "chosen": "majority_vote",
        "lfs": len(LFS),
        "rows": len(soft.ids),
        "covered": int(soft.covered.sum()),
        "coverage": float(soft.covered.mean()),
        "mean_confidence": float(soft.probs[soft.covered].max(axis=1).mean()),
        "class_shares": {"ham": 0.5, "spam": 0.5},
        "warnings": [],
    }
    judged = {"accuracy": SCORE, "macro_f1": SCORE}
    end_model = {"train": {"rows": len(soft.ids)}, "valid": judged, "test": judged, "warnings": []}
    return {"labels": labels, "end_model": end_model, "rivals": {}, "warnings": []}


def rows_sent(app: AppTest) -> int:
    return max((len(element.value) for element in app.dataframe), default=0)


@pytest.mark.parametrize("page", PAGES)
def test_pages_open_and_send_few_rows(page: str, shown: Open) -> None:
    app = shown(page)
    assert not app.exception
    assert "This cannot be shown." not in said(app)
    assert rows_sent(app) <= MOST_ROWS_SHOWN


def test_what_is_counted_is_all_rows(shown: Open) -> None:
    app = shown("coverage")
    uncovered = int(cards(app)["Uncovered"].replace(",", ""))
    assert uncovered == pytest.approx(1_000_000 * 0.8**5, rel=0.02)
    assert f"{uncovered:,} rows" in said(app)
    assert len(ids(app)) == 50


@pytest.mark.parametrize(
    ("page", "query"),
    [
        ("lfs", {"lf": "lf_3", "on": "train", "which": "in conflict"}),
        ("conflicts", {"first": "lf_0", "second": "lf_4"}),
        ("coverage", {"search": "TEXT 77"}),
        ("labels", {"keep": "model says otherwise"}),
        ("errors", {"state": "wrong", "voter": "lf_1"}),
        ("model", {"gold": "ham", "predicted": "spam"}),
    ],
)
def test_rows_are_found_among_many(page: str, query: dict[str, str], shown: Open) -> None:
    app = shown(page, **query)
    assert not app.exception
    assert 0 < len(ids(app)) <= 50
    assert rows_sent(app) <= MOST_ROWS_SHOWN


def test_the_last_page_of_many_holds_the_last_rows(shown: Open) -> None:
    app = shown("labels")
    (pages,) = app.get("pagination")
    assert pages.num_pages == 20_000
    pages.set_value(20_000).run()
    assert ids(app) == [f"train-{row}" for row in range(999_950, 1_000_000)]
