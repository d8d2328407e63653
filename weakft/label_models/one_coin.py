"""One-coin naive Bayes: each LF has one accuracy, shared by all classes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from weakft.label_models.base import Arrays, Gold, LabelModel
from weakft.label_models.votes import hits, normalised, votes_for
from weakft.labels import Probs, Votes

Accuracies = npt.NDArray[np.float64]


class OneCoin(LabelModel):
    """Naive Bayes over votes with tied accuracies, MAP by EM (Dawid and Skene, 1979).

    A vote is right with probability a_j and else falls on each other class alike, so it
    adds log(a_j (k - 1) / (1 - a_j)) to its class; an abstain adds nothing, and the class
    prior is uniform (a one-sided LF's firing already carries the prior).

    Without gold, a_j has a Beta(35, 15) prior and EM climbs to its MAP; every LF is held
    to be better than chance by a tenth of the way to certainty, or EM may turn a good LF
    round. With gold, dev votes set a_j, smoothed by four pseudo-votes at the mean accuracy
    of all LFs: 50 gold rows beat unsupervised EM.

    Fails where LFs copy each other, and where an LF is far better on one class.

    Example:
        >>> L = [[0, 0, 1], [1, 1, 0], [0, 0, -1], [1, 1, 1]] * 10
        >>> model = OneCoin(2).fit(L)
        >>> bool(model.lf_accuracies[0] > model.lf_accuracies[2])
        True
    """

    name = "one_coin"
    uses_gold = True
    prior_mean = 0.7
    prior_votes = 50.0
    dev_prior_votes = 4.0
    better_than_chance = 0.1
    em_steps = 100

    accuracies: Accuracies
    voted: npt.NDArray[np.bool_]

    @property
    def lf_accuracies(self) -> Accuracies:
        """[m] estimated accuracies; NaN for an LF that never votes."""
        return np.where(self.voted, self.accuracies, np.nan)

    def _fit(self, L: Votes, dev: tuple[Votes, Gold] | None) -> None:
        self.voted = np.asarray((L >= 0).any(axis=0))
        if dev is None:
            self.accuracies = self._map_by_em(L)
        else:
            right, votes = hits(*dev)
            mean = (right.sum() + 10 * self.prior_mean) / (votes.sum() + 10)
            self.accuracies = _smoothed(right, votes, mean, self.dev_prior_votes)

    def _map_by_em(self, L: Votes) -> Accuracies:
        by_class = [votes_for(L, label) for label in range(self.cardinality)]
        votes = (L >= 0).sum(axis=0)
        chance = 1 / self.cardinality
        floor = chance + self.better_than_chance * (1 - chance)
        accuracies = np.full(L.shape[1], self.prior_mean)
        for _ in range(self.em_steps):
            posterior = self._posterior(by_class, accuracies)
            right = sum(v.T @ posterior[:, label] for label, v in enumerate(by_class))
            updated = _smoothed(np.asarray(right), votes, self.prior_mean, self.prior_votes)
            updated = np.maximum(updated, floor)
            if np.abs(updated - accuracies).max(initial=0.0) < 1e-6:
                return updated
            accuracies = updated
        return accuracies

    def _posterior(self, by_class: list[Any], accuracies: Accuracies) -> Probs:
        weights = np.log(accuracies * (self.cardinality - 1) / (1 - accuracies))
        return normalised(np.stack([v @ weights for v in by_class], axis=1))

    def _predict_proba(self, L: Votes) -> Probs:
        by_class = [votes_for(L, label) for label in range(self.cardinality)]
        return self._posterior(by_class, self.accuracies)

    def arrays(self) -> Arrays:
        """The accuracies, and which LFs voted at all."""
        return {"accuracies": self.accuracies, "voted": self.voted}

    def restore(self, arrays: Arrays, details: Mapping[str, Any]) -> None:
        """Take the accuracies back."""
        self.accuracies, self.voted = arrays["accuracies"], arrays["voted"]


def _smoothed(
    right: npt.NDArray[Any], votes: npt.NDArray[Any], mean: float, strength: float
) -> Accuracies:
    accuracies: Accuracies = (right + mean * strength) / (votes + strength)
    return np.clip(accuracies, 0.01, 0.99)
