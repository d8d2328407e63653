"""A run folder whose tables the library writes from random votes, labels and predictions."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from weakft.config import Config, Splits
from weakft.dataset import Dataset, Split
from weakft.label_models import make_label_model
from weakft.label_models.registry import save_label_model
from weakft.labels import LabelMatrix, SoftLabels, probabilities_frame
from weakft.runs import RunFolder
from weakft.tables import RowTable, write_tables

CLASSES = ("ham", "spam", "größer: als, alle")
LFS = ("dotted", "dotted.name", 'says "it\'s"', "ID", "snow ☃, really: yes", "never")
WORDS = ("CASH", "noon", "ÉTÉ", "été", "a.c", "50%", "x_y", "(", "win")
ROWS = 5000


@dataclass(frozen=True)
class Made:
    """What the tables of one split were made from.

    Attributes:
        ids: n row ids.
        texts: n texts.
        votes: [n, m].
        gold: [n] class positions, -1 without.
        soft: [n, k].
        probs: [n, k] of the end model; None: it predicted nothing.
        columns: [n] further columns of the data.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    votes: np.ndarray
    gold: np.ndarray
    soft: np.ndarray
    probs: np.ndarray | None
    columns: dict[str, list[str | None]] = field(default_factory=dict)


@pytest.fixture(scope="session")
def made() -> dict[Splits, Made]:
    rng = np.random.default_rng(3)
    train = random_rows(rng, ROWS, "train")
    dev = random_rows(rng, 40, "dev")
    gold = rng.integers(0, len(CLASSES), 40)
    return {"train": train, "dev": Made(dev.ids, dev.texts, dev.votes, gold, dev.soft, None)}


@pytest.fixture(scope="session")
def run(made: dict[Splits, Made], tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return write_run(tmp_path_factory.mktemp("run"), made)


@pytest.fixture(scope="session")
def table(run: RunFolder) -> RowTable:
    return RowTable(run, "train", CLASSES)


def random_rows(rng: np.random.Generator, n: int, name: str) -> Made:
    """Rows with many ties: probabilities are twentieths."""
    votes = rng.integers(0, len(CLASSES), (n, len(LFS))).astype(np.int8)
    votes[rng.random(votes.shape) < 0.6] = -1
    votes[:, LFS.index("never")] = -1
    texts = [" ".join(words) for words in rng.choice(WORDS, (n, 3))]
    texts[n // 2] += " long" * 1000 + " the end"
    return Made(
        ids=tuple(f"{name} {row}" for row in rng.permutation(n)),
        texts=tuple(texts),
        votes=votes,
        gold=np.where(rng.random(n) < 0.5, rng.integers(0, len(CLASSES), n), -1),
        soft=rng.multinomial(20, [1 / 3] * 3, n) / 20,
        probs=rng.multinomial(20, [1 / 3] * 3, n) / 20,
    )


def write_run(root: Path, made: dict[Splits, Made], *, hidden: tuple[str, ...] = ()) -> RunFolder:
    """A run folder with votes, labels, predictions, and the tables made from them."""
    folder = RunFolder(root / "runs" / "some-run")
    folder.make_folders()
    for split, rows in made.items():
        LabelMatrix(rows.votes.copy(), LFS, rows.ids).save(folder.votes(split))
        if rows.probs is not None:
            predicted = probabilities_frame(rows.ids, rows.probs, CLASSES)
            predicted.to_parquet(folder.predictions(split), index=False)
    train = made["train"]
    covered = (train.votes >= 0).any(axis=1)
    SoftLabels(train.soft, covered, train.ids, CLASSES).save(folder.soft_labels)
    model = make_label_model("majority_vote", len(CLASSES)).fit(train.votes)
    save_label_model(model, folder.label_model)
    known = train.gold >= 0
    gold = pd.DataFrame({"id": np.array(train.ids)[known], "label": train.gold[known]})
    gold.iloc[::-1].to_parquet(root / "gold.parquet")
    splits = {split: as_split(split, rows) for split, rows in made.items()}
    settings = Config.model_validate(
        {
            "project": {"name": "random", "classes": CLASSES},
            "data": {"train": "train.parquet"},
            "evaluate": {"train_gold": "gold.parquet"},
            "privacy": {"hidden": hidden},
        }
    )
    write_tables(root, settings, Dataset(splits, ()), folder)
    return folder


def as_split(name: Splits, rows: Made) -> Split:
    frame = pd.DataFrame({"id": rows.ids, "text": rows.texts, **rows.columns})
    return Split(name, frame, rows.ids, rows.texts, None if name == "train" else rows.gold)
