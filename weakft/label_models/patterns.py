"""The distinct rows of a label matrix: what a model that looks at votes alone can tell apart."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from weakft.cast_votes import CastVotes
from weakft.labels import ABSTAIN, Votes

MOST_ROWS = 1_000_000


@dataclass(frozen=True)
class VotePatterns:
    """Distinct covered rows and how often each occurs.

    Attributes:
        votes: [u, m].
        counts: [u].
    """

    votes: Votes
    counts: npt.NDArray[np.float64]

    @classmethod
    def of(cls, L: Votes, most_rows: int = MOST_ROWS) -> "VotePatterns":
        """The patterns of the covered rows; of a million of them, taken evenly, if there are more.

        A million rows fix an accuracy to .001 or so; more would only take longer.

        Args:
            L: [n, m] votes.
            most_rows: how many covered rows to look at.

        Example:
            >>> patterns = VotePatterns.of(np.array([[0, 1], [-1, -1], [0, 1]], dtype=np.int8))
            >>> patterns.votes.tolist(), patterns.counts.tolist()
            ([[0, 1]], [2.0])
        """
        covered = np.flatnonzero((L != ABSTAIN).any(axis=1))
        step = max(1, -(-len(covered) // most_rows))
        rows = L[covered[::step]]
        if not rows.size:
            return cls(rows, np.zeros(len(rows)))
        codes, first = _distinct(rows)
        return cls(rows[first], np.bincount(codes, minlength=len(first)).astype(np.float64))

    def cast(self, cardinality: int) -> CastVotes:
        """The votes of the patterns."""
        return CastVotes.of(self.votes, cardinality)


def _distinct(rows: Votes) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """([n] number of each row's pattern, [u] its first row), by hash, checked."""
    random = np.random.default_rng(0)
    odd = random.integers(1, 2**63, size=(rows.shape[1],), dtype=np.uint64) | np.uint64(1)
    hashes = np.zeros(len(rows), dtype=np.uint64)
    for j in range(rows.shape[1]):
        hashes += rows[:, j].astype(np.int64).view(np.uint64) * odd[j]
    codes, distinct = pd.factorize(hashes)
    first = np.full(len(distinct), -1, dtype=np.intp)
    first[codes[::-1]] = np.arange(len(rows) - 1, -1, -1)
    if not np.array_equal(rows[first][codes], rows):
        _, first, codes = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return codes, first
