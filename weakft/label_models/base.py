"""The interface of every label model; inputs are checked here once."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt

from weakft.errors import ConfigError, DataError
from weakft.labels import (
    ABSTAIN,
    MAX_CARDINALITY,
    LabelMatrix,
    Probs,
    Votes,
    as_votes,
    default_lf_names,
)

Gold = npt.NDArray[np.integer]
Arrays = dict[str, npt.NDArray[Any]]
Balance = Sequence[float] | Probs

FOLDS = 5


class TooLargeError(DataError):
    """The statistics of a label model would not fit into memory."""


@dataclass(frozen=True)
class Term:
    """What one vote adds.

    Attributes:
        lf_name: whose vote.
        vote: the class it is for.
        adds: [k] to each class.
    """

    lf_name: str
    vote: int
    adds: tuple[float, ...]


@dataclass(frozen=True)
class Explanation:
    """Why a row has the posterior it has.

    Attributes:
        unit: "log_odds": the posterior is the softmax of prior and terms added up; "share": it
            is their sum.
        prior: [k] what stands before any vote.
        terms: one for each vote.
        probs: [k] the posterior.
    """

    unit: Literal["log_odds", "share"]
    prior: tuple[float, ...]
    terms: tuple[Term, ...]
    probs: tuple[float, ...]


class LabelModel(ABC):
    """Combines the votes of m labeling functions into a distribution over k classes.

    Args:
        cardinality: number of classes k, at least 2.
        seed: of whatever is random in fitting.
        class_balance: [k] positive shares that sum to 1, the prior to use; None: uniform, or
            what gold says where the model calibrates its prior.

    Raises:
        ConfigError: fewer than two classes, more than 1,000, or a class balance that is none.
    """

    name: ClassVar[str]
    minimum_lfs: ClassVar[int] = 1
    uses_gold: ClassVar[bool] = False
    stays_near_votes: ClassVar[bool] = False

    def __init__(
        self, cardinality: int, *, seed: int = 0, class_balance: Balance | None = None
    ) -> None:
        if cardinality < 2:
            raise ConfigError(f"A label model needs at least 2 classes, got {cardinality}.")
        if cardinality > MAX_CARDINALITY:
            raise ConfigError(
                f"A label model takes at most {MAX_CARDINALITY} classes, got {cardinality}. Merge "
                "some, or sort into groups first."
            )
        self.cardinality = cardinality
        self.seed = seed
        self.class_balance = _checked_balance(class_balance, cardinality)
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
        votes, names = self._checked(L)
        if len(names) < self.minimum_lfs:
            raise DataError(
                f"Label model {self.name!r} needs at least {self.minimum_lfs} LFs, got "
                f"{len(names)}. Use one_coin or majority_vote."
            )
        if not votes.size or votes.max() == ABSTAIN:
            raise DataError(
                f"No LF voted on any of {len(votes)} rows, so there is nothing to learn "
                "from. Widen the LFs, or check that they read the right column."
            )
        self.lf_names = names
        try:
            dev = self._checked_dev(Y_dev, L_dev)
            self._learn(votes)
            if dev is not None:
                self._adapt(*dev)
        except Exception:
            self.lf_names = ()
            raise
        return self

    def partial_fit(
        self,
        L: LabelMatrix | npt.ArrayLike,
        Y_dev: npt.ArrayLike | None = None,
        L_dev: LabelMatrix | npt.ArrayLike | None = None,
    ) -> Self:
        """Learn from further unlabelled rows too, without the earlier ones.

        Args:
            L: [n, m] votes on the new rows.
            Y_dev: [d] gold labels, as for `fit`.
            L_dev: [d, m] votes on the gold rows.

        Raises:
            ConfigError: this model needs all rows at once.
            DataError: shapes, LF names or values do not fit.
        """
        votes = self._checked_as_fitted(L)
        dev = self._checked_dev(Y_dev, L_dev)
        self._learn_more(votes)
        if dev is not None:
            self._adapt(*dev)
        return self

    def adapted(self, Y_dev: npt.ArrayLike, L_dev: LabelMatrix | npt.ArrayLike) -> Self:
        """A copy that has learned from these gold rows, and from no others.

        It is what `fit` makes of the same unlabelled votes and this gold, at little cost: what
        the votes have taught is not learned again.

        Args:
            Y_dev: [d] gold labels in 0..k-1.
            L_dev: [d, m] votes of the same LFs on the gold rows.

        Raises:
            DataError: not fitted, or shapes, LF names or values do not fit.
        """
        self._checked_as_fitted(L_dev)
        other = copy.deepcopy(self)
        dev = self._checked_dev(Y_dev, L_dev)
        if dev is not None:
            other._adapt(*dev)
        return other

    @abstractmethod
    def explain(self, votes: Sequence[int] | Votes) -> Explanation:
        """What each vote of one row adds, summing exactly to its posterior.

        Args:
            votes: [m] votes in -1..k-1, in the order of `lf_names`.

        Raises:
            DataError: not fitted, or not m votes in that range.
        """

    def predict_proba(self, L: LabelMatrix | npt.ArrayLike) -> Probs:
        """[n, k] float64 posteriors; a row without a vote gets the prior.

        Raises:
            DataError: not fitted, or the LFs differ from those fitted on.
        """
        return self._predict_proba(self._checked_as_fitted(L))

    @property
    def lf_accuracies(self) -> npt.NDArray[np.float64]:
        """[m] estimated P(vote is right | LF votes); NaN where the model has no estimate."""
        return np.full(len(self.lf_names), np.nan)

    @abstractmethod
    def _learn(self, L: Votes) -> None:
        """Learn from unlabelled rows."""

    def _adapt(self, votes: Votes, gold: Gold) -> None:  # noqa: B027
        """Learn from gold rows, after `_learn`; a second call forgets the first."""

    def _learn_more(self, L: Votes) -> None:
        raise ConfigError(
            f"Label model {self.name!r} learns from all rows at once: fit it on the old and the "
            "new rows together. snorkel can learn in parts."
        )

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

    @property
    def prior_given(self) -> Probs:
        """[k] the class balance asked for, or a uniform one."""
        if self.class_balance is not None:
            return self.class_balance
        return np.full(self.cardinality, 1 / self.cardinality)

    def _folds(self, rows: int) -> Iterator[npt.NDArray[np.bool_]]:
        """[rows] masks of what each of five folds may learn from; the rest is held out."""
        fold = np.random.default_rng(self.seed).permutation(rows) % FOLDS
        return (fold != held_out for held_out in range(FOLDS))

    def _twin(self) -> Self:
        """A copy whose attributes may be set anew; arrays are shared, never written to."""
        return copy.copy(self)

    def _checked(self, L: LabelMatrix | npt.ArrayLike) -> tuple[Votes, tuple[str, ...]]:
        """The votes and the LF names."""
        if isinstance(L, LabelMatrix):
            votes, names = L.values, L.lf_names
        else:
            votes = as_votes(L)
            names = default_lf_names(votes.shape[1])
        if votes.size and votes.max() >= self.cardinality:
            row, j = np.argwhere(votes >= self.cardinality)[0]
            row_id = L.ids[row] if isinstance(L, LabelMatrix) else str(row)
            raise DataError(
                f"Votes lie in -1..{self.cardinality - 1}, but LF {names[j]!r} votes "
                f"{votes[row, j]} on row {row_id!r}."
            )
        return votes, names

    def _checked_as_fitted(self, L: LabelMatrix | npt.ArrayLike) -> Votes:
        if not self.lf_names:
            raise DataError(f"Label model {self.name!r} is not fitted; call fit(L) first.")
        votes, names = self._checked(L)
        self._check_same_lfs(names, named=isinstance(L, LabelMatrix))
        return votes

    def _checked_row(self, votes: Sequence[int] | Votes) -> Votes:
        row = np.asarray(votes)
        if row.ndim != 1:
            raise DataError(f"explain takes the m votes of one row, got shape {row.shape}.")
        return self._checked_as_fitted(row[None, :])

    def _checked_dev(
        self, Y_dev: npt.ArrayLike | None, L_dev: LabelMatrix | npt.ArrayLike | None
    ) -> tuple[Votes, Gold] | None:
        if Y_dev is None and L_dev is None:
            return None
        if Y_dev is None or L_dev is None:
            raise DataError("Y_dev and L_dev go together: gold labels and votes on the same rows.")
        votes, names = self._checked(L_dev)
        gold = np.asarray(Y_dev)
        self._check_same_lfs(names, named=isinstance(L_dev, LabelMatrix))
        if gold.shape != (len(votes),):
            raise DataError(f"Y_dev has shape {gold.shape}, L_dev {votes.shape}.")
        if gold.size and not (
            np.issubdtype(gold.dtype, np.integer)
            and 0 <= gold.min() <= gold.max() < self.cardinality
        ):
            raise DataError(
                f"Y_dev holds integers 0..{self.cardinality - 1}, got {np.unique(gold)}."
            )
        return (votes, gold) if gold.size else None

    def _check_same_lfs(self, names: tuple[str, ...], *, named: bool) -> None:
        if len(names) != len(self.lf_names) or (
            named and names != self.lf_names and not _unnamed(self.lf_names)
        ):
            raise DataError(
                f"Label model {self.name!r} was fitted on LFs {list(self.lf_names)}, got "
                f"{list(names)}. Give the same LFs in the same order, or fit again."
            )


def _unnamed(lf_names: tuple[str, ...]) -> bool:
    return lf_names == default_lf_names(len(lf_names))


def _checked_balance(balance: Balance | None, cardinality: int) -> Probs | None:
    if balance is None:
        return None
    values = np.asarray(balance, dtype=np.float64)
    if values.shape != (cardinality,) or not (values > 0).all() or abs(values.sum() - 1) > 1e-6:
        raise ConfigError(
            f"class_balance: wanted {cardinality} positive shares that sum to 1, one for each "
            f"class, got {list(balance)}."
        )
    shares: Probs = values / values.sum()
    return shares
