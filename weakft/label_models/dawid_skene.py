"""Dawid-Skene: each LF has a table of what it votes on each class."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from weakft.cast_votes import CastVotes, column_counts
from weakft.label_models.base import Gold, TooLargeError
from weakft.label_models.coins import (
    EM_STEPS,
    EM_TOLERANCE,
    PRIOR_MEAN,
    Floats,
    chance_floor,
    climb,
    level,
    log_odds,
    one_accuracy,
    smoothed,
    smoothed_to_mean,
)
from weakft.label_models.linear import LogLinear, coin_weights
from weakft.label_models.patterns import MOST_ROWS, VotePatterns
from weakft.label_models.votes import normalised, vote_counts
from weakft.label_models.weights import VoteWeights
from weakft.labels import Probs, Votes

MOST_CELLS = 1 << 22  # of all tables, and of the posteriors of all rows
PRIOR_VOTES = 50.0
ROW_PRIOR_VOTES = 20.0
DEV_PRIOR_VOTES = 4.0
DEV_ROW_PRIOR_VOTES = 8.0

Known = npt.NDArray[np.bool_]  # [k] classes that gold has


class DawidSkene(LogLinear):
    """P(vote | class) in full, given that the LF votes (Dawid and Skene, 1979), MAP by EM.

    Each LF has a [k, k] table, smoothed towards its one-coin table. Abstains add nothing: as a
    vote of their own they let EM explain silence as a class. An LF that votes for one class
    says nothing through such a table (it always votes so, given that it votes), so it keeps its
    one-coin weight. EM starts from the majority vote, and the class prior is uniform.

    Fails with many classes and few votes, where a table has more cells than evidence.

    Example:
        >>> L = [[0, 0, 1], [1, 1, 0], [0, 0, -1], [1, 1, 1]] * 10
        >>> DawidSkene(2).fit(L).predict_proba([[0, 0, -1]]).argmax()
        np.int64(0)
    """

    name = "dawid_skene"
    stays_near_votes = True
    weighed_by_gold = True

    def _learn_weights(self, L: Votes) -> None:
        k = self.cardinality
        by_column = column_counts(L, k)
        self.voted = np.asarray(by_column.any(axis=1))
        self.two_sided = np.flatnonzero((by_column > 0).sum(axis=1) > 1)
        self._refuse_too_many_tables()
        if not len(self.two_sided):
            self._learn_coins(L)
            return
        patterns = VotePatterns.of(L, min(MOST_ROWS, MOST_CELLS // k))
        cast = patterns.cast(k)
        counts = vote_counts(patterns.votes, k)
        posterior = counts / counts.sum(axis=1, keepdims=True)
        for _ in range(EM_STEPS):
            found = self._counted(cast, posterior * patterns.counts[:, None])
            self._take(found, self._measured(found), ROW_PRIOR_VOTES)
            updated = normalised(self._scores(patterns.votes))
            if np.abs(updated - posterior).max(initial=0.0) < EM_TOLERANCE:
                break
            posterior = updated
        self.by_votes = {"weights": self.weights, "accuracies": self.accuracies}

    def _learn_coins(self, L: Votes) -> None:
        """Without tables it is one-coin."""
        patterns = VotePatterns.of(L)
        cast = patterns.cast(self.cardinality)
        factors = self.groups.factors(cast) if self.groups.found else None
        accuracies = climb(cast, one_accuracy, factors=factors, counts=patterns.counts)
        self.weights = coin_weights(accuracies)
        self.accuracies = np.where(self.voted, accuracies[:, 0], np.nan)
        self.by_votes = {"weights": self.weights, "accuracies": self.accuracies}

    def _refuse_too_many_tables(self) -> None:
        cells = len(self.two_sided) * self.cardinality**2
        if cells > MOST_CELLS:
            raise TooLargeError(
                f"Label model 'dawid_skene' has a table of {self.cardinality} x "
                f"{self.cardinality} for each LF that votes for two classes or more; "
                f"{len(self.two_sided)} such LFs make {cells:,} cells, more than {MOST_CELLS:,}, "
                "and more than votes can fill. Use per_class or one_coin."
            )

    def _counted(self, cast: CastVotes, classes: Probs) -> "_Counted":
        """What there is to count, from [n, k] how often a row is of each class."""
        k, t = self.cardinality, len(self.two_sided)
        right = np.bincount(
            cast.lfs, classes[cast.rows, cast.labels], minlength=len(self.voted)
        ).astype(np.float64)
        place = np.full(len(self.voted), -1)
        place[self.two_sided] = np.arange(t)
        columns = np.where(place[cast.lfs] < 0, -1, place[cast.lfs] * k + cast.labels)
        tables = cast.indicator(columns, t * k).T @ classes
        return _Counted(right, cast.by_column(classes.sum(axis=1)[cast.rows]), tables)

    def _weigh(self, votes: Votes, gold: Gold, counts: Floats) -> None:
        classes = np.eye(self.cardinality)[gold] * counts[:, None]
        found = self._counted(CastVotes.of(votes, self.cardinality), classes)
        tied = smoothed_to_mean(found.right, found.votes.sum(axis=1), DEV_PRIOR_VOTES)
        self._take(found, tied, DEV_ROW_PRIOR_VOTES, np.isin(np.arange(self.cardinality), gold))

    def _measured(self, found: "_Counted") -> Floats:
        """[m] accuracies without gold: smoothed, no class's LFs better, none below chance."""
        tied = smoothed(found.right, found.votes.sum(axis=1), PRIOR_MEAN, PRIOR_VOTES)
        return np.maximum(level(tied, found.votes), chance_floor(self.cardinality))

    def _take(
        self, found: "_Counted", tied: Floats, row_strength: float, known: Known | None = None
    ) -> None:
        """Set weights and accuracies; of votes for classes not `known`, by accuracies alone."""
        k = self.cardinality
        own = np.repeat(log_odds(tied, k)[:, None], k, axis=1)
        own[self.two_sided] = 0
        row_of = np.full((len(tied), k), -1, dtype=np.int32)
        row_of[self.two_sided] = np.arange(len(self.two_sided) * k).reshape(-1, k)
        coin = np.where(
            np.eye(k, dtype=bool),
            tied[self.two_sided, None, None],
            (1 - tied[self.two_sided, None, None]) / (k - 1),
        )
        tables = found.tables.reshape(-1, k, k)
        given = (tables + row_strength * coin) / (tables.sum(axis=1, keepdims=True) + row_strength)
        if known is not None and not known.all():
            given[:, ~known] = coin[:, ~known]
            left = 1 - given[:, ~known].sum(axis=1, keepdims=True)
            given[:, known] *= left / given[:, known].sum(axis=1, keepdims=True)
        self.weights = VoteWeights(own, np.log(given).reshape(-1, k), row_of)
        self.accuracies = np.where(self.voted, tied, np.nan)


@dataclass(frozen=True, eq=False)
class _Counted:
    """How often LFs vote, and on which classes.

    Attributes:
        right: [m] votes that are right.
        votes: [m, k] votes for each class.
        tables: [t k, k] of each LF with a table, how often it votes l on class y.
    """

    right: Floats
    votes: Floats
    tables: Floats
