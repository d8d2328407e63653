"""Label models whose posterior is a sum of terms, one for each vote, in log space."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from weakft.cast_votes import CastVotes
from weakft.label_models.additive import Additive
from weakft.label_models.base import Arrays, Explanation, Term
from weakft.label_models.calibration import Calibration
from weakft.label_models.coins import log_odds
from weakft.label_models.groups import Groups, find_groups
from weakft.label_models.weights import VoteWeights
from weakft.labels import Probs, Votes

Accuracies = npt.NDArray[np.float64]


class LogLinear(Additive):
    """log P(y | votes) = log prior(y) + sum over votes of weight[j, vote, y] / temperature.

    Dependent LFs speak with one voice: where s of a group vote on a row, each of their terms is
    divided by 1 + (s - 1) r, r being how far they depend on each other (Kish's design effect).

    Without gold the prior is uniform. Gold, if there is enough, sets temperature and prior of the
    probabilities; which class is the most probable is left to the votes (`Calibration`).
    """

    uses_gold = True
    corrects_dependence = True

    weights: VoteWeights
    accuracies: Accuracies  # [m], NaN for an LF that never votes
    groups: Groups

    @property
    def lf_accuracies(self) -> Accuracies:
        """[m] estimated P(vote is right | LF votes); NaN for an LF that never votes."""
        return self.accuracies

    def explain(self, votes: Sequence[int] | Votes) -> Explanation:
        """What each vote adds to the log-odds of one row, summing exactly to its posterior."""
        row = self._checked_row(votes)
        cast = CastVotes.of(row, self.cardinality)
        factors = self.groups.factors(cast)
        prior = self.calibration.before_votes(self._scores(row)[0])
        temperature = self.calibration.temperature
        terms = tuple(
            Term(
                self.lf_names[j],
                label,
                tuple((self.weights.of_vote(j, label) * factor / temperature).tolist()),
            )
            for j, label, factor in zip(
                cast.lfs.tolist(), cast.labels.tolist(), factors, strict=True
            )
        )
        probs = self._predict_proba(row)[0]
        return Explanation("log_odds", tuple(prior.tolist()), terms, tuple(probs.tolist()))

    def _learn(self, L: Votes) -> None:
        self.by_votes = {}
        self.calibration = Calibration.plain(self.prior_given)
        self.groups = (
            find_groups(L, self.cardinality)
            if self.corrects_dependence
            else Groups.none(L.shape[1])
        )
        self._learn_weights(L)

    @abstractmethod
    def _learn_weights(self, L: Votes) -> None:
        """Set weights and accuracies from unlabelled rows."""

    def _scores(self, L: Votes) -> Probs:
        return self.groups.scores(L, self.weights)

    def arrays(self) -> Arrays:
        """Everything that a prediction needs."""
        return {
            **self.weights.arrays(),
            "accuracies": self.accuracies,
            **self.calibration.arrays(),
            **self.groups.arrays(),
        }

    def restore(self, arrays: Arrays, details: Mapping[str, Any]) -> None:
        """Take the parameters back; gold may have set them, so gold teaches no more."""
        self.by_votes = {}
        self.weights, self.accuracies = VoteWeights.restored(arrays), arrays["accuracies"]
        self.calibration = Calibration.restored(arrays)
        self.groups = Groups.restored(arrays)

    def details(self) -> dict[str, Any]:
        """Prior, temperature and the dependent groups, by LF name."""
        return {
            "prior": self.calibration.prior.tolist(),
            "temperature": self.calibration.temperature,
            "dependent_groups": self.groups.told(self.lf_names),
        }


def coin_weights(accuracies: Probs) -> VoteWeights:
    """Weights of votes that speak for their own class alone.

    Args:
        accuracies: [m, k] in (0, 1), for each class an LF may vote for.
    """
    return VoteWeights.of_own(log_odds(accuracies, accuracies.shape[1]))
