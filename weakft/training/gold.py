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

    def folds(self, count: int, seed: int) -> list[Mask]:
        """`count` masks that share out the judged rows, each class dealt evenly."""
        rng = np.random.default_rng(seed)
        judged = rng.permutation(np.flatnonzero(self.judged))
        dealt = judged[np.argsort(self.labels[judged], kind="stable")]
        fold = np.full(len(self.rows), -1)
        fold[dealt] = np.arange(len(dealt)) % count
        return [fold == number for number in range(count)]
