"""One-coin naive Bayes: each LF has one accuracy, shared by all classes."""

import numpy as np

from weakft.label_models.base import Gold
from weakft.label_models.coins import Floats, climb, one_accuracy, smoothed_to_mean
from weakft.label_models.linear import LogLinear, coin_weights
from weakft.label_models.patterns import VotePatterns
from weakft.label_models.votes import class_hits
from weakft.labels import ABSTAIN, Votes

DEV_PRIOR_VOTES = 4.0


class OneCoin(LogLinear):
    """Naive Bayes over votes with tied accuracies, MAP by EM (Dawid and Skene, 1979).

    A vote is right with probability a_j and else falls on each other class alike, so it
    adds log(a_j (k - 1) / (1 - a_j)) to its class; an abstain adds nothing.

    Without gold, a_j has a Beta(35, 15) prior and EM climbs to its MAP; every LF is held
    to be better than chance by a tenth of the way to certainty, or EM may turn a good LF
    round. With gold, if the labels are clearly better for it, a_j is the accuracy on gold, its
    classes counting the same, smoothed by four pseudo-votes at the mean accuracy of all LFs.

    Fails where an LF is far better on one class than on another.

    Example:
        >>> L = [[0, 0, 1], [1, 1, 0], [0, 0, -1], [1, 1, 1]] * 10
        >>> model = OneCoin(2).fit(L)
        >>> bool(model.lf_accuracies[0] > model.lf_accuracies[2])
        True
    """

    name = "one_coin"
    stays_near_votes = True
    weighed_by_gold = True

    def _learn_weights(self, L: Votes) -> None:
        self.voted = np.asarray((L != ABSTAIN).any(axis=0))
        patterns = VotePatterns.of(L)
        cast = patterns.cast(self.cardinality)
        factors = self.groups.factors(cast) if self.groups.found else None
        learned = climb(cast, self._pooled, factors=factors, counts=patterns.counts)
        self._take(learned)
        self.by_votes = {"weights": self.weights, "accuracies": self.accuracies}

    def _weigh(self, votes: Votes, gold: Gold, counts: Floats) -> None:
        self._take(self._measured(*class_hits(votes, gold, self.cardinality, counts)))

    def _pooled(self, right: Floats, votes: Floats) -> Floats:
        return one_accuracy(right, votes)

    def _measured(self, right: Floats, votes: Floats) -> Floats:
        measured = smoothed_to_mean(right.sum(axis=1), votes.sum(axis=1), DEV_PRIOR_VOTES)
        return np.repeat(measured[:, None], self.cardinality, axis=1)

    def _take(self, accuracies: Floats) -> None:
        self.weights = coin_weights(accuracies)
        self.accuracies = np.where(self.voted, accuracies.mean(axis=1), np.nan)
