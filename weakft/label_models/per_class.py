"""Per-class naive Bayes: each LF has an accuracy for each class it votes for."""

import numpy as np
from scipy.special import expit, logit

from weakft.cast_votes import column_counts
from weakft.label_models.coins import Floats, one_accuracy, smoothed
from weakft.label_models.one_coin import OneCoin
from weakft.labels import Votes

CLASS_PRIOR_VOTES = 20.0
DEV_CLASS_PRIOR_VOTES = 8.0


class PerClass(OneCoin):
    """One-coin, but a vote for class l is right with probability a_jl.

    An LF that says "spam" carelessly and "ham" with care is given both. The accuracies of an LF
    are smoothed towards its one-coin accuracy by 20 pseudo-votes (8 with gold), so that a class
    it rarely votes for borrows from the others (partial pooling: Gelman and Hill, 2007). Without
    gold no class may gain over all LFs together: EM would take its own bias for evidence. It is
    one-coin for LFs that vote for one class.

    Fails where few rows speak about a class: noise looks like a difference.

    Example:
        >>> L = [[0, 0, 1], [1, 1, 0], [0, 0, -1], [1, 1, 1]] * 10
        >>> PerClass(2).fit(L).predict_proba([[0, 0, 1]]).argmax()
        np.int64(0)
    """

    name = "per_class"

    def _learn_weights(self, L: Votes) -> None:
        self.share = column_counts(L, self.cardinality)
        super()._learn_weights(L)

    def _pooled(self, right: Floats, votes: Floats) -> Floats:
        tied = one_accuracy(right, votes)
        apart = logit(smoothed(right, votes, tied, CLASS_PRIOR_VOTES)) - logit(tied)
        drift = (apart * votes).sum(axis=0) / np.maximum(votes.sum(axis=0), 1)
        return np.asarray(np.clip(expit(logit(tied) + apart - drift), 0.01, 0.99))

    def _measured(self, right: Floats, votes: Floats) -> Floats:
        tied = super()._measured(right, votes)
        return smoothed(right, votes, tied, DEV_CLASS_PRIOR_VOTES)

    def _take(self, accuracies: Floats) -> None:
        super()._take(accuracies)
        cast = np.maximum(self.share, 1e-9)
        mean = (accuracies * cast).sum(axis=1) / cast.sum(axis=1)
        self.accuracies = np.where(self.voted, mean, np.nan)
