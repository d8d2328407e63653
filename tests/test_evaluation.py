"""Scores agree with scikit-learn; the majority vote decides by votes alone."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from weakft.evaluation import label_quality, majority_classifier, scores
from weakft.evaluation.metrics import macro_f1

labels = hnp.arrays(np.int64, st.integers(1, 30), elements=st.integers(0, 3))


@given(st.data(), labels)
def test_macro_f1_is_scikit_learns(data: st.DataObject, gold: np.ndarray) -> None:
    predicted = data.draw(hnp.arrays(np.int64, len(gold), elements=st.integers(0, 3)))
    assert macro_f1(gold, predicted, 4) == pytest.approx(f1_score(gold, predicted, average="macro"))


def test_scores_hold_value_interval_and_support() -> None:
    gold = np.array([0, 1] * 50)
    scored = scores(gold, np.where(np.arange(100) < 20, 1 - gold, gold), 2, resamples=200)
    for name in ("accuracy", "macro_f1"):
        assert scored[name]["low"] < scored[name]["value"] < scored[name]["high"]
        assert scored[name]["value"] == pytest.approx(0.8)
        assert scored[name]["support"] == 100


def test_label_quality_counts_covered_rows_only() -> None:
    probs = np.array([[0.9, 0.1], [0.5, 0.5], [0.8, 0.2]])
    quality = label_quality(np.array([0, 0, 1]), probs, np.array([True, False, True]))
    assert quality["coverage"] == pytest.approx(2 / 3)
    assert quality["accuracy"]["value"] == 0.5
    assert quality["negative_log_likelihood"] == pytest.approx(-(np.log(0.9) + np.log(0.2)) / 2)
    nothing = label_quality(np.array([0]), probs[:1], np.array([False]))
    assert nothing["accuracy"] is None


@given(
    hnp.arrays(np.int8, st.tuples(st.integers(1, 20), st.just(3)), elements=st.integers(-1, 2)),
    st.randoms(use_true_random=False),
)
def test_the_majority_vote_does_not_look_at_positions(L: np.ndarray, random) -> None:  # noqa: ANN001
    order = list(range(len(L)))
    random.shuffle(order)
    expected = majority_classifier(L, L, 3)[order]
    assert (majority_classifier(L[order], L, 3) == expected).all()


def test_a_label_whose_classes_tie_is_not_right() -> None:
    probs = np.array([[0.5, 0.5], [0.5, 0.5], [0.9, 0.1]])
    quality = label_quality(np.array([0, 1, 0]), probs, np.full(3, True))
    assert quality["accuracy"]["value"] == pytest.approx(1 / 3)
    assert quality["accuracy"]["support"] == 3


def test_ties_and_silence_go_to_the_commoner_class() -> None:
    train = np.array([[1, 1], [1, 0]], dtype=np.int8)
    L = np.array([[0, 1], [-1, -1], [0, -1]], dtype=np.int8)
    assert majority_classifier(L, train, 2).tolist() == [1, 1, 0]
