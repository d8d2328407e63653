"""Sums over votes that several label models share."""

import numpy as np
import numpy.typing as npt
from scipy import sparse

from weakft.labels import Probs, Votes


def votes_for(L: Votes, label: int) -> sparse.csr_array:
    """[n, m] sparse indicator (float64) of the votes for one class."""
    return sparse.csr_array(np.equal(L, label), dtype=np.float64)


def vote_counts(L: Votes, cardinality: int) -> Probs:
    """[n, k] number of votes that each class got on each row."""
    return np.stack(
        [np.equal(L, label).sum(axis=1) for label in range(cardinality)], axis=1
    ).astype(np.float64)


def normalised(log_scores: Probs) -> Probs:
    """[n, k] log scores -> probabilities, without overflow or underflow."""
    scores = np.exp(log_scores - log_scores.max(axis=1, keepdims=True))
    probs: Probs = scores / scores.sum(axis=1, keepdims=True)
    return probs


def hits(L: Votes, gold: npt.NDArray[np.integer]) -> tuple[npt.NDArray[np.int64], ...]:
    """([m] correct votes, [m] votes) of each LF against gold labels."""
    return (gold[:, None] == L).sum(axis=0), (L >= 0).sum(axis=0)
