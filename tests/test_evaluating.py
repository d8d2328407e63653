"""A run says where its model falls short: of classes, of rivals, of its own labels."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from weakft.label_models import make_label_model
from weakft.label_models.registry import save_label_model
from weakft.labels import LabelMatrix, SoftLabels, probabilities_frame
from weakft.pipeline.evaluating import score
from weakft.pipeline.shortfalls import against_labels, never_predicted, shortfalls
from weakft.runs import RunFolder

CLASSES = ("bad", "so so", "good")
GOLD = np.tile([0, 1, 2], 20)
IDS = [f"row {row}" for row in range(len(GOLD))]
PROJECT: Any = SimpleNamespace(
    config=SimpleNamespace(
        classes=CLASSES, evaluate=SimpleNamespace(resamples=200, seed=0, rivals=("majority_vote",))
    )
)


def put(path: Path, predicted: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = probabilities_frame(IDS, np.eye(3)[predicted], CLASSES)
    frame.to_parquet(path, index=False)


def told(
    folder: RunFolder,
    predicted: np.ndarray,
    *,
    split: str = "test",
    pool: np.ndarray = GOLD,
    vote: np.ndarray = (GOLD + 1) % 3,  # never right
    rivals: Mapping[str, np.ndarray] | None = None,
    **end_model: Any,  # noqa: ANN401
) -> list[str]:
    """The warnings of a run with one split of gold; `pool` is predicted on train."""
    put(folder.predictions(split), predicted)
    put(folder.predictions("train"), pool)
    for name, answer in (rivals or {}).items():
        put(folder.rival_predictions(name, split), answer)
    labels = SoftLabels(np.eye(3)[GOLD], np.full(len(GOLD), True), tuple(IDS), CLASSES)
    labels.save(folder.soft_labels)
    rows: Any = SimpleNamespace(name=split, ids=IDS, gold=GOLD)
    end_model |= {split: score(PROJECT, rows, predicted)}
    end_model |= {"never_predicted": never_predicted(IDS, folder, CLASSES)}
    metrics: Any = {"end_model": end_model}
    votes: Any = dict.fromkeys((split, "train"), LabelMatrix.from_array(vote[:, None]))
    data: Any = {split: rows, "train": SimpleNamespace(ids=IDS)}
    return shortfalls(PROJECT, data, votes, folder, metrics)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def test_a_good_model_is_not_warned_about(folder: RunFolder) -> None:
    assert told(folder, GOLD, rivals={"gold_probe": GOLD}) == []


def test_a_class_never_predicted_and_a_better_vote_are_said(folder: RunFolder) -> None:
    dead, worse = told(folder, np.where(GOLD == 1, 0, GOLD), vote=GOLD)
    assert dead.startswith("The end model never predicts 'so so' (20 rows) on test")
    assert " plain majority vote: macro-F1 0.556 against 1.000 (difference -0.444, 95% " in worse
    assert worse.endswith("60 rows) on test.")


def test_a_class_given_up_on_the_pool_is_said_without_any_gold(folder: RunFolder) -> None:
    (dead,) = told(folder, GOLD, pool=np.where(GOLD == 1, 0, GOLD))
    assert dead.startswith(
        "The end model never predicts 'so so' (20 rows labelled so) among the 60 training rows"
    )
    assert "Raise train.num_train_epochs, or give gold rows of it." in dead


def test_a_model_that_is_wrong_throughout_is_worse_than_chance(folder: RunFolder) -> None:
    (chance,) = told(folder, (GOLD + 1) % 3, split="valid")
    assert chance.startswith("The end model is worse than chance: right on 0.00 [0.00, 0.0")
    assert "of 60 rows on valid. Do LFs and gold number the classes alike" in chance


def test_the_rival_that_is_ahead_by_most_is_named(folder: RunFolder) -> None:
    ours, probe = np.where(np.arange(60) < 20, 0, GOLD), np.where(np.arange(60) < 3, 0, GOLD)
    (ahead,) = told(folder, ours, split="valid", rivals={"gold_probe": GOLD, "weak_probe": probe})
    assert ahead.startswith("The end model is worse than its rival 'linear probe on gold': macro")
    assert " against 1.000 (difference -0.2" in ahead
    assert "60 rows) on valid. Fine-tuning scores below a linear" in ahead


def test_a_rival_ahead_by_one_row_of_few_may_be_so_by_chance(folder: RunFolder) -> None:
    ours = GOLD.copy()
    ours[0] = 1
    (ahead,) = told(folder, ours, rivals={"gold_only": GOLD})
    assert "60 rows; the interval includes 0)" in ahead


def test_a_model_below_its_own_labels_on_valid_is_said(folder: RunFolder) -> None:
    """Its labels know the first 50 rows of valid; the other rows have none."""
    votes = np.where(np.arange(60)[:, None] < 50, GOLD[:, None], -1)
    L = LabelMatrix.from_array(votes)
    save_label_model(make_label_model("majority_vote", 3).fit(L), folder.label_model)
    ours = np.where(np.arange(60) < 20, 0, GOLD)
    put(folder.predictions("valid"), ours)
    valid: Any = SimpleNamespace(name="valid", ids=IDS, gold=GOLD)
    compared = against_labels(PROJECT, {"valid": valid}, {"valid": L}, folder)  # type: ignore[arg-type]
    assert compared is not None
    assert compared["labels"]["value"] == 1
    assert compared["difference"]["support"] == 50
    (below,) = told(folder, ours, split="valid", against_labels=compared)
    assert below.startswith("The end model is worse than the labels it learned from: macro-F1 0.")
    assert "50 rows) on the covered rows of valid" in below
