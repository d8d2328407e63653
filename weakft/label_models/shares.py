"""Label models that count votes: the posterior is the share of each class, or goes by counts."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from weakft.cast_votes import CastVotes, blocks
from weakft.label_models.additive import Additive
from weakft.label_models.base import Arrays, Explanation, Gold, Term
from weakft.label_models.calibration import Calibration
from weakft.label_models.coins import climb, log_odds, same_accuracy
from weakft.label_models.patterns import VotePatterns
from weakft.label_models.votes import vote_counts, vote_scores
from weakft.label_models.weights import VoteWeights
from weakft.labels import ABSTAIN, Probs, Votes


class VoteShares(Additive):
    """Each vote counts by the weight of its LF; a row without a vote gets the prior.

    Attributes:
        weights: [m], at least 0.
        accuracies: [m], NaN where there is no estimate.
        log_odds: what a vote of weight 1 adds to the log-odds of its class; None: the posterior
            is the share of the weights, which gold does not calibrate.
    """

    stays_near_votes = True

    weights: npt.NDArray[np.float64]
    accuracies: npt.NDArray[np.float64]
    log_odds: float | None = None

    @property
    def lf_accuracies(self) -> npt.NDArray[np.float64]:
        """[m] estimated P(vote is right | LF votes); NaN where there is no estimate."""
        return self.accuracies

    def soften(self, L: Votes) -> None:
        """Go over from shares to log-odds, as if every vote were right equally often.

        The most probable class stays. How often a vote is right is learned from how often votes
        agree, by EM for one accuracy that all LFs share; an LF's accuracy is then the mean
        posterior of its votes.

        Args:
            L: [n, m] votes on unlabelled rows, at least one.
        """
        patterns = VotePatterns.of(L)
        cast = patterns.cast(self.cardinality)
        often = patterns.counts[cast.rows]
        votes = cast.by_column(often).sum(axis=1)
        mean = float(self.weights @ votes / votes.sum()) or 1.0
        factors = (self.weights / mean)[cast.lfs]
        accuracy = climb(cast, same_accuracy, factors=factors, counts=patterns.counts)[0, 0]
        self.log_odds = float(log_odds(accuracy, self.cardinality)) / mean
        right = np.zeros(len(self.weights))
        for rows in blocks(len(patterns.votes), self.cardinality):
            part = CastVotes.of(patterns.votes[rows], self.cardinality)
            probs = self._predict_proba(patterns.votes[rows])[part.rows, part.labels]
            probs *= patterns.counts[rows][part.rows]
            right += np.bincount(part.lfs, probs, minlength=len(right))
        self.accuracies = np.where(votes > 0, right / np.maximum(votes, 1), np.nan)
        self._learned()

    def _learned(self) -> None:
        """All that votes teach is set."""
        self.by_votes = {"weights": self.weights, "accuracies": self.accuracies}
        self.calibration = Calibration.plain(self.prior_given)

    def explain(self, votes: Sequence[int] | Votes) -> Explanation:
        """What each vote adds to the shares, which are the posterior, or to the log-odds."""
        row = self._checked_row(votes)
        if self.log_odds is not None:
            return self._explained_in_log_odds(row, self.log_odds)
        voters = np.flatnonzero(row[0] != ABSTAIN)
        total = self.weights[voters].sum()
        weights = self.weights[voters] if total > 0 else np.ones(len(voters))
        terms = tuple(
            Term(
                self.lf_names[j],
                int(row[0, j]),
                tuple((np.arange(self.cardinality) == row[0, j]) * float(weight / weights.sum())),
            )
            for j, weight in zip(voters, weights, strict=True)
        )
        prior = np.zeros(self.cardinality) if len(voters) else self.prior_given
        probs = self._predict_proba(row)[0]
        return Explanation("share", tuple(prior.tolist()), terms, tuple(probs.tolist()))

    def _explained_in_log_odds(self, row: Votes, unit: float) -> Explanation:
        voters = np.flatnonzero(row[0] != ABSTAIN)
        weights = self.weights[voters] if self.weights[voters].any() else np.ones(len(voters))
        unit = unit / self.calibration.temperature
        terms = tuple(
            Term(
                self.lf_names[j],
                int(row[0, j]),
                tuple((np.arange(self.cardinality) == row[0, j]) * float(weight * unit)),
            )
            for j, weight in zip(voters, weights, strict=True)
        )
        prior = self.calibration.before_votes(self._scores(row)[0])
        probs = self._predict_proba(row)[0]
        return Explanation("log_odds", tuple(prior.tolist()), terms, tuple(probs.tolist()))

    def _scores(self, L: Votes) -> Probs:
        """[n, k] weights of the votes for each class, or their log-odds."""
        k = self.cardinality
        weights = VoteWeights.of_own(np.repeat(self.weights[:, None], k, axis=1))
        scores = np.empty((len(L), k))
        for rows in blocks(len(L), k):
            scores[rows] = self._by_votes(L[rows], weights)
        return scores

    def _by_votes(self, L: Votes, weights: VoteWeights) -> Probs:
        scores = vote_scores(L, weights)
        silent = scores.sum(axis=1) == 0
        if silent.any():
            scores[silent] = vote_counts(L[silent], self.cardinality)
        return scores if self.log_odds is None else scores * self.log_odds

    def _posterior(self, scores: Probs) -> Probs:
        if self.log_odds is not None:
            return super()._posterior(scores)
        total = scores.sum(axis=1, keepdims=True)
        return np.where(total > 0, scores / np.where(total > 0, total, 1), self.prior_given)

    def _calibrated(self, scores: Probs, gold: Gold, all_gold: Gold) -> Self:
        return self if self.log_odds is None else super()._calibrated(scores, gold, all_gold)

    def arrays(self) -> Arrays:
        """The weights, the accuracies, what a vote adds, and the calibration."""
        found: Arrays = {"weights": self.weights, "accuracies": self.accuracies}
        if self.log_odds is None:
            return found
        return {**found, **self.calibration.arrays(), "log_odds": np.array([self.log_odds])}

    def restore(self, arrays: Arrays, details: Mapping[str, Any]) -> None:
        """Take them back; models stored earlier may have weights alone."""
        self.weights = arrays["weights"]
        self.accuracies = arrays.get("accuracies", np.full(len(self.weights), np.nan))
        self.log_odds = float(arrays["log_odds"][0]) if "log_odds" in arrays else None
        self._learned()
        if "prior" in arrays:
            self.calibration = Calibration.restored(arrays)
