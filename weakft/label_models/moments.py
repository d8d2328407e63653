"""Label models that learn from how often LFs vote together, and so can learn in parts."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from weakft.label_models.base import Arrays
from weakft.label_models.linear import LogLinear
from weakft.label_models.votes import Counts, co_votes
from weakft.labels import Votes


class FromMoments(LogLinear):
    """Keeps two [m k, m k] tables of co-votes, of every other row each; new rows add to them."""

    corrects_dependence = False

    halves: Counts  # [2, m k, m k]
    rows: int

    def _learn_weights(self, L: Votes) -> None:
        self.halves = self._counted(L)
        self.rows = len(L)
        self._solve()

    def _learn_more(self, L: Votes) -> None:
        more = self._counted(L)
        self.halves = self.halves + (more[::-1] if self.rows % 2 else more)
        self.rows += len(L)
        self._solve()

    def _counted(self, L: Votes) -> Counts:
        return np.stack([co_votes(L[half::2], self.cardinality) for half in (0, 1)])

    @abstractmethod
    def _solve(self) -> None:
        """Set weights and accuracies from the co-votes."""

    def arrays(self) -> Arrays:
        """The parameters, and the co-votes to go on from."""
        return {**super().arrays(), "co_votes": self.halves, "rows": np.array([self.rows])}

    def restore(self, arrays: Arrays, details: Mapping[str, Any]) -> None:
        """Take both back."""
        super().restore(arrays, details)
        self.halves, self.rows = arrays["co_votes"], int(arrays["rows"][0])
