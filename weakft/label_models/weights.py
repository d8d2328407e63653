"""What each vote adds to each class, without the zeros that many classes would bring."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from weakft.labels import Probs

Rows = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class VoteWeights:
    """A vote of LF j for class l adds `own[j, l]` to class l and `rows[row_of[j, l]]` to all.

    As one [m, k, k] table this would take 3 GB for 450 LFs of 1,000 classes, nearly all of it
    zeros: most models let a vote speak for its own class alone.

    Attributes:
        own: [m, k].
        rows: [c, k].
        row_of: [m, k] which of the rows, -1 for none.

    Example:
        >>> weights = VoteWeights.of_own(np.array([[2.0, 3.0]]))
        >>> weights.of_vote(0, 1).tolist()
        [0.0, 3.0]
    """

    own: Probs
    rows: Probs
    row_of: Rows

    @classmethod
    def of_own(cls, own: Probs) -> "VoteWeights":
        """Votes that speak for their own class alone, by [m, k] weights."""
        return cls(own, np.zeros((0, own.shape[1])), np.full(own.shape, -1, dtype=np.int32))

    @classmethod
    def of_tables(cls, tables: Probs) -> "VoteWeights":
        """From all of [m, k, k]: LF, class voted for, class it adds to."""
        m, k, _ = tables.shape
        row_of = np.arange(m * k, dtype=np.int32).reshape(m, k)
        return cls(np.zeros((m, k)), tables.reshape(m * k, k), row_of)

    def take(self, lfs: Rows) -> "VoteWeights":
        """The weights of these LFs, in this order."""
        return VoteWeights(self.own[lfs], self.rows, self.row_of[lfs])

    def of_vote(self, lf: int, label: int) -> Probs:
        """[k] what one vote adds."""
        row = self.row_of[lf, label]
        adds = np.zeros(self.own.shape[1]) if row < 0 else self.rows[row].copy()
        adds[label] += self.own[lf, label]
        return np.asarray(adds)

    def dense(self) -> Probs:
        """[m, k, k] all of them; for few classes."""
        m, k = self.own.shape
        tables = np.zeros((m, k, k))
        lfs, labels = np.nonzero(self.row_of >= 0)
        tables[lfs, labels] = self.rows[self.row_of[lfs, labels]]
        tables[:, np.arange(k), np.arange(k)] += self.own
        return tables

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """As they are stored."""
        return {"weights": self.own, "weight_rows": self.rows, "weight_row_of": self.row_of}

    @classmethod
    def restored(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "VoteWeights":
        """What `arrays` gave; models stored earlier have one [m, k, k] table."""
        own = arrays["weights"]
        if own.ndim == 3:
            return cls.of_tables(own)
        return cls(own, arrays["weight_rows"], arrays["weight_row_of"])
