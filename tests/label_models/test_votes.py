"""Sums over votes, against counting by hand."""

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from weakft.cast_votes import CastVotes, co_votes, column_counts, gram, shared_votes
from weakft.label_models.patterns import VotePatterns
from weakft.label_models.votes import vote_counts, vote_scores
from weakft.label_models.weights import VoteWeights

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
    """With few classes and with as many as are not tabulated, of votes with rows and without."""
    few, L = case
    rng = np.random.default_rng(seed)
    for k in (few, few + 20):
        tables = rng.normal(size=(L.shape[1], k, k))
        tables[rng.random(L.shape[1]) < 0.5] *= np.eye(k)
        coins = (tables * (1 - np.eye(k)) == 0).all(axis=2)
        own = np.where(coins, np.diagonal(tables, axis1=1, axis2=2), 0.0)
        row_of = np.where(coins, -1, np.arange(coins.size).reshape(coins.shape))
        weights = VoteWeights(own, tables.reshape(-1, k), row_of)
        expected = np.zeros((len(L), k))
        for row, votes in enumerate(L):
            for j, vote in enumerate(votes):
                if vote >= 0:
                    expected[row] += tables[j, vote]
        assert np.allclose(vote_scores(L, weights), expected, atol=1e-12)
        assert np.allclose(vote_scores(L, VoteWeights.of_tables(tables)), expected, atol=1e-12)
        assert np.array_equal(weights.dense(), tables)


@given(matrices)
@settings(max_examples=50, deadline=None)
def test_counts_of_votes_are_those_of_the_dense_indicator(case: tuple[int, np.ndarray]) -> None:
    few, L = case
    for k in (few, few + 20):
        hot = (L[:, :, None] == np.arange(k)).astype(int)
        flat = hot.reshape(len(L), -1)
        columns = np.flatnonzero(flat.any(axis=0))
        assert (co_votes(L, k, columns) == flat[:, columns].T @ flat[:, columns]).all()
        assert (column_counts(L, k) == hot.sum(axis=0)).all()
        assert (vote_counts(L, k) == hot.sum(axis=1)).all()
        alike, both = shared_votes(L, k)
        assert (alike == np.einsum("nik,njk->ij", hot, hot)).all()
        assert (both == (L >= 0).T.astype(int) @ (L >= 0)).all()


@given(matrices, st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_a_posterior_by_cells_is_the_dense_one(case: tuple[int, np.ndarray], seed: int) -> None:
    k, L = case
    L = L[(L >= 0).any(axis=1)]
    if not len(L):
        return
    cast = CastVotes.of(L, k)
    terms = np.random.default_rng(seed).normal(scale=300, size=len(cast.rows))
    dense = np.zeros((len(L), k))
    np.add.at(dense, (cast.rows, cast.labels), terms)
    dense = np.exp(dense - dense.max(axis=1, keepdims=True))
    dense /= dense.sum(axis=1, keepdims=True)
    probs, rest = cast.posterior(terms)
    found = np.repeat(rest[:, None], k, axis=1)
    found[cast.cell_rows, cast.cell_labels] = probs
    assert np.allclose(found, dense, atol=1e-12)


def test_pairs_of_few_votes_are_counted_sparsely_and_alike() -> None:
    rng = np.random.default_rng(0)
    for coverage in (0.01, 0.9):
        L = np.where(rng.random((3000, 40)) < coverage, rng.integers(0, 3, (3000, 40)), -1)
        cast = CastVotes.of(L.astype(np.int8), 3)
        hot = (L[:, :, None] == np.arange(3)).reshape(len(L), -1).astype(int)
        assert (gram(cast.indicator(cast.columns, 120)) == hot.T @ hot).all()


@given(matrices)
@settings(max_examples=50, deadline=None)
def test_patterns_are_the_covered_rows(case: tuple[int, np.ndarray]) -> None:
    _, L = case
    patterns = VotePatterns.of(L)
    distinct, counts = np.unique(L[(L >= 0).any(axis=1)], axis=0, return_counts=True)
    found = dict(zip(map(bytes, patterns.votes), patterns.counts.tolist(), strict=True))
    assert found == dict(zip(map(bytes, distinct), counts.tolist(), strict=True))
