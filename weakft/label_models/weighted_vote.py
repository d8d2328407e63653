"""Weighted vote: an LF counts by how far it is better than chance."""

import numpy as np
import numpy.typing as npt

from weakft.cast_votes import column_counts
from weakft.label_models.base import Gold
from weakft.label_models.coins import Floats, level, smoothed, smoothed_to_mean
from weakft.label_models.patterns import VotePatterns
from weakft.label_models.shares import VoteShares
from weakft.label_models.votes import class_hits
from weakft.labels import Votes

PRIOR_MEAN = 0.7
PRIOR_VOTES = 10.0
DEV_PRIOR_VOTES = 4.0


class WeightedVote(VoteShares):
    """A vote of weight (accuracy - 1/k) / (1 - 1/k), as a share of the weights that voted.

    The accuracy of an LF is its agreement with the shares of the other LFs' votes, levelled so
    that no class has better LFs than another; or with gold, if the labels are clearly better for
    it, that on gold, its classes counting the same. Both are smoothed. The linear weight is the
    classical choice of Littlestone and Warmuth's weighted majority (1994) without its online
    updates.

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
    weighed_by_gold = True

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
        self._take(level(agreement, by_column.astype(np.float64)))
        self._learned()

    def _weigh(self, votes: Votes, gold: Gold, counts: Floats) -> None:
        right, cast = class_hits(votes, gold, self.cardinality, counts)
        self._take(smoothed_to_mean(right.sum(axis=1), cast.sum(axis=1), DEV_PRIOR_VOTES))

    def _take(self, accuracies: npt.NDArray[np.float64]) -> None:
        chance = 1 / self.cardinality
        self.weights = np.maximum((accuracies - chance) / (1 - chance), 0.0)
        self.accuracies = np.where(self.voted, accuracies, np.nan)
