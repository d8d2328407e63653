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
    """Keeps a [m k, m k] table of co-votes; new rows add to it."""

    corrects_dependence = False

    counts: Counts  # [m k, m k]
    rows: int

    def _learn_weights(self, L: Votes) -> None:
        self.counts = co_votes(L, self.cardinality)
        self.rows = len(L)
        self._solve()

    def _learn_more(self, L: Votes) -> None:
        self.counts = self.counts + co_votes(L, self.cardinality)
        self.rows += len(L)
        self._solve()

    @abstractmethod
    def _solve(self) -> None:
        """Set weights and accuracies from the co-votes."""

    def arrays(self) -> Arrays:
        """The parameters, and the co-votes to go on from."""
        return {**super().arrays(), "co_votes": self.counts, "rows": np.array([self.rows])}

    def restore(self, arrays: Arrays, details: Mapping[str, Any]) -> None:
        """Take both back; models stored earlier have the co-votes in two halves."""
        super().restore(arrays, details)
        stored = arrays["co_votes"]
        self.counts = stored.sum(axis=0) if stored.ndim == 3 else stored
        self.rows = int(arrays["rows"][0])
