"""All who have an opinion of a row, having learned from the same gold."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from weakft.end_model import Embeddings, EndModel
from weakft.label_models import LabelModel
from weakft.labels import ABSTAIN, Probs, SoftLabels, Votes
from weakft.ranks import shared
from weakft.training.linear import linear_opinion
from weakft.training.relabelling import relabelled
from weakft.training.rows import TrainingSet
from weakft.training.stacking import Weights

PANEL = ("only", "continued", "weak", "linear", "labels")
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

    def joined(self, other: "Evidence") -> "Evidence":
        """These rows, then those."""
        return Evidence(
            self.texts + other.texts,
            np.concatenate([self.weak, other.weak]),
            np.concatenate([self.embeddings, other.embeddings]),
            np.concatenate([self.votes, other.votes]),
        )


@dataclass(frozen=True)
class Panel:
    """Five opinions of a row, in the order of PANEL; the third is the row's own `weak`.

    Attributes:
        only: fine-tuned on gold alone.
        continued: fine-tuned on weak labels, then on gold.
        gold: what a linear model on embeddings learns from.
        embeddings: [n, d] of its texts.
        label_model: of the votes, its accuracies set by gold.
        reads_texts: whether its labels are those of votes and texts together.
        seed: of the relabelling.
    """

    only: EndModel
    continued: EndModel
    gold: TrainingSet
    embeddings: Embeddings
    label_model: LabelModel
    reads_texts: bool = True
    seed: int = 0

    def opinions(
        self, rows: Evidence, labels: Probs, *, bf16: bool = False
    ) -> npt.NDArray[np.float64]:
        """[5, n, k] of rows whose labels [n, k], by `labels`, are known."""
        linear = linear_opinion(
            self.gold.probs, self.embeddings, rows.embeddings, strength=LINEAR_STRENGTH
        )
        only = self.only.predict_proba(rows.texts, bf16=bf16)
        continued = self.continued.predict_proba(rows.texts, bf16=bf16)
        return np.stack([only, continued, rows.weak, linear, labels])

    def labels(self, rows: Evidence) -> Probs:
        """[n, k] of votes and texts, of the whole pool and of gold: each bears on the others."""
        voted = self.label_model.predict_proba(rows.votes)
        if not self.reads_texts:
            return voted
        names = tuple(map(str, range(len(voted))))
        covered = (rows.votes != ABSTAIN).any(axis=1)
        soft = SoftLabels(voted, covered, names, tuple(map(str, range(voted.shape[1]))))
        anew = shared(lambda: relabelled(soft, rows.texts, rows.embeddings, self.seed))
        return voted if anew is None else anew.probs

    def most_trusted(self, weights: Weights) -> EndModel:
        """The one of the two models trained on gold whose opinion weighs more."""
        return (self.only, self.continued)[int(np.argmax(weights[:2]))]
