"""Targets stay near the votes, and what is certain stays as it is."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weakft import SoftLabels
from weakft.training.targets import mixed_targets, vote_counts, voted_targets

N, K = 8, 4
votes = hnp.arrays(np.int8, (N, 5), elements=st.integers(-1, K - 1))
masses = hnp.arrays(np.float64, (N, K), elements=st.floats(0.01, 1))


def soft_labels(mass: np.ndarray, L: np.ndarray) -> SoftLabels:
    probs = mass / mass.sum(axis=1, keepdims=True)
    return SoftLabels(probs, (L >= 0).any(axis=1), tuple(map(str, range(N))), tuple("abcd"))


@given(votes, masses)
def test_nothing_goes_to_classes_nobody_voted_for(L: np.ndarray, mass: np.ndarray) -> None:
    targets = voted_targets(soft_labels(mass, L), L)
    covered = (L >= 0).any(axis=1)
    counts = vote_counts(L, K)
    assert (counts.sum(axis=1) == (L >= 0).sum(axis=1)).all()
    assert ((targets > 0) == (counts > 0))[covered].all()
    assert targets.sum(axis=1) == pytest.approx(1)


@given(votes, masses, masses)
def test_the_more_votes_a_row_has_the_less_its_text_counts(
    L: np.ndarray, mass: np.ndarray, other: np.ndarray
) -> None:
    soft = soft_labels(mass, L)
    relabelled = soft_labels(other, np.zeros_like(L))
    mixed, voted = mixed_targets(soft, L, relabelled), voted_targets(soft, L)
    of_texts = 2 / (2 + (L >= 0).sum(axis=1, keepdims=True))
    assert mixed == pytest.approx((1 - of_texts) * voted + of_texts * relabelled.probs)


def test_labels_that_are_certain_stay() -> None:
    """Such as those of reviewed rows, whatever was voted."""
    probs = np.eye(3)[[2, 2, 0]]
    soft = SoftLabels(probs, np.array([True, True, True]), ("1", "2", "3"), ("x", "y", "z"))
    L = np.array([[0, 1], [-1, -1], [0, 0]])
    elsewhere = SoftLabels(np.full((3, 3), 1 / 3), np.full(3, True), soft.ids, soft.classes)
    assert (voted_targets(soft, L) == probs).all()
    assert (mixed_targets(soft, L, elsewhere) == probs).all()
