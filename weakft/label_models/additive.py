"""Label models whose posterior comes from sums over votes; how they learn from gold."""

from abc import abstractmethod
from typing import Any, ClassVar, Self

import numpy as np

from weakft.label_models.base import Gold, LabelModel
from weakft.label_models.calibration import Calibration
from weakft.label_models.gold import LEAST_GOLD, Floats, Judged, decide, equal_counts
from weakft.labels import ABSTAIN, Probs, Votes


class Additive(LabelModel):
    """Sums what each vote adds to each class, and makes probabilities of the sums.

    Of 20 covered gold rows or more, temperature and prior are calibrated on gold, by folds: no
    row is judged by weights that its own gold has set. A model whose weights gold can set takes
    those of gold only where its labels of held-out gold are clearly better for it (`decide`); the
    gold rows of each class count the same there, and the class prior stays uniform, for the labels.
    With fewer covered gold rows nothing is learned from gold.

    Attributes:
        by_votes: what votes alone have taught, and gold may change: attributes by name.
        calibration: of the posterior.
    """

    weighed_by_gold: ClassVar[bool] = False

    by_votes: dict[str, Any]
    calibration: Calibration

    def before_gold(self) -> Self:
        """A copy that has learned from votes alone."""
        twin = self._twin()
        twin.__dict__.update(self.by_votes)
        twin.calibration = Calibration.plain(self.prior_given)
        return twin

    def ways(self, votes: Votes, gold: Gold) -> list[Judged]:
        """As votes have taught it, then, if gold can, as gold weighs it; both calibrated.

        Args:
            votes: [d, m] on the gold rows, some covered.
            gold: [d] classes.
        """
        plain = self.before_gold()
        found = [plain._judged(plain._scores(votes), votes, gold)]
        if self.weighed_by_gold:
            weighed = plain._weighed(votes, gold)
            found.append(weighed._judged(plain._held_out(votes, gold), votes, gold))
        return found

    def _weighed(self, votes: Votes, gold: Gold) -> Self:
        """A copy weighed by gold; of votes for a class without a gold row, gold says nothing."""
        twin = self._twin()
        known = np.isin(votes, gold)
        counts = equal_counts(gold, self.cardinality)
        twin._weigh(np.where(known, votes, ABSTAIN).astype(votes.dtype), gold, counts)
        return twin

    def _held_out(self, votes: Votes, gold: Gold) -> Probs:
        """[d, k] sums over the votes of gold rows, by weights that have not seen their gold."""
        scores = np.empty((len(gold), self.cardinality))
        for kept in self._folds(len(gold)):
            twin = self._weighed(votes[kept], gold[kept])
            scores[~kept] = twin._scores(votes[~kept])
        return scores

    def _judged(self, scores: Probs, votes: Votes, gold: Gold) -> Judged:
        covered = (votes != ABSTAIN).any(axis=1)
        twin = self._calibrated(scores[covered], gold[covered], gold)
        return Judged(twin, twin._posterior(scores[covered]), gold[covered])

    def _adapt(self, votes: Votes, gold: Gold) -> None:
        taken: Additive = self.before_gold()
        if (votes != ABSTAIN).any(axis=1).sum() >= LEAST_GOLD:
            without, *weighed = self.ways(votes, gold)
            model = decide(without, weighed, self.seed).taken.model
            assert isinstance(model, Additive)
            taken = model
        self.__dict__.update(taken.__dict__)

    def _calibrated(self, scores: Probs, gold: Gold, all_gold: Gold) -> Self:
        twin = self._twin()
        twin.calibration = self.calibration.fitted(
            scores, gold, all_gold, to_shares=self.class_balance is None
        )
        return twin

    def _weigh(self, votes: Votes, gold: Gold, counts: Floats) -> None:
        """Set weights and accuracies from gold rows that count so often, if the model can."""

    @abstractmethod
    def _scores(self, L: Votes) -> Probs:
        """[n, k] sums over the votes of each row."""

    def _posterior(self, scores: Probs) -> Probs:
        return self.calibration.posterior(scores)

    def _predict_proba(self, L: Votes) -> Probs:
        return self._posterior(self._scores(L))
