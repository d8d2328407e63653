"""Sums over all rows: small numbers counted by hand, and sums that must add up."""

import json
from typing import Any

import numpy as np
import pytest

from tests.tables.conftest import CLASSES, LFS, Made
from weakft.config import Splits
from weakft.intervals import jeffreys
from weakft.labels import hard_labels
from weakft.runs import RunFolder, read_json
from weakft.tables import STATES, summaries
from weakft.tables.columns import Columns
from weakft.tables.summaries import calibration, pairs

# Two classes; gold, two votes, and the end model's probability of class 1.
BY_HAND = [
    (1, [1, 1], 0.95),  # LFs and model right
    (0, [1, 1], 0.85),  # both LFs wrong, as the model is
    (0, [0, 1], 0.75),  # a conflict; the first is right against the model
    (1, [0, -1], 0.25),  # the first is wrong, as the model is
    (0, [-1, -1], 0.05),  # no LF; the model is right
    (1, [1, -1], 0.65),  # one LF, right
]


@pytest.fixture
def counted() -> dict[str, Any]:
    gold = np.array([row[0] for row in BY_HAND])
    L = np.array([row[1] for row in BY_HAND], dtype=np.int8)
    p = np.array([row[2] for row in BY_HAND])
    probs, covered = np.stack([1 - p, p], axis=1), (L >= 0).any(axis=1)
    columns = {
        "train": Columns.of(L, None, (probs, covered), probs),
        "test": Columns.of(L, gold, (probs, covered), probs),
    }
    told = summaries(columns, {"train": L, "test": L}, ("ham", "spam"), ("first", "second"))
    json.dumps(told, allow_nan=False)
    return told


def test_rows(counted: dict[str, Any]) -> None:
    of_train = {"rows": 6, "covered": 5, "conflicting": 1, "gold": 0}
    assert counted["rows"] == {"train": of_train, "test": {**of_train, "gold": 6}}


def test_only_splits_with_gold_are_judged(counted: dict[str, Any]) -> None:
    assert set(counted["model"]) == set(counted["labels"]["calibration"]) == {"test"}


def test_pairs(counted: dict[str, Any]) -> None:
    """Of 6 rows the first votes on 5 (2 for ham, 3 for spam), the second on 3, all for spam."""
    (pair,) = counted["pairs"]
    assert (pair["first"], pair["second"]) == ("first", "second")
    assert (pair["votes_first"], pair["votes_second"]) == (5, 3)
    assert (pair["both"], pair["agree"], pair["conflict"]) == (3, 2, 1)
    assert pair["expected_agree"] == 3 * 3 / 6
    assert pair["expected_conflict"] == 2 * 3 / 6


def test_lfs_that_never_meet_are_no_pair() -> None:
    L = np.array([[0, -1, 0], [-1, 1, -1], [-1, -1, 0]], dtype=np.int8)
    assert [(p["first"], p["second"]) for p in pairs(L, "abc")] == [("a", "c")]
    assert pairs(L[:, :1], "a") == pairs(np.full((3, 2), -1, np.int8), "ab") == []
    assert pairs(np.empty((0, 2), np.int8), "ab") == []


def test_independent_lfs_meet_as_often_as_expected() -> None:
    rng = np.random.default_rng(0)
    L = rng.choice([-1, 0, 1], (200_000, 2), p=[0.5, 0.2, 0.3]).astype(np.int8)
    (pair,) = pairs(L, "ab")
    assert pair["agree"] == pytest.approx(pair["expected_agree"], rel=0.03)
    assert pair["conflict"] == pytest.approx(pair["expected_conflict"], rel=0.03)
    assert pair["expected_agree"] + pair["expected_conflict"] == pytest.approx(50_000, rel=0.02)


def test_calibration() -> None:
    confidence = np.array([0.0, 0.52, 0.58, 0.99, 1.0, 1.0, 0.7])
    right = np.array([0, 1, 0, 1, 1, 0, 1], dtype=bool)
    judged = np.array([1, 1, 1, 1, 1, 1, 0], dtype=bool)
    told = calibration(confidence, right, judged)
    counted = [(bin_["low"], bin_["high"], bin_["accuracy_support"]) for bin_ in told]
    assert counted == [(0.0, 0.1, 1), (0.5, 0.6, 2), (0.9, 1.0, 3)]
    assert [bin_["accuracy"] for bin_ in told] == [0, 1 / 2, 2 / 3]
    assert [bin_["confidence"] for bin_ in told] == pytest.approx([0, 0.55, 2.99 / 3])
    estimate = jeffreys(2, 3)
    assert estimate is not None
    assert (told[2]["accuracy_low"], told[2]["accuracy_high"]) == (estimate.low, estimate.high)


def test_calibration_of_nothing_is_empty() -> None:
    assert calibration(np.array([0.5]), np.array([True]), np.array([False])) == []


def test_histogram_by_label_leaves_out_uncovered_rows(counted: dict[str, Any]) -> None:
    """Confidences .95, .85, .75, .75 (ham) and .65; the row without votes is not there."""
    bars = counted["labels"]["histogram"]
    assert sum(bar["rows"] for bar in bars) == 5
    assert [(bar["label"], bar["rows"]) for bar in bars if bar["label"] == "ham"] == [("ham", 1)]
    assert all(bar["high"] - bar["low"] == pytest.approx(0.05) for bar in bars)


def test_confusion_and_classes(counted: dict[str, Any]) -> None:
    told = counted["model"]["test"]
    assert told["rows"] == 6
    assert told["confusion"] == [[1, 2], [1, 2]], "gold down, predicted across"
    ham, spam = told["classes"]
    assert (ham["precision"], ham["recall"]) == (1 / 2, 1 / 3)
    assert (ham["precision_support"], ham["recall_support"]) == (2, 3)
    assert (spam["precision"], spam["recall"]) == (1 / 2, 2 / 3)
    assert (ham["f1"], spam["f1"]) == pytest.approx((2 / 5, 4 / 7))


def test_states(counted: dict[str, Any]) -> None:
    told = {
        each["state"]: (each["rows"], each["wrong"]) for each in counted["model"]["test"]["states"]
    }
    assert told == {"none": (1, 0), "agreed": (2, 0), "wrong": (2, 2), "conflicted": (1, 1)}
    assert tuple(told) == STATES


def test_blame(counted: dict[str, Any]) -> None:
    """Mistakes are rows 1, 2, 3; the second LF votes spam on two of them, as the model does."""
    assert counted["model"]["test"]["blame"] == [
        {"lf": "first", "like_the_model": 2, "right": 1},
        {"lf": "second", "like_the_model": 2, "right": 0},
    ]


def test_accept_goes_from_the_surest_rows_to_all(counted: dict[str, Any]) -> None:
    """Confidences .95 (twice), .85, .75 (twice), .65; wrong are the three in the middle."""
    curve = counted["model"]["test"]["accept"]
    assert [point["threshold"] for point in curve] == pytest.approx([0.95, 0.85, 0.75, 0.65])
    assert [point["accepted"] for point in curve] == [2 / 6, 3 / 6, 5 / 6, 1]
    assert [point["precision"] for point in curve] == [1, 2 / 3, 2 / 5, 1 / 2]
    assert [point["precision_support"] for point in curve] == [2, 3, 5, 6]


def test_slices(counted: dict[str, Any]) -> None:
    told = {each["slice"]: each for each in counted["model"]["test"]["slices"]}
    counts = {name: (each["accuracy"], each["accuracy_support"]) for name, each in told.items()}
    assert counts == {
        "all rows": (1 / 2, 6),
        "no LF votes": (1, 1),
        "one LF votes": (1 / 2, 2),
        "several LFs vote, for one class": (1 / 2, 2),
        "LFs conflict": (0, 1),
        "first votes": (2 / 5, 5),
        "second votes": (1 / 3, 3),
    }


def test_sums_are_the_rows(run: RunFolder, made: dict[Splits, Made]) -> None:
    told, train = read_json(run.summaries), made["train"]
    voted = train.votes >= 0
    assert told["rows"]["train"] == {
        "rows": len(train.ids),
        "covered": int(voted.any(axis=1).sum()),
        "conflicting": sum(len(set(row[row >= 0])) > 1 for row in train.votes),
        "gold": int((train.gold >= 0).sum()),
    }
    for pair in told["pairs"]:
        both = [LFS.index(pair[side]) for side in ("first", "second")]
        assert pair["agree"] + pair["conflict"] == pair["both"] == voted[:, both].all(axis=1).sum()
    assert len(told["pairs"]) == 5 * 4 / 2, "the LF that never votes meets none"
    bars = told["labels"]["histogram"]
    assert sum(bar["rows"] for bar in bars) == told["rows"]["train"]["covered"]
    assert {bar["label"] for bar in bars} == {*CLASSES, "(tie)"}
    labelled = hard_labels(train.soft) >= 0
    ties = sum(bar["rows"] for bar in bars if bar["label"] == "(tie)")
    assert ties == (voted.any(axis=1) & ~labelled).sum() > 0
    bins = told["labels"]["calibration"]["train"]
    assert (
        sum(bin_["accuracy_support"] for bin_ in bins)
        == ((train.gold >= 0) & voted.any(axis=1) & labelled).sum()
    )
    assert told["model"] == {}, "nothing was predicted on dev, and train never judges a model"


@pytest.mark.parametrize("n", [1, 49, 50, 51, 3000])
def test_what_is_told_of_a_model_adds_up(n: int) -> None:
    rng = np.random.default_rng(n)
    L = rng.integers(-1, 3, (n, 4)).astype(np.int8)
    gold, probs = rng.integers(-1, 3, n), rng.dirichlet(np.ones(3), n)
    gold[0] = 2
    soft = (probs, (L >= 0).any(axis=1))
    columns = Columns.of(L, gold, soft, probs)
    told = summaries({"train": columns, "test": columns}, {"train": L, "test": L}, "xyz", "abcd")
    model, rows = told["model"]["test"], int((gold >= 0).sum())
    right = ((probs.argmax(axis=1) == gold) & (gold >= 0)).sum()
    assert model["rows"] == np.sum(model["confusion"]) == rows
    assert np.trace(model["confusion"]) == right
    assert sum(state["rows"] for state in model["states"]) == rows
    assert sum(state["wrong"] for state in model["states"]) == rows - right
    assert sum(bin_["accuracy_support"] for bin_ in model["calibration"]) == rows
    assert sum(each["recall_support"] for each in model["classes"]) == rows
    assert sum(each["precision_support"] for each in model["classes"]) == rows
    curve, slices = model["accept"], {each["slice"]: each for each in model["slices"]}
    assert len(curve) == min(rows, 50)
    confidence = columns.confidence[gold >= 0]
    for point in curve:
        assert point["accepted"] == (confidence >= point["threshold"]).mean()
    assert curve[-1]["accepted"] == 1
    assert curve[-1]["precision"] == slices["all rows"]["accuracy"] == pytest.approx(right / rows)
    thresholds = [point["threshold"] for point in curve]
    assert thresholds == sorted(thresholds, reverse=True)
    kinds = ("no LF votes", "one LF votes", "several LFs vote, for one class", "LFs conflict")
    assert sum(slices[k]["accuracy_support"] for k in kinds if k in slices) == rows
    assert all(b["like_the_model"] + b["right"] <= rows - right for b in model["blame"])
