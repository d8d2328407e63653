"""The training set: texts, target probabilities and a weight for each row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from weakft.errors import DataError
from weakft.labels import Probs, SoftLabels, check_probs

Weights = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]  # of rows, from 0
Labels = npt.NDArray[np.intp]  # positions of classes
Rows = npt.NDArray[np.integer] | npt.NDArray[np.bool_]  # positions of rows, or a mask

FLOOR_OF_SHARES = 0.1  # of a class's fair share, added to the share of each


def confidence(probs: Probs) -> Weights:
    """[n] how far the surest class of each row is from chance, in [.01, 1].

    Example:
        >>> confidence(np.array([[0.9, 0.1], [0.5, 0.5]])).round(2).tolist()
        [0.8, 0.01]
    """
    chance = 1 / probs.shape[1]
    sure: Weights = np.maximum((probs.max(axis=1) - chance) / (1 - chance), 0.01)
    return sure


@dataclass(frozen=True)
class TrainingSet:
    """Rows to learn from.

    Attributes:
        texts: n texts.
        probs: [n, k] target distributions, rows sum to 1.
        weights: [n] weight of each row in the loss, above 0.

    Raises:
        DataError: sizes differ, no row, a target that is no distribution, a weight <= 0.
    """

    texts: tuple[str, ...]
    probs: Probs
    weights: Weights

    def __post_init__(self) -> None:
        n = len(self.texts)
        if n == 0:
            raise DataError("A training set needs at least one row, got none.")
        if self.probs.shape[0] != n or self.weights.shape != (n,):
            raise DataError(
                f"{n} texts need targets [{n}, k] and weights [{n}], got {self.probs.shape} "
                f"and {self.weights.shape}."
            )
        check_probs(self.probs, "training targets", [str(row) for row in range(n)])
        if not (np.isfinite(self.weights) & (self.weights > 0)).all():
            raise DataError("Weights of a training set are above 0; leave other rows out.")

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Rows) -> "TrainingSet":
        """The rows at these positions, or under this mask."""
        positions = np.arange(len(self), dtype=np.intp)[rows]
        texts = tuple(self.texts[int(row)] for row in positions)
        return TrainingSet(texts, self.probs[positions], self.weights[positions])

    def weighted(self, factor: float) -> "TrainingSet":
        """The same rows, every weight times `factor`."""
        return TrainingSet(self.texts, self.probs, self.weights * factor)

    def weighted_by_confidence(self) -> "TrainingSet":
        """The same rows, weights times how far the surest class is from chance, at least .01.

        Example:
            >>> rows = TrainingSet(("a", "b"), np.array([[0.9, 0.1], [0.5, 0.5]]), np.ones(2))
            >>> rows.weighted_by_confidence().weights.tolist()
            [0.8, 0.01]
        """
        return TrainingSet(self.texts, self.probs, self.weights * confidence(self.probs))

    def balanced(self, power: float = 1.0) -> "TrainingSet":
        """Classes that count alike: the loss of class c weighed by one over its share, to a power.

        Under soft cross-entropy that is the same as other targets and row weights, which come out
        here. A tenth of a fair share is added to each, so that a class of next
        to no mass is not raised all the way (King and Zeng, "Logistic regression in rare events
        data", 2001).

        Args:
            power: 0 leaves all as it is, 1 gives every class about the same mass.

        Example:
            >>> rows = TrainingSet(("a", "b", "c", "d"), np.eye(2)[[0, 0, 0, 1]], np.ones(4))
            >>> rows.balanced().weights.round(2).tolist()
            [0.71, 0.71, 0.71, 1.88]
        """
        k = self.probs.shape[1]
        share = self.weights @ self.probs / self.weights.sum()
        weighed = self.probs * (share + FLOOR_OF_SHARES / k) ** -power
        mass = weighed.sum(axis=1)
        weights = self.weights * mass
        return TrainingSet(self.texts, weighed / mass[:, None], weights / weights.mean())

    def merged(self) -> "TrainingSet":
        """Each text once, with the mean of its targets and the sum of its weights.

        Under cross-entropy that is the same objective for fewer rows.

        Example:
            >>> probs = np.array([[1.0, 0], [0, 1], [0, 1]])
            >>> rows = TrainingSet(("a", "b", "a"), probs, np.ones(3))
            >>> once = rows.merged()
            >>> once.texts, once.probs.tolist(), once.weights.tolist()
            (('a', 'b'), [[0.5, 0.5], [0.0, 1.0]], [2.0, 1.0])
        """
        first: dict[str, int] = {}
        place = np.array([first.setdefault(text, len(first)) for text in self.texts])
        if len(first) == len(self):
            return self
        weights: Weights = np.bincount(place, self.weights).astype(np.float64)
        probs = np.zeros((len(first), self.probs.shape[1]))
        np.add.at(probs, place, self.probs * self.weights[:, None])
        return TrainingSet(tuple(first), probs / weights[:, None], weights)

    @classmethod
    def from_soft_labels(cls, texts: Sequence[str], labels: SoftLabels) -> "TrainingSet":
        """The covered rows with their soft labels; a row nobody voted on stays out.

        Raises:
            DataError: no row is covered.
        """
        if not labels.covered.any():
            raise DataError(
                f"None of the {len(labels.ids)} rows is covered by an LF, so there is nothing "
                "to train on. Widen the LFs; `weakft analyze` shows what they see."
            )
        pairs = zip(texts, labels.covered, strict=True)
        covered_texts = tuple(text for text, covered in pairs if covered)
        return cls(covered_texts, labels.probs[labels.covered], np.ones(len(covered_texts)))

    @classmethod
    def from_gold(
        cls, texts: Sequence[str], gold: npt.NDArray[np.integer], cardinality: int
    ) -> "TrainingSet":
        """Rows with hand labels: one-hot targets."""
        return cls(tuple(texts), np.eye(cardinality)[gold], np.ones(len(gold)))

    @classmethod
    def concat(cls, parts: Sequence["TrainingSet"]) -> "TrainingSet":
        """All rows of several training sets, in order."""
        texts = tuple(text for part in parts for text in part.texts)
        probs = np.concatenate([part.probs for part in parts])
        return cls(texts, probs, np.concatenate([part.weights for part in parts]))
