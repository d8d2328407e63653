"""Weighted vote: an LF counts by how far it is better than chance."""

import numpy as np
import numpy.typing as npt

from weakft.cast_votes import column_counts
from weakft.label_models.base import Gold
from weakft.label_models.coins import level, smoothed
from weakft.label_models.patterns import VotePatterns
from weakft.label_models.shares import VoteShares
from weakft.label_models.votes import hits
from weakft.labels import ABSTAIN, Votes

PRIOR_MEAN = 0.7
PRIOR_VOTES = 10.0
DEV_PRIOR_VOTES = 4.0
MINIMUM_DEV_ROWS = 20  # below, gold is smoothed towards the agreement with other LFs


class WeightedVote(VoteShares):
    """A vote of weight (accuracy - 1/k) / (1 - 1/k), as a share of the weights that voted.

    The accuracy of an LF is measured on gold, or else is its agreement with the shares of the
    other LFs' votes, levelled so that no class has better LFs than another; both are smoothed.
    The linear weight is the classical choice of Littlestone and Warmuth's weighted majority
    (1994) without its online updates.

    Fails like majority vote: one lone vote counts as certainty, and a crowd that copies one
    mistake agrees with itself.

    Example:
        >>> L = [[0, 0, 1], [1, 1, 0], [0, 0, -1], [1, 1, 1]] * 10
        >>> probs = WeightedVote(2).fit(L).predict_proba([[0, -1, 1]])
        >>> bool(probs[0, 0] > 0.5)
        True
    """

    name = "weighted_vote"
    uses_gold = True

    def _learn(self, L: Votes) -> None:
        by_column = column_counts(L, self.cardinality)
        self.voted = by_column.any(axis=1)
        patterns = VotePatterns.of(L)
        cast = patterns.cast(self.cardinality)
        others = np.bincount(cast.rows, minlength=len(patterns.votes))[cast.rows] - 1
        often = patterns.counts[cast.rows] * (others > 0)
        agreeing = (cast.by_cell()[cast.cell] - 1) / np.maximum(others, 1)
        right = np.bincount(cast.lfs, often * agreeing, minlength=L.shape[1])
        votes = np.bincount(cast.lfs, often, minlength=L.shape[1])
        agreement = smoothed(right, votes, PRIOR_MEAN, PRIOR_VOTES)
        self.learned = level(agreement, by_column.astype(np.float64))
        self._weigh(self.learned)

    def _adapt(self, votes: Votes, gold: Gold) -> None:
        right, cast = hits(votes, gold)
        enough = (votes != ABSTAIN).any(axis=1).sum() >= MINIMUM_DEV_ROWS
        pooled = (right.sum() + 10 * PRIOR_MEAN) / (cast.sum() + 10)
        mean = pooled if enough else self.learned
        self._weigh(smoothed(right, cast, mean, DEV_PRIOR_VOTES))

    def _weigh(self, accuracies: npt.NDArray[np.float64]) -> None:
        chance = 1 / self.cardinality
        self.weights = np.maximum((accuracies - chance) / (1 - chance), 0.0)
        self.accuracies = np.where(self.voted, accuracies, np.nan)
