"""Sums over votes that several label models share; block by block, so that memory is bounded."""

import numpy as np
import numpy.typing as npt

from weakft.cast_votes import CastVotes, Counts, Floats, blocks
from weakft.label_models.weights import VoteWeights
from weakft.labels import Probs, Votes

TABLE_ROWS = 4096
FEW_CLASSES = 15  # up to here a table holds the joint votes of three LFs


def vote_counts(L: Votes, cardinality: int) -> Probs:
    """[n, k] number of votes that each class got on each row."""
    return vote_scores(L, VoteWeights.of_own(np.ones((L.shape[1], cardinality))))


def vote_scores(L: Votes, weights: VoteWeights) -> Probs:
    """[n, k] sum over the LFs of what their votes add; an abstain adds nothing.

    With few classes, LFs are taken together as long as their joint votes fit a table of 4096
    rows, so that a row costs one look-up for five LFs of four classes. With many, votes are added
    one by one.

    Args:
        L: [n, m] votes in -1..k-1.
        weights: of m LFs and k classes.

    Example:
        >>> weights = VoteWeights.of_own(np.array([[2.0, 3.0]]))
        >>> vote_scores(np.array([[0], [-1], [1]], dtype=np.int8), weights).tolist()
        [[2.0, 0.0], [0.0, 0.0], [0.0, 3.0]]
    """
    cardinality = weights.own.shape[1]
    if cardinality <= FEW_CLASSES:
        return _looked_up(L, weights.dense())
    scores = np.empty((len(L), cardinality))
    for rows in blocks(len(L), cardinality):
        scores[rows] = cast_scores(CastVotes.of(L[rows], cardinality), weights)
    return scores


def cast_scores(cast: CastVotes, weights: VoteWeights, factors: Floats | None = None) -> Probs:
    """[n, k] `vote_scores`, each vote's term times its factor in [v]."""
    n, k = cast.shape[0], cast.cardinality
    own = weights.own[cast.lfs, cast.labels]
    own = own if factors is None else own * factors
    scores = np.bincount(cast.rows * k + cast.labels, own, minlength=n * k).astype(np.float64)
    scores = scores.reshape(n, k)
    if len(weights.rows):
        places = weights.row_of[cast.lfs, cast.labels]
        votes = cast.indicator(places, len(weights.rows)).astype(np.float64)
        if factors is not None:
            votes.data *= factors[places >= 0]
        scores += votes @ weights.rows
    return scores


def _looked_up(L: Votes, weights: Probs) -> Probs:
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


def normalised(log_scores: Probs) -> Probs:
    """[n, k] log scores -> probabilities, without overflow or underflow."""
    scores = log_scores - log_scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return np.asarray(scores)


def hits(L: Votes, gold: npt.NDArray[np.integer]) -> tuple[Counts, ...]:
    """([m] correct votes, [m] votes) of each LF against gold labels."""
    return (gold[:, None] == L).sum(axis=0), (L >= 0).sum(axis=0)


def class_hits(
    L: Votes, gold: npt.NDArray[np.integer], cardinality: int, counts: Floats
) -> tuple[Floats, Floats]:
    """([m, k] correct votes, [m, k] votes) of each LF for each class.

    Args:
        L: [d, m] votes.
        gold: [d] classes.
        cardinality: k.
        counts: [d] how often each row counts.

    Example:
        >>> right, votes = class_hits(np.array([[0], [0]]), np.array([0, 1]), 2, np.array([3, 1]))
        >>> right.tolist(), votes.tolist()
        ([[3.0, 0.0]], [[4.0, 0.0]])
    """
    cast = CastVotes.of(L, cardinality)
    often = counts[cast.rows].astype(np.float64)
    return cast.by_column(often * (gold[cast.rows] == cast.labels)), cast.by_column(often)
