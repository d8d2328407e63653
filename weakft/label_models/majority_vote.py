"""Majority vote: every LF counts the same."""

from weakft.label_models.base import Gold, LabelModel
from weakft.label_models.votes import vote_counts
from weakft.labels import Probs, Votes


class MajorityVote(LabelModel):
    """The share of the votes that each class got; uniform where nobody voted.

    Fails when many LFs copy one mistake, and its probabilities are not calibrated: one
    lone vote counts as certainty.

    Example:
        >>> model = MajorityVote(2).fit([[0, 1, 1], [0, -1, -1]])
        >>> model.predict_proba([[0, 1, 1], [-1, -1, -1]]).round(2).tolist()
        [[0.33, 0.67], [0.5, 0.5]]
    """

    name = "majority_vote"

    def _fit(self, L: Votes, dev: tuple[Votes, Gold] | None) -> None:
        """Nothing to learn."""

    def _predict_proba(self, L: Votes) -> Probs:
        counts = vote_counts(L, self.cardinality)
        counts[counts.sum(axis=1) == 0] = 1
        shares: Probs = counts / counts.sum(axis=1, keepdims=True)
        return shares
