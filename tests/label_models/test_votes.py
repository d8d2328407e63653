"""Sums over votes, against counting by hand."""

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from weakft.label_models.patterns import VotePatterns
from weakft.label_models.votes import co_votes, vote_scores

matrices = st.integers(2, 6).flatmap(
    lambda k: st.tuples(
        st.just(k),
        hnp.arrays(
            np.int8,
            st.tuples(st.integers(1, 30), st.integers(1, 12)),
            elements=st.integers(-1, k - 1),
        ),
    )
)


@given(matrices, st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_scores_are_sums_of_weights(case: tuple[int, np.ndarray], seed: int) -> None:
    k, L = case
    weights = np.random.default_rng(seed).normal(size=(L.shape[1], k, k))
    expected = np.zeros((len(L), k))
    for row, votes in enumerate(L):
        for j, vote in enumerate(votes):
            if vote >= 0:
                expected[row] += weights[j, vote]
    assert np.allclose(vote_scores(L, weights), expected, atol=1e-12)


@given(matrices)
@settings(max_examples=50, deadline=None)
def test_co_votes_count_rows(case: tuple[int, np.ndarray]) -> None:
    k, L = case
    hot = (L[:, :, None] == np.arange(k)).reshape(len(L), -1).astype(int)
    assert (co_votes(L, k) == hot.T @ hot).all()


def test_co_votes_of_few_votes_are_counted_sparsely_and_alike() -> None:
    rng = np.random.default_rng(0)
    L = np.where(rng.random((3000, 40)) < 0.01, rng.integers(0, 3, (3000, 40)), -1).astype(np.int8)
    hot = (L[:, :, None] == np.arange(3)).reshape(len(L), -1).astype(int)
    assert (co_votes(L, 3) == hot.T @ hot).all()


@given(matrices)
@settings(max_examples=50, deadline=None)
def test_patterns_are_the_covered_rows(case: tuple[int, np.ndarray]) -> None:
    _, L = case
    patterns = VotePatterns.of(L)
    distinct, counts = np.unique(L[(L >= 0).any(axis=1)], axis=0, return_counts=True)
    found = dict(zip(map(bytes, patterns.votes), patterns.counts.tolist(), strict=True))
    assert found == dict(zip(map(bytes, distinct), counts.tolist(), strict=True))
