"""Hand-labelled rows, and the folds they are dealt into."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from weakft.labels import Votes
from weakft.training.rows import TrainingSet

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Gold:
    """Hand-labelled rows to train on.

    Attributes:
        rows: n gold rows, one-hot.
        judged: [n] True for the rows that judge recipes, each in a fold that did not train
            on it; the others (dev, which set LF accuracies) train in every fold.
        votes: [n, m] of the LFs on these rows.
    """

    rows: TrainingSet
    judged: Mask
    votes: Votes

    @property
    def labels(self) -> npt.NDArray[np.intp]:
        """[n] class positions."""
        return np.asarray(self.rows.probs.argmax(axis=1))

    @property
    def judges(self) -> int:
        """How many texts there are among the judged rows."""
        return len(set(self.rows.take(self.judged).texts)) if self.judged.any() else 0

    def folds(self, count: int, seed: int) -> list[Mask]:
        """`count` masks that share out the judged rows, each class dealt evenly.

        Equal texts are in one fold: a model that has seen one of them knows the others.
        """
        texts, rng = self.rows.texts, np.random.default_rng(seed)
        first: dict[str, int] = {}
        for row in rng.permutation(np.flatnonzero(self.judged)):
            first.setdefault(texts[row], row)
        once = np.array(list(first.values()))
        dealt = once[np.argsort(self.labels[once], kind="stable")]
        fold = {texts[row]: number % count for number, row in enumerate(dealt)}
        of_rows = np.array([fold.get(text, -1) for text in texts])
        return [(of_rows == number) & self.judged for number in range(count)]

    def apart_from(self, held_out: Mask) -> Mask:
        """[n] the rows whose text is none of those held out, judged or not."""
        texts = set(self.rows.take(held_out).texts)
        return np.array([text not in texts for text in self.rows.texts])

    def joined(self, other: "Gold") -> "Gold":
        """These rows, then those."""
        return Gold(
            TrainingSet.concat([self.rows, other.rows]),
            np.concatenate([self.judged, other.judged]),
            np.concatenate([self.votes, other.votes]),
        )
