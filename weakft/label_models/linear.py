"""Label models whose posterior is a sum of terms, one for each vote, in log space."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from weakft.cast_votes import CastVotes, blocks
from weakft.label_models.base import Arrays, Explanation, Gold, LabelModel, Term
from weakft.label_models.coins import log_odds
from weakft.label_models.groups import Groups, find_groups
from weakft.label_models.votes import normalised
from weakft.label_models.weights import VoteWeights
from weakft.labels import ABSTAIN, Probs, Votes

MINIMUM_DEV_ROWS = 20
TEMPERATURES = np.geomspace(0.25, 8, 41)
PRIOR_SHARES = (0.0, 0.5, 1.0)
SMALLEST_PROBABILITY = 1e-6  # a wrong vote held for certain costs 13.8 nats, not infinity

Accuracies = npt.NDArray[np.float64]


class LogLinear(LabelModel):
    """log P(y | votes) = log prior(y) + sum over votes of weight[j, vote, y] / temperature.

    Dependent LFs speak with one voice: where s of a group vote on a row, each of their terms is
    divided by 1 + (s - 1) r, r being how far they depend on each other (Kish's design effect).

    With at least 20 covered gold rows, temperature and prior are calibrated on them, by folds:
    no row is judged by weights that its own gold has set. The prior is the class balance of
    gold to the power of 0, 1/2 or 1: one-sided LFs already carry the balance in how often they
    vote, and most sets want none of it. Without gold the prior is uniform.

    """

    uses_gold = True
    corrects_dependence = True

    weights: VoteWeights
    accuracies: Accuracies  # [m], NaN for an LF that never votes
    prior: Probs
    temperature: float
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
        prior = np.log(self.prior)
        terms = tuple(
            Term(
                self.lf_names[j],
                label,
                tuple((self.weights.of_vote(j, label) * factor / self.temperature).tolist()),
            )
            for j, label, factor in zip(
                cast.lfs.tolist(), cast.labels.tolist(), factors, strict=True
            )
        )
        probs = self._predict_proba(row)[0]
        return Explanation("log_odds", tuple(prior.tolist()), terms, tuple(probs.tolist()))

    def _learn(self, L: Votes) -> None:
        self.prior = self.prior_given
        self.temperature = 1.0
        self.groups = (
            find_groups(L, self.cardinality)
            if self.corrects_dependence
            else Groups.none(L.shape[1])
        )
        self._learn_weights(L)

    def _adapt(self, votes: Votes, gold: Gold) -> None:
        self.prior, self.temperature = self.prior_given, 1.0
        covered = np.flatnonzero((votes != ABSTAIN).any(axis=1))
        if len(covered) >= MINIMUM_DEV_ROWS:
            scores = self._chosen_by(votes[covered], gold[covered])
            self._adapt_weights(votes, gold)
            self._calibrate(scores, gold[covered], gold)
        elif len(covered):
            self._adapt_weights(votes, gold)

    @abstractmethod
    def _learn_weights(self, L: Votes) -> None:
        """Set weights and accuracies from unlabelled rows."""

    def _adapt_weights(self, votes: Votes, gold: Gold) -> None:
        """Set weights and accuracies from gold rows, if the model can; callable repeatedly."""

    def _predict_proba(self, L: Votes) -> Probs:
        probs = self._scores(L)
        for rows in blocks(len(L), self.cardinality):
            probs[rows] = normalised(np.log(self.prior) + probs[rows] / self.temperature)
        return probs

    def _scores(self, L: Votes) -> Probs:
        return self.groups.scores(L, self.weights)

    def _ways_to_adapt(self) -> Sequence[dict[str, Any]]:
        """Attributes to choose between by held-out gold, the one to prefer first."""
        return [{}]

    def _chosen_by(self, votes: Votes, gold: Gold) -> Probs:
        """Take the way to adapt that held-out gold likes best; its held-out vote terms."""
        ways = self._ways_to_adapt()
        found = []
        for way in ways:
            twin = self._twin()
            twin.__dict__.update(way)
            found.append(twin._held_out_scores(votes, gold))
        losses = [row_losses(np.log(self.prior) + scores, gold).sum() for scores in found]
        best = int(np.argmin(losses))
        self.__dict__.update(ways[best])
        return found[best]

    def _held_out_scores(self, votes: Votes, gold: Gold) -> Probs:
        """[d, k] vote terms of gold rows, from weights that have not seen their gold."""
        scores = np.empty((len(gold), self.cardinality))
        for kept in self._folds(len(gold)):
            twin = self._twin()
            twin._adapt_weights(votes[kept], gold[kept])
            scores[~kept] = twin._scores(votes[~kept])
        return scores

    def _calibrate(self, scores: Probs, gold: Gold, all_gold: Gold) -> None:
        """The likeliest temperature and prior, a little in favour of 1 and of uniform."""
        counts = np.bincount(all_gold, minlength=self.cardinality) + 1.0
        balance = np.log(counts / counts.sum())
        shares = PRIOR_SHARES if self.class_balance is None else (0.0,)
        costs = {
            (share, temperature): row_losses(
                scores / temperature + np.log(self.prior) + share * balance, gold
            ).sum()
            + 2 * np.log(temperature) ** 2
            + 2 * share
            for share in shares
            for temperature in TEMPERATURES
        }
        share, self.temperature = min(costs, key=lambda key: costs[key])
        self.prior = normalised((np.log(self.prior) + share * balance)[None, :])[0]

    def arrays(self) -> Arrays:
        """Everything that a prediction needs."""
        return {
            **self.weights.arrays(),
            "accuracies": self.accuracies,
            "prior": self.prior,
            "temperature": np.array([self.temperature]),
            **self.groups.arrays(),
        }

    def restore(self, arrays: Arrays, details: Mapping[str, Any]) -> None:
        """Take the parameters back."""
        self.weights, self.accuracies = VoteWeights.restored(arrays), arrays["accuracies"]
        self.prior, self.temperature = arrays["prior"], float(arrays["temperature"][0])
        self.groups = Groups.restored(arrays)

    def details(self) -> dict[str, Any]:
        """Prior, temperature and the dependent groups, by LF name."""
        return {
            "prior": self.prior.tolist(),
            "temperature": self.temperature,
            "dependent_groups": self.groups.told(self.lf_names),
        }


def coin_weights(accuracies: Probs) -> VoteWeights:
    """Weights of votes that speak for their own class alone.

    Args:
        accuracies: [m, k] in (0, 1), for each class an LF may vote for.
    """
    return VoteWeights.of_own(log_odds(accuracies, accuracies.shape[1]))


def row_losses(log_scores: Probs, gold: Gold) -> npt.NDArray[np.float64]:
    """[n] negative log-likelihoods in nats, probabilities floored at 1e-6."""
    probs = normalised(log_scores)[np.arange(len(gold)), gold]
    return np.asarray(-np.log(np.maximum(probs, SMALLEST_PROBABILITY)))
