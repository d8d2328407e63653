"""Label models whose posterior is the share of the votes that each class got."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from weakft.label_models.base import Arrays, Explanation, LabelModel, Term
from weakft.label_models.votes import vote_scores
from weakft.labels import ABSTAIN, Probs, Votes


class VoteShares(LabelModel):
    """Each vote counts by the weight of its LF; a row without a vote gets the prior."""

    weights: npt.NDArray[np.float64]  # [m], at least 0

    def explain(self, votes: Sequence[int] | Votes) -> Explanation:
        """What share each vote adds; the shares are the posterior."""
        row = self._checked_row(votes)
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

    def _predict_proba(self, L: Votes) -> Probs:
        own = np.eye(self.cardinality)
        scores = vote_scores(L, self.weights[:, None, None] * own)
        silent = scores.sum(axis=1) == 0
        if silent.any():
            scores[silent] = vote_scores(L[silent], np.tile(own, (len(self.weights), 1, 1)))
            scores[silent & (scores.sum(axis=1) == 0)] = self.prior_given
        shares: Probs = scores / scores.sum(axis=1, keepdims=True)
        return shares

    def arrays(self) -> Arrays:
        """The weights."""
        return {"weights": self.weights}

    def restore(self, arrays: Arrays, details: Mapping[str, Any]) -> None:
        """Take the weights back."""
        self.weights = arrays["weights"]
