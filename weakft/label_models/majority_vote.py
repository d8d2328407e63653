"""Majority vote: every LF counts the same."""

import numpy as np

from weakft.label_models.shares import VoteShares
from weakft.labels import Votes


class MajorityVote(VoteShares):
    """The share of the votes that each class got; the prior where nobody voted.

    Fails when many LFs copy one mistake, and its probabilities are not calibrated: one
    lone vote counts as certainty.

    Example:
        >>> model = MajorityVote(2).fit([[0, 1, 1], [0, -1, -1]])
        >>> model.predict_proba([[0, 1, 1], [-1, -1, -1]]).round(2).tolist()
        [[0.33, 0.67], [0.5, 0.5]]
    """

    name = "majority_vote"

    def _learn(self, L: Votes) -> None:
        self.weights = np.ones(L.shape[1])
        self.accuracies = np.full(L.shape[1], np.nan)
        self._learned()
