"""All who have an opinion of a row, having learned from the same gold."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from weakft.end_model import Embeddings, EndModel
from weakft.label_models import LabelModel
from weakft.labels import Probs, Votes
from weakft.training.linear import linear_opinion
from weakft.training.rows import TrainingSet
from weakft.training.stacking import Weights

PANEL = ("only", "continued", "weak", "linear", "votes")
LINEAR_STRENGTH = 10.0


@dataclass(frozen=True)
class Evidence:
    """What is known of rows before anyone has looked at gold.

    Attributes:
        texts: n texts.
        weak: [n, k] what the model trained on weak labels alone says of them.
        embeddings: [n, d] by the pre-trained encoder.
        votes: [n, m] of the LFs.
    """

    texts: tuple[str, ...]
    weak: Probs
    embeddings: Embeddings
    votes: Votes

    def take(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.integer]) -> "Evidence":
        """The rows at these positions, or under this mask."""
        positions = np.arange(len(self.texts))[rows]
        texts = tuple(self.texts[int(row)] for row in positions)
        return Evidence(texts, self.weak[rows], self.embeddings[rows], self.votes[rows])


@dataclass(frozen=True)
class Panel:
    """Five opinions of a row, in the order of PANEL; the third is the row's own `weak`.

    Attributes:
        only: fine-tuned on gold alone.
        continued: fine-tuned on weak labels, then on gold.
        gold: what a linear model on embeddings learns from.
        embeddings: [n, d] of its texts.
        label_model: of the votes, its accuracies set by gold.
    """

    only: EndModel
    continued: EndModel
    gold: TrainingSet
    embeddings: Embeddings
    label_model: LabelModel

    @classmethod
    def of(
        cls,
        only: EndModel,
        continued: EndModel,
        gold: TrainingSet,
        evidence: Evidence,
        label_model: LabelModel,
    ) -> Self:
        """A panel whose label model takes its accuracies from the gold.

        Args:
            only: fine-tuned on this gold alone.
            continued: fine-tuned on weak labels, then on this gold.
            gold: n gold rows.
            evidence: of the same rows.
            label_model: fitted to the pool's votes.
        """
        adapted = label_model.adapted(gold.probs.argmax(axis=1), evidence.votes)
        return cls(only, continued, gold, evidence.embeddings, adapted)

    def opinions(self, rows: Evidence, *, bf16: bool = False) -> list[Probs]:
        """Five times [n, k], of rows that none of the panel has learned from."""
        return [
            self.only.predict_proba(rows.texts, bf16=bf16),
            self.continued.predict_proba(rows.texts, bf16=bf16),
            rows.weak,
            linear_opinion(
                self.gold.probs, self.embeddings, rows.embeddings, strength=LINEAR_STRENGTH
            ),
            self.label_model.predict_proba(rows.votes),
        ]

    def most_trusted(self, weights: Weights) -> EndModel:
        """The one of the two models trained on gold whose opinion weighs more."""
        return (self.only, self.continued)[int(np.argmax(weights[:2]))]
