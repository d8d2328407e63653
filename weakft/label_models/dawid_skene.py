"""Dawid-Skene: each LF has a table of what it votes on each class."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from weakft.label_models.base import Gold
from weakft.label_models.coins import (
    EM_STEPS,
    EM_TOLERANCE,
    PRIOR_MEAN,
    Floats,
    chance_floor,
    level,
    log_odds,
    smoothed,
)
from weakft.label_models.linear import LogLinear
from weakft.label_models.one_coin import shrinking_target
from weakft.label_models.patterns import VotePatterns
from weakft.label_models.votes import normalised, vote_counts, votes_for
from weakft.labels import ABSTAIN, Probs, Votes

PRIOR_VOTES = 50.0
ROW_PRIOR_VOTES = 20.0
DEV_PRIOR_VOTES = 4.0
DEV_ROW_PRIOR_VOTES = 8.0


class DawidSkene(LogLinear):
    """P(vote | class) in full, given that the LF votes (Dawid and Skene, 1979), MAP by EM.

    Each LF has a [k, k] table, smoothed towards its one-coin table. Abstains add nothing: as a
    vote of their own they let EM explain silence as a class. An LF that votes for one class
    says nothing through such a table (it always votes so, given that it votes), so it keeps its
    one-coin weight. EM starts from the majority vote, and the class prior is uniform.

    Fails with many classes and few votes, where a table has more cells than evidence.

    Example:
        >>> L = [[0, 0, 1], [1, 1, 0], [0, 0, -1], [1, 1, 1]] * 10
        >>> DawidSkene(2).fit(L).predict_proba([[0, 0, -1]]).argmax()
        np.int64(0)
    """

    name = "dawid_skene"
    stays_near_votes = True
    shrunk_to = "own"

    def _learn_weights(self, L: Votes) -> None:
        self.voted = np.asarray((L != ABSTAIN).any(axis=0))
        patterns = VotePatterns.of(L)
        votes, by_class = patterns.votes, patterns.by_class(self.cardinality)
        self.two_sided = sum((v.sum(axis=0) > 0).astype(int) for v in by_class) > 1
        counts = vote_counts(votes, self.cardinality)
        posterior = counts / counts.sum(axis=1, keepdims=True)
        for _ in range(EM_STEPS):
            weighted = posterior * patterns.counts[:, None]
            tables = np.stack([v.T @ weighted for v in by_class], axis=1)
            self._take(
                tables, PRIOR_MEAN, PRIOR_VOTES, ROW_PRIOR_VOTES, chance_floor(len(by_class))
            )
            updated = normalised(self._scores(votes))
            if np.abs(updated - posterior).max(initial=0.0) < EM_TOLERANCE:
                break
            posterior = updated
        self.learned = self.accuracies

    def _ways_to_adapt(self) -> Sequence[dict[str, Any]]:
        return [{"shrunk_to": "pooled"}, {"shrunk_to": "own"}]

    def _adapt_weights(self, votes: Votes, gold: Gold) -> None:
        truth = np.eye(self.cardinality)[gold]
        tables = np.stack(
            [votes_for(votes, label).T @ truth for label in range(self.cardinality)], axis=1
        )
        right = np.einsum("jll->", tables)
        mean = shrinking_target(self.shrunk_to, self.learned, right, tables.sum())
        self._take(tables, mean, DEV_PRIOR_VOTES, DEV_ROW_PRIOR_VOTES, 0.0)

    def _take(
        self,
        tables: Floats,
        mean: Floats | float,
        strength: float,
        row_strength: float,
        floor: float,
    ) -> None:
        """Weights from [m, l, y] how often LF j votes l on class y."""
        k = self.cardinality
        right = np.einsum("jll->j", tables)
        tied = smoothed(right, tables.sum(axis=(1, 2)), mean, strength)
        if floor:
            tied = level(tied, tables.sum(axis=2))
        tied = np.maximum(tied, floor)
        coin = np.where(
            np.eye(k, dtype=bool), tied[:, None, None], (1 - tied[:, None, None]) / (k - 1)
        )
        given = (tables + row_strength * coin) / (tables.sum(axis=1, keepdims=True) + row_strength)
        self.weights = np.where(self.two_sided[:, None, None], np.log(given), _one_sided(tied, k))
        self.accuracies = np.where(self.voted, tied, np.nan)


def _one_sided(accuracies: Floats, cardinality: int) -> Probs:
    return np.eye(cardinality) * log_odds(accuracies, cardinality)[:, None, None]
