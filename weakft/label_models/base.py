"""The interface of every label model; inputs are checked here once."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from weakft.errors import ConfigError, DataError
from weakft.labels import LabelMatrix, Probs, Votes

Gold = npt.NDArray[np.integer]
Arrays = dict[str, npt.NDArray[Any]]


class LabelModel(ABC):
    """Combines the votes of m labeling functions into a distribution over k classes.

    Args:
        cardinality: number of classes k, at least 2.
        seed: of whatever is random in fitting.
    """

    name: ClassVar[str]
    minimum_lfs: ClassVar[int] = 1
    uses_gold: ClassVar[bool] = False

    def __init__(self, cardinality: int, *, seed: int = 0) -> None:
        if cardinality < 2:
            raise ConfigError(f"A label model needs at least 2 classes, got {cardinality}.")
        self.cardinality = cardinality
        self.seed = seed
        self.lf_names: tuple[str, ...] = ()

    def fit(
        self,
        L: LabelMatrix | npt.ArrayLike,
        Y_dev: npt.ArrayLike | None = None,
        L_dev: LabelMatrix | npt.ArrayLike | None = None,
    ) -> Self:
        """Learn from the votes on unlabelled rows and, if given, on gold ones.

        Args:
            L: [n, m] votes in -1..k-1.
            Y_dev: [d] gold labels in 0..k-1.
            L_dev: [d, m] votes of the same LFs on the gold rows.

        Raises:
            DataError: shapes, LF names or values do not fit.
        """
        matrix = self._checked(L)
        if matrix.values.shape[1] < self.minimum_lfs:
            raise DataError(
                f"Label model {self.name!r} needs at least {self.minimum_lfs} LFs, got "
                f"{matrix.values.shape[1]}. Use one_coin or majority_vote."
            )
        if not matrix.covered.any():
            raise DataError(
                f"No LF voted on any of {len(matrix.ids)} rows, so there is nothing to learn "
                "from. Widen the LFs, or check that they read the right column."
            )
        self.lf_names = matrix.lf_names
        self._fit(matrix.values, self._checked_dev(Y_dev, L_dev))
        return self

    def predict_proba(self, L: LabelMatrix | npt.ArrayLike) -> Probs:
        """[n, k] float64 posteriors; a row without a vote gets the prior.

        Raises:
            DataError: not fitted, or the LFs differ from those fitted on.
        """
        if not self.lf_names:
            raise DataError(f"Label model {self.name!r} is not fitted; call fit(L) first.")
        matrix = self._checked(L)
        self._check_same_lfs(matrix, named=isinstance(L, LabelMatrix))
        return self._predict_proba(matrix.values)

    @property
    def lf_accuracies(self) -> npt.NDArray[np.float64]:
        """[m] estimated P(vote is right | LF votes); NaN where the model has no estimate."""
        return np.full(len(self.lf_names), np.nan)

    @abstractmethod
    def _fit(self, L: Votes, dev: tuple[Votes, Gold] | None) -> None: ...

    @abstractmethod
    def _predict_proba(self, L: Votes) -> Probs: ...

    def arrays(self) -> Arrays:
        """The fitted parameters, by name."""
        return {}

    def restore(self, arrays: Arrays, details: Mapping[str, Any]) -> None:  # noqa: B027
        """Take back what `arrays` and `details` gave."""

    def details(self) -> dict[str, Any]:
        """Whatever else a person or `restore` wants to know; plain JSON values."""
        return {}

    def _checked(self, L: LabelMatrix | npt.ArrayLike) -> LabelMatrix:
        matrix = L if isinstance(L, LabelMatrix) else LabelMatrix.from_array(L)
        if matrix.values.size and matrix.values.max() >= self.cardinality:
            row, j = np.argwhere(matrix.values >= self.cardinality)[0]
            raise DataError(
                f"Votes lie in -1..{self.cardinality - 1}, but LF {matrix.lf_names[j]!r} votes "
                f"{matrix.values[row, j]} on row {matrix.ids[row]!r}."
            )
        return matrix

    def _checked_dev(
        self, Y_dev: npt.ArrayLike | None, L_dev: LabelMatrix | npt.ArrayLike | None
    ) -> tuple[Votes, Gold] | None:
        if Y_dev is None and L_dev is None:
            return None
        if Y_dev is None or L_dev is None:
            raise DataError("Y_dev and L_dev go together: gold labels and votes on the same rows.")
        matrix, gold = self._checked(L_dev), np.asarray(Y_dev)
        self._check_same_lfs(matrix, named=isinstance(L_dev, LabelMatrix))
        if gold.shape != (len(matrix.ids),):
            raise DataError(f"Y_dev has shape {gold.shape}, L_dev {matrix.values.shape}.")
        if gold.size and not (
            np.issubdtype(gold.dtype, np.integer)
            and 0 <= gold.min() <= gold.max() < self.cardinality
        ):
            raise DataError(
                f"Y_dev holds integers 0..{self.cardinality - 1}, got {np.unique(gold)}."
            )
        return (matrix.values, gold) if gold.size else None

    def _check_same_lfs(self, matrix: LabelMatrix, *, named: bool) -> None:
        if matrix.values.shape[1] != len(self.lf_names) or (
            named and matrix.lf_names != self.lf_names and not _unnamed(self.lf_names)
        ):
            raise DataError(
                f"Label model {self.name!r} was fitted on LFs {list(self.lf_names)}, got "
                f"{list(matrix.lf_names)}. Give the same LFs in the same order, or fit again."
            )


def _unnamed(lf_names: tuple[str, ...]) -> bool:
    return lf_names == tuple(f"lf_{j}" for j in range(len(lf_names)))
