"""The frozen values between stages: LabelMatrix and SoftLabels, checked once when made."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from weakft.errors import DataError

ABSTAIN = -1
"""The vote of a labeling function that has nothing to say about a row."""

TIE = -2
"""The hard label of a row of which two classes or more are the most probable."""

NO_LABEL = {ABSTAIN: "(uncovered)", TIE: "(tie)"}
"""What stands where a hard label would, for people."""

TIE_TOLERANCE = 1e-9  # sums of the same terms in another order differ by less
MAX_CARDINALITY = 1000
"""The most classes there may be."""

SMALL_CARDINALITY = 127
"""The most classes whose votes are int8; so many are taken where nobody says how many."""

Votes = npt.NDArray[np.signedinteger[Any]]
"""[n, m] votes, of the type that `vote_dtype` gives."""

Probs = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Fault:
    """What went wrong inside one labeling function.

    Attributes:
        lf_name: the labeling function that raised.
        count: rows on which it raised; each of them became an abstain.
        row_id: id of the first such row.
        traceback: traceback of that first exception.
        withheld: whether that leaves out whatever may quote a cell.
    """

    lf_name: str
    count: int
    row_id: str
    traceback: str
    withheld: bool = False


@dataclass(frozen=True)
class LabelMatrix:
    """The votes of m labeling functions on n rows: the seam between LFs and models.

    Attributes:
        values: [n, m] votes, -1 (abstain) .. 999; int8 up to 126, else int16 (`vote_dtype`).
        lf_names: m distinct names, one per column.
        ids: n row ids, in the order of the rows.
        faults: one entry per LF that raised on some row.
        seconds: what each LF took, where that was measured.

    Raises:
        DataError: shapes, dtype, range or names contradict each other.

    Example:
        >>> L = LabelMatrix.from_array([[0, -1], [-1, -1], [1, 1]])
        >>> L.covered.tolist()
        [True, False, True]
    """

    values: Votes
    lf_names: tuple[str, ...]
    ids: tuple[str, ...]
    faults: tuple[Fault, ...] = field(default=())
    seconds: tuple[float, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        _check_votes(self.values)
        n, m = self.values.shape
        if len(self.lf_names) != m or len(self.ids) != n:
            raise DataError(
                f"Label matrix of shape {(n, m)} needs {m} LF names and {n} ids, "
                f"got {len(self.lf_names)} and {len(self.ids)}."
            )
        if repeated := duplicates(self.lf_names):
            raise DataError(f"LF names must be distinct, got {repeated} more than once.")
        if "id" in self.lf_names:
            raise DataError("An LF cannot be called 'id': vote tables hold the row's id there.")
        self.values.flags.writeable = False

    @property
    def covered(self) -> npt.NDArray[np.bool_]:
        """[n] True where at least one LF voted."""
        return np.asarray((self.values != ABSTAIN).any(axis=1))

    def take(self, rows: npt.NDArray[np.intp]) -> "LabelMatrix":
        """The same LFs on the rows at these positions, in this order."""
        ids = tuple(self.ids[row] for row in rows)
        return LabelMatrix(self.values[rows], self.lf_names, ids, self.faults)

    @classmethod
    def from_array(cls, values: npt.ArrayLike) -> "LabelMatrix":
        """Wrap a bare [n, m] integer array, naming LFs `lf_0` ... and rows `0` ....

        Raises:
            DataError: the array is not two-dimensional, not integer or out of range.
        """
        votes = as_votes(values)
        n, m = votes.shape
        return cls(votes.copy(), default_lf_names(m), tuple(str(i) for i in range(n)))

    def save(self, path: Path) -> None:
        """Write the votes as Parquet: a string `id` and one int8 or int16 column per LF."""
        columns = {name: self.values[:, j] for j, name in enumerate(self.lf_names)}
        ids = pd.Series(self.ids, dtype="str", name="id")
        pd.concat([ids, pd.DataFrame(columns)], axis=1).to_parquet(path, index=False)

    @classmethod
    def load(cls, path: Path, *, hide_ids: bool = False) -> "LabelMatrix":
        """Read votes written by `save`; `hide_ids` keeps ids out of messages.

        Raises:
            DataError: the file is not a table of an `id` and integer columns.
        """
        try:
            frame = pd.read_parquet(path)
        except (OSError, ValueError) as error:
            raise DataError(f"{path} cannot be read as parquet: {error}.") from error
        if "id" not in frame.columns:
            raise DataError(f"{path}: wanted a column 'id', got {list(frame.columns)}.")
        ids = tuple(frame["id"].astype(str))
        if repeated := duplicates(ids):
            which = f"that of row {ids.index(repeated[0])}" if hide_ids else repr(repeated[0])
            raise DataError(f"{path}: ids must be distinct, {which} occurs more than once.")
        votes = frame.drop(columns="id")
        for name, column in votes.items():
            if not pd.api.types.is_integer_dtype(column) or column.hasnans:
                raise DataError(f"{path}: votes are integers (-1 = abstain), column {name!r} not.")
            if len(column) and not ABSTAIN <= column.min() <= column.max() < MAX_CARDINALITY:
                raise DataError(
                    f"{path}: votes lie in -1..{MAX_CARDINALITY - 1}, column {name!r} holds "
                    f"{column.min()}..{column.max()}."
                )
        highest = max((int(column.max()) for _, column in votes.items() if len(column)), default=0)
        if "int16" in map(str, votes.dtypes):
            highest = SMALL_CARDINALITY
        values = votes.to_numpy(dtype=vote_dtype(highest + 1)).reshape(len(frame), votes.shape[1])
        return cls(values, tuple(map(str, votes.columns)), ids)


@dataclass(frozen=True)
class SoftLabels:
    """Probabilistic labels: one distribution over k classes for each of n rows.

    Attributes:
        probs: [n, k] float64 in [0, 1], rows sum to 1.
        covered: [n] bool; a row nobody voted on has no label, only a prior.
        ids: n row ids.
        classes: k class names.

    Raises:
        DataError: shapes differ, or a row is no probability distribution.
    """

    probs: Probs
    covered: npt.NDArray[np.bool_]
    ids: tuple[str, ...]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        n, k = self.probs.shape
        if len(self.ids) != n or self.covered.shape != (n,) or len(self.classes) != k:
            raise DataError(
                f"Soft labels of shape {(n, k)} got {len(self.ids)} ids, "
                f"covered {self.covered.shape} and {len(self.classes)} classes."
            )
        check_probs(self.probs, "soft labels", self.ids)

    @property
    def hard(self) -> npt.NDArray[np.intp]:
        """[n] the most probable class of each row, ABSTAIN where not covered, or TIE."""
        return np.where(self.covered, hard_labels(self.probs), ABSTAIN)

    def save(self, path: Path) -> None:
        """Write as Parquet: `id`, `covered`, and `p_<class>` for each class."""
        probabilities_frame(self.ids, self.probs, self.classes).assign(
            covered=self.covered
        ).to_parquet(path, index=False)

    @classmethod
    def load(cls, path: Path, classes: Sequence[str]) -> "SoftLabels":
        """Read soft labels written by `save`."""
        frame = pd.read_parquet(path)
        probs = frame[[f"p_{c}" for c in classes]].to_numpy(dtype=np.float64)
        covered = frame["covered"].to_numpy(dtype=bool)
        return cls(probs, covered, tuple(frame["id"]), tuple(classes))


def vote_dtype(cardinality: int) -> np.dtype[np.signedinteger[Any]]:
    """The type of votes on so many classes: int8 up to 127, int16 beyond.

    Example:
        >>> vote_dtype(127).name, vote_dtype(128).name
        ('int8', 'int16')
    """
    return np.dtype(np.int8 if cardinality <= SMALL_CARDINALITY else np.int16)


def as_votes(values: npt.ArrayLike) -> Votes:
    """[n, m] votes from any integer array; not copied where it has their type already.

    Raises:
        DataError: the array is not two-dimensional, not integer or out of range.
    """
    array = np.asarray(values)
    if array.ndim != 2:
        raise DataError(f"A label matrix has two dimensions [n, m], got shape {array.shape}.")
    if not np.issubdtype(array.dtype, np.integer):
        raise DataError(
            f"Votes are integers (-1 = abstain), got an array of {array.dtype}. "
            "Cast it yourself if you are sure, e.g. L.astype('int16')."
        )
    highest = int(array.max(initial=ABSTAIN))
    if array.size and not ABSTAIN <= array.min() <= highest < MAX_CARDINALITY:
        raise DataError(f"Votes lie in -1..{MAX_CARDINALITY - 1}, got {array.min()}..{highest}.")
    if array.dtype == np.int16:
        return array
    return array.astype(vote_dtype(highest + 1), copy=False)


def vote_range(L: Votes) -> tuple[Votes, Votes]:
    """([n] lowest, [n] highest class with a vote on each row); ABSTAIN for the highest of none.

    Example:
        >>> lowest, highest = vote_range(np.array([[2, -1, 0], [1, -1, -1]], dtype=np.int8))
        >>> lowest.tolist(), highest.tolist()
        ([0, 1], [2, 1])
    """
    most = np.iinfo(L.dtype).max
    lowest = np.where(L == ABSTAIN, L.dtype.type(most), L).min(axis=1, initial=most)
    return lowest, L.max(axis=1, initial=ABSTAIN)


def hard_labels(probs: Probs) -> npt.NDArray[np.intp]:
    """[n] the class with the highest score of each row; TIE where two are as high, within 1e-9.

    Args:
        probs: [n, k] probabilities, or other scores such as counts of votes.

    Example:
        >>> hard_labels(np.array([[0.2, 0.8], [0.5, 0.5], [0.1 + 0.2, 0.7]])).tolist()
        [1, -2, 1]
    """
    highest = probs.max(axis=1, keepdims=True)
    tied = (probs >= highest - TIE_TOLERANCE).sum(axis=1) > 1
    return np.where(tied, TIE, probs.argmax(axis=1))


def default_lf_names(m: int) -> tuple[str, ...]:
    """`lf_0` .., for votes that came without names."""
    return tuple(f"lf_{j}" for j in range(m))


def probabilities_frame(ids: Sequence[str], probs: Probs, classes: Sequence[str]) -> pd.DataFrame:
    """A table of `id` and `p_<class>`, as soft labels and predictions are stored."""
    columns = {f"p_{c}": probs[:, k] for k, c in enumerate(classes)}
    return pd.DataFrame({"id": pd.Series(list(ids), dtype="str"), **columns})


def read_probs(path: Path, ids: Sequence[str], classes: Sequence[str]) -> Probs:
    """[n, k] of such a table in a Parquet file, in the order of these ids."""
    frame = pd.read_parquet(path)
    if tuple(frame["id"]) != tuple(ids):
        frame = frame.set_index("id").loc[list(ids)]
    return frame[[f"p_{c}" for c in classes]].to_numpy(dtype=np.float64)


def check_probs(probs: Probs, what: str, ids: Sequence[str]) -> None:
    """Refuse NaN, negative values and rows that do not sum to 1 (within 1e-4).

    Raises:
        DataError: naming the first offending row.
    """
    bad = ~np.isfinite(probs).all(axis=1)
    bad |= (probs < -1e-9).any(axis=1) | (np.abs(probs.sum(axis=1) - 1) > 1e-4)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"Each row of {what} is a distribution over the classes, but row "
            f"{ids[row]!r} holds {probs[row].tolist()}."
        )


def duplicates(names: Sequence[str]) -> list[str]:
    """The names that occur more than once, in order of appearance, each once."""
    counts = pd.Series(list(names), dtype="str").value_counts(sort=False)
    return [str(name) for name in counts.index[counts > 1]]


def _check_votes(values: Votes) -> None:
    if values.ndim != 2 or values.dtype not in (np.int8, np.int16):
        raise DataError(
            f"A label matrix is int8 or int16 [n, m], got {values.dtype} of shape {values.shape}. "
            "LabelMatrix.from_array takes any integer array."
        )
    if values.size and not ABSTAIN <= values.min() <= values.max() < MAX_CARDINALITY:
        raise DataError(
            f"Votes are -1 (abstain) or a class up to {MAX_CARDINALITY - 1}, got "
            f"{int(values.min())}..{int(values.max())}."
        )
