"""The votes of a label matrix without its abstains, and what can be counted of them.

Block by block, so that memory is bounded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import sparse

from weakft.labels import ABSTAIN, Votes

BLOCK_ROWS = 1 << 16
BLOCK_CELLS = 1 << 22
GRAM_CELLS = 1 << 24

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.integer]


def blocks(n: int, cardinality: int = 1) -> Iterator[slice]:
    """The slices that make up n rows: 65,536 rows each, or as many as have 4 million scores."""
    rows = min(BLOCK_ROWS, max(1, BLOCK_CELLS // cardinality))
    return (slice(start, min(start + rows, n)) for start in range(0, n, rows))


@dataclass(frozen=True, eq=False)
class CastVotes:
    """The votes of a label matrix without its abstains, row by row.

    With many classes nearly all of an [n, k] table of counts is zero. A *cell* is a class that
    got a vote on a row; classes without one are all alike there.

    Attributes:
        rows: [v] row of each vote, ascending.
        lfs: [v] its LF.
        labels: [v] the class it is for.
        shape: (n, m) of the matrix.
        cardinality: k.
    """

    rows: Positions
    lfs: Positions
    labels: Positions
    shape: tuple[int, int]
    cardinality: int

    @classmethod
    def of(cls, L: Votes, cardinality: int) -> "CastVotes":
        """The votes of a matrix.

        Example:
            >>> cast = CastVotes.of(np.array([[1, -1], [0, 0]], dtype=np.int8), 2)
            >>> cast.rows.tolist(), cast.lfs.tolist(), cast.labels.tolist()
            ([0, 1, 1], [0, 0, 1], [1, 0, 0])
        """
        rows, lfs = np.nonzero(L != ABSTAIN)
        return cls(rows, lfs, L[rows, lfs].astype(np.intp), (L.shape[0], L.shape[1]), cardinality)

    @cached_property
    def columns(self) -> Positions:
        """[v] lf k + label."""
        return np.asarray(self.lfs * self.cardinality + self.labels)

    @cached_property
    def _cells(self) -> tuple[Positions, Positions]:
        """([v] cell of each vote, [c] row k + class of each cell, ascending)."""
        codes = self.rows * self.cardinality + self.labels
        order = np.argsort(codes, kind="stable")
        ordered = codes[order]
        new = np.diff(ordered, prepend=-1) > 0
        cell = np.empty(len(codes), dtype=np.intp)
        cell[order] = np.cumsum(new) - 1
        return cell, ordered[new]

    @property
    def cell(self) -> Positions:
        """[v] the cell of each vote."""
        return self._cells[0]

    @cached_property
    def cell_rows(self) -> Positions:
        """[c] the row of each cell, ascending."""
        return np.asarray(self._cells[1] // self.cardinality)

    @cached_property
    def cell_labels(self) -> Positions:
        """[c] the class of each cell."""
        return np.asarray(self._cells[1] % self.cardinality)

    @cached_property
    def classes_voted(self) -> Counts:
        """[n] how many classes got a vote."""
        return np.bincount(self.cell_rows, minlength=self.shape[0])

    def by_cell(self, terms: Floats | None = None) -> Floats:
        """[c] sums of [v] terms, or how many votes there are."""
        return np.bincount(self.cell, terms, minlength=len(self._cells[1])).astype(np.float64)

    def by_column(self, terms: Floats | None = None) -> Floats:
        """[m, k] sums of [v] terms, or how many votes there are."""
        m, k = self.shape[1], self.cardinality
        return np.bincount(self.columns, terms, minlength=m * k).reshape(m, k).astype(np.float64)

    def posterior(self, terms: Floats) -> tuple[Floats, Floats]:
        """Softmax over the classes of each row, of sums of [v] terms.

        Every row needs a vote.

        Returns:
            [c] probabilities of the classes with votes, and [n] that of any other one.
        """
        scores = self.by_cell(terms)
        first = np.searchsorted(self.cell_rows, np.arange(self.shape[0]))
        spare = self.cardinality - self.classes_voted
        highest = np.maximum.reduceat(scores, first)
        highest = np.where(spare > 0, np.maximum(highest, 0), highest)
        scores = np.exp(scores - highest[self.cell_rows])
        rest = np.where(spare > 0, np.exp(-highest), 0.0)
        total = np.bincount(self.cell_rows, scores, minlength=self.shape[0]) + spare * rest
        return scores / total[self.cell_rows], rest / total

    def indicator(self, positions: Positions, width: int) -> sparse.csr_array:
        """[n, width] sparse int32, a 1 for each vote at positions[v]; none where that is -1."""
        there = positions >= 0
        starts = np.zeros(self.shape[0] + 1, dtype=np.int64)
        np.cumsum(np.bincount(self.rows[there], minlength=self.shape[0]), out=starts[1:])
        ones = np.ones(int(starts[-1]), dtype=np.int32)
        return sparse.csr_array((ones, positions[there], starts), shape=(self.shape[0], width))

    def cell_indicator(self) -> sparse.csr_array:
        """[c, m] sparse int32, a 1 for each vote in the row of its cell."""
        shape = (len(self._cells[1]), self.shape[1])
        ones = np.ones(len(self.lfs), dtype=np.int32)
        return sparse.csr_array((ones, (self.cell, self.lfs)), shape=shape)


def column_counts(L: Votes, cardinality: int) -> Counts:
    """[m, k] how often each LF votes for each class.

    Example:
        >>> column_counts(np.array([[0, 1], [0, -1]], dtype=np.int8), 2).tolist()
        [[2, 0], [0, 1]]
    """
    counts = np.zeros((L.shape[1], cardinality), dtype=np.int64)
    for rows in blocks(len(L), L.shape[1]):
        counts += CastVotes.of(L[rows], cardinality).by_column().astype(np.int64)
    return counts


def co_votes(L: Votes, cardinality: int, columns: Positions) -> Counts:
    """[c, c] on how many rows LF i votes a while LF j votes b, exactly.

    Args:
        L: [n, m] votes.
        cardinality: k.
        columns: [c] which pairs i k + a of an LF and a class to count.

    Example:
        >>> co_votes(np.array([[0, 1], [0, -1]], dtype=np.int8), 2, np.array([0, 3])).tolist()
        [[2, 1], [1, 1]]
    """
    place = np.full(L.shape[1] * cardinality, -1)
    place[columns] = np.arange(len(columns))
    counts = np.zeros((len(columns), len(columns)), dtype=np.int64)
    for rows in blocks(len(L), L.shape[1]):
        cast = CastVotes.of(L[rows], cardinality)
        counts += gram(cast.indicator(place[cast.columns], len(columns)))
    return counts


def shared_votes(L: Votes, cardinality: int) -> tuple[Counts, Counts]:
    """([m, m] rows on which two LFs vote alike, [m, m] on which both vote).

    Example:
        >>> alike, both = shared_votes(np.array([[0, 1], [1, 1]], dtype=np.int8), 2)
        >>> alike.tolist(), both.tolist()
        ([[2, 1], [1, 2]], [[2, 2], [2, 2]])
    """
    m = L.shape[1]
    alike, both = np.zeros((m, m), dtype=np.int64), np.zeros((m, m), dtype=np.int64)
    for rows in blocks(len(L), m):
        cast = CastVotes.of(L[rows], cardinality)
        alike += gram(cast.cell_indicator())
        both += gram(cast.indicator(cast.lfs, m))
    return alike, both


def gram(indicator: sparse.csr_array) -> Counts:
    """[d, d] X^T X of a sparse 0/1 matrix: sparse where rows are short, else by blocks of rows.

    In float32, which is exact up to 2^24 rows a block.
    """
    n, d = indicator.shape
    if not indicator.nnz:
        return np.zeros((d, d), dtype=np.int64)
    if _sparse_pays(indicator.nnz / n, d):
        return np.asarray((indicator.T.tocsr() @ indicator).toarray(), dtype=np.int64)
    counts = np.zeros((d, d), dtype=np.int64)
    step = max(1, min(GRAM_CELLS // d, BLOCK_ROWS))
    for start in range(0, n, step):
        dense = indicator[start : start + step].astype(np.float32).toarray()
        counts += (dense.T @ dense).astype(np.int64)
    return counts


def _sparse_pays(votes: float, d: int) -> bool:
    """Whether counting the pairs of votes on a row beats a matrix product; times measured."""
    return bool(0.1 + 0.05 * votes + 0.0025 * votes**2 < 1.4e-5 * d**2)
