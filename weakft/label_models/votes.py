"""Sums over votes that several label models share; block by block, so that memory is bounded."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import sparse

from weakft.labels import ABSTAIN, Probs, Votes

BLOCK_ROWS = 1 << 16
TABLE_ROWS = 4096

Counts = npt.NDArray[np.int64]


def blocks(n: int, rows: int = BLOCK_ROWS) -> Iterator[slice]:
    """The slices of so many rows that make up n."""
    return (slice(start, min(start + rows, n)) for start in range(0, n, rows))


def votes_for(L: Votes, label: int) -> sparse.csr_array:
    """[n, m] sparse indicator (float64) of the votes for one class."""
    return sparse.csr_array(np.equal(L, label), dtype=np.float64)


def vote_counts(L: Votes, cardinality: int) -> Probs:
    """[n, k] number of votes that each class got on each row."""
    return np.stack(
        [np.equal(L, label).sum(axis=1) for label in range(cardinality)], axis=1
    ).astype(np.float64)


def vote_scores(L: Votes, weights: Probs) -> Probs:
    """[n, k] sum over the LFs of weights[j, vote]; an abstain adds nothing.

    LFs are taken together as long as their joint votes fit a table of 4096 rows, so that a row
    costs one look-up for five LFs of four classes.

    Args:
        L: [n, m] votes in -1..k-1.
        weights: [m, k, k] what a vote of LF j for class l adds to class y.

    Example:
        >>> weights = np.array([[[2.0, 0.0], [0.0, 3.0]]])
        >>> vote_scores(np.array([[0], [-1], [1]], dtype=np.int8), weights).tolist()
        [[2.0, 0.0], [0.0, 0.0], [0.0, 3.0]]
    """
    n, m = L.shape
    cardinality = weights.shape[2]
    together = max(1, int(np.log(TABLE_ROWS) / np.log(cardinality + 1)))
    groups = [slice(start, min(start + together, m)) for start in range(0, m, together)]
    tables = [_joint_table(weights[group]) for group in groups]
    powers = np.zeros((m, len(groups)), dtype=np.float32)
    for position, group in enumerate(groups):
        powers[group, position] = (cardinality + 1) ** np.arange(group.stop - group.start)[::-1]
    scores = np.zeros((n, cardinality))
    for rows in blocks(n):
        codes = ((L[rows] + np.float32(1)) @ powers).astype(np.intp)
        for position, table in enumerate(tables):
            scores[rows] += table.take(codes[:, position], axis=0)
    return scores


def _joint_table(weights: Probs) -> Probs:
    """[(k + 1) ** g, k] what the joint votes of g LFs add, the last LF turning fastest."""
    g, cardinality, _ = weights.shape
    table = np.zeros((1, cardinality))
    for j in range(g):
        terms = np.vstack([np.zeros(cardinality), weights[j]])
        table = (table[:, None, :] + terms[None, :, :]).reshape(-1, cardinality)
    return table


def co_votes(L: Votes, cardinality: int) -> Counts:
    """[m k, m k] on how many rows LF i votes a while LF j votes b, exactly.

    Entry (i k + a, j k + b). Counted in blocks of rows as products of 0/1 matrices: dense in
    float32, which is exact up to 2^24 rows a block, or sparse where few LFs vote.

    Example:
        >>> co_votes(np.array([[0, 1], [0, -1]], dtype=np.int8), 2).tolist()
        [[2, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 1]]
    """
    n, m = L.shape
    counts = np.zeros((m * cardinality, m * cardinality), dtype=np.int64)
    hot = np.eye(cardinality + 1, dtype=np.float32)[:, 1:]
    for rows in blocks(n):
        block = L[rows]
        voted = block != ABSTAIN
        if _sparse_pays(voted.sum() / len(block), m * cardinality):
            indicator = _indicator(block, voted, cardinality)
            counts += (indicator.T.tocsr() @ indicator).toarray()
        else:
            dense = hot.take(block + 1, axis=0).reshape(len(block), m * cardinality)
            counts += (dense.T @ dense).astype(np.int64)
    return counts


def _sparse_pays(votes: float, d: int) -> bool:
    """Whether counting the pairs of votes on a row beats a matrix product; times measured."""
    return bool(0.1 + 0.05 * votes + 0.0025 * votes**2 < 1.4e-5 * d**2)


def _indicator(block: Votes, voted: npt.NDArray[np.bool_], cardinality: int) -> sparse.csr_array:
    """[n, m k] sparse indicator (int32) of the votes."""
    where, lfs = np.nonzero(voted)
    places = (lfs * cardinality + block[where, lfs]).astype(np.int32)
    starts = np.zeros(len(block) + 1, dtype=np.int32)
    np.cumsum(voted.sum(axis=1), out=starts[1:])
    shape = (len(block), block.shape[1] * cardinality)
    return sparse.csr_array((np.ones(len(places), dtype=np.int32), places, starts), shape=shape)


def normalised(log_scores: Probs) -> Probs:
    """[n, k] log scores -> probabilities, without overflow or underflow."""
    scores = np.exp(log_scores - log_scores.max(axis=1, keepdims=True))
    probs: Probs = scores / scores.sum(axis=1, keepdims=True)
    return probs


def hits(L: Votes, gold: npt.NDArray[np.integer]) -> tuple[Counts, ...]:
    """([m] correct votes, [m] votes) of each LF against gold labels."""
    return (gold[:, None] == L).sum(axis=0), (L >= 0).sum(axis=0)


def class_hits(L: Votes, gold: npt.NDArray[np.integer], cardinality: int) -> tuple[Counts, ...]:
    """([m, k] correct votes, [m, k] votes) of each LF for each class."""
    right, votes = (
        np.stack([((label == L) & which[:, None]).sum(axis=0) for label, which in labelled], axis=1)
        for labelled in (
            [(label, gold == label) for label in range(cardinality)],
            [(label, np.ones(len(gold), dtype=bool)) for label in range(cardinality)],
        )
    )
    return right, votes
