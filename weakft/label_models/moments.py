"""Label models that learn from how often LFs vote together, and so can learn in parts."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from weakft.label_models.base import Arrays
from weakft.label_models.linear import LogLinear
from weakft.labels import Votes


class FromMoments(LogLinear):
    """Keeps counts of votes that LFs cast together; new rows add to them."""

    corrects_dependence = False

    rows: int

    def _learn_weights(self, L: Votes) -> None:
        self._count(L)
        self.rows = len(L)
        self._solve()

    def _learn_more(self, L: Votes) -> None:
        self._count_more(L)
        self.rows += len(L)
        self._solve()

    @abstractmethod
    def _count(self, L: Votes) -> None:
        """Count, forgetting what was counted."""

    @abstractmethod
    def _count_more(self, L: Votes) -> None:
        """Add the counts of further rows."""

    @abstractmethod
    def _solve(self) -> None:
        """Set weights and accuracies from the counts."""

    def arrays(self) -> Arrays:
        """The parameters, and the number of rows counted."""
        return {**super().arrays(), "rows": np.array([self.rows])}

    def restore(self, arrays: Arrays, details: Mapping[str, Any]) -> None:
        """Take both back."""
        super().restore(arrays, details)
        self.rows = int(arrays["rows"][0])


def stored_co_votes(arrays: Arrays) -> Any:  # noqa: ANN401
    """[c, c] co-votes as they were stored; models stored long ago have them in two halves."""
    stored = arrays["co_votes"]
    return stored.sum(axis=0) if stored.ndim == 3 else stored
