"""One-coin naive Bayes: each LF has one accuracy, shared by all classes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from weakft.label_models.base import Gold
from weakft.label_models.coins import PRIOR_MEAN, Floats, climb, one_accuracy, smoothed
from weakft.label_models.linear import LogLinear, coin_weights
from weakft.label_models.patterns import VotePatterns
from weakft.label_models.votes import class_hits
from weakft.labels import ABSTAIN, Votes

DEV_PRIOR_VOTES = 4.0


def shrinking_target(shrunk_to: str, learned: Floats, right: float, votes: float) -> Floats:
    """[m] the accuracies that gold counts are smoothed towards: pooled over LFs, or EM's own."""
    pooled = (right + 10 * PRIOR_MEAN) / (votes + 10)
    own = np.where(np.isnan(learned), pooled, learned)
    return own if shrunk_to == "own" else np.full(len(learned), pooled)


class OneCoin(LogLinear):
    """Naive Bayes over votes with tied accuracies, MAP by EM (Dawid and Skene, 1979).

    A vote is right with probability a_j and else falls on each other class alike, so it
    adds log(a_j (k - 1) / (1 - a_j)) to its class; an abstain adds nothing.

    Without gold, a_j has a Beta(35, 15) prior and EM climbs to its MAP; every LF is held
    to be better than chance by a tenth of the way to certainty, or EM may turn a good LF
    round. With gold, dev votes set a_j, smoothed by four pseudo-votes: at the mean accuracy of
    all LFs, or at the LF's own by EM, whichever finds held-out gold likelier (EM's, where fewer
    than 20 gold rows are covered).

    Fails where an LF is far better on one class than on another.

    Example:
        >>> L = [[0, 0, 1], [1, 1, 0], [0, 0, -1], [1, 1, 1]] * 10
        >>> model = OneCoin(2).fit(L)
        >>> bool(model.lf_accuracies[0] > model.lf_accuracies[2])
        True
    """

    name = "one_coin"
    stays_near_votes = True
    shrunk_to = "own"

    def _learn_weights(self, L: Votes) -> None:
        self.voted = np.asarray((L != ABSTAIN).any(axis=0))
        patterns = VotePatterns.of(L)
        cast = patterns.cast(self.cardinality)
        factors = self.groups.factors(cast) if self.groups.found else None
        learned = climb(cast, self._pooled, factors=factors, counts=patterns.counts)
        self._take(learned)
        self.learned = self.accuracies

    def _adapt_weights(self, votes: Votes, gold: Gold) -> None:
        right, cast = class_hits(votes, gold, self.cardinality)
        self._take(self._measured(right, cast))

    def _ways_to_adapt(self) -> Sequence[dict[str, Any]]:
        return [{"shrunk_to": "pooled"}, {"shrunk_to": "own"}]

    def _pooled(self, right: Floats, votes: Floats) -> Floats:
        return one_accuracy(right, votes)

    def _measured(self, right: Floats, votes: Floats) -> Floats:
        mean = shrinking_target(self.shrunk_to, self.learned, right.sum(), votes.sum())
        measured = smoothed(right.sum(axis=1), votes.sum(axis=1), mean, DEV_PRIOR_VOTES)
        return np.repeat(measured[:, None], self.cardinality, axis=1)

    def _take(self, accuracies: Floats) -> None:
        self.weights = coin_weights(accuracies)
        self.accuracies = np.where(self.voted, accuracies.mean(axis=1), np.nan)
