"""Snorkel's LabelModel, driven from its sufficient statistics."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from weakft.cast_votes import Counts, Positions, co_votes, column_counts
from weakft.errors import DataError
from weakft.label_models.base import Arrays, Balance, TooLargeError
from weakft.label_models.linear import LogLinear
from weakft.label_models.weights import VoteWeights
from weakft.labels import Probs, Votes
from weakft.seeding import preserved_random_state

LEARNING_RATES = (0.01, 0.001, 0.0001)  # Snorkel's own, and two for where that diverges
EPOCHS = 10
SEEDS = 3
SMALL = 512  # rows of O
MOST_COLUMNS = 4096  # rows of O: training on more takes gigabytes
MOST_PRODUCTS = 1 << 30  # of a step, rows times rows of O times classes: more take minutes

Mu = npt.NDArray[np.float64]  # [c, k]


class Snorkel(LogLinear):
    """Matrix completion on LF agreements (Ratner et al., AAAI 2019), as in snorkel 0.10.

    Snorkel's own loss and optimiser steps run unchanged, on the matrix O of co-votes that the
    votes are reduced to first; so neither its dense [n, m k] copy of the votes nor its pickle
    file is needed, and the random state of the caller stays. O has the pairs of LF and class
    that have votes, 4,096 at most, and fewer of more than 64 classes. The posterior is taken in
    log space (Snorkel's own underflows to NaN).

    Ten epochs, the mean of three seeds: longer training fits O better and labels worse, on most
    sets. `n_epochs=100, seeds=1` is snorkel 0.10 as it comes.

    Fails where LFs depend on each other, and on one-sided LFs with skewed classes.

    Args:
        cardinality: number of classes k, at least 2.
        seed: the first of the seeds.
        class_balance: [k] prior of the posterior.
        n_epochs: how long to train.
        seeds: runs to average.

    Example:
        >>> L = [[0, 0, 1], [1, 1, 0], [0, 0, -1], [1, 1, 1]] * 10
        >>> Snorkel(2).fit(L).predict_proba([[0, 0, -1]]).argmax()
        np.int64(0)
    """

    name = "snorkel"
    minimum_lfs = 3
    corrects_dependence = False

    rows: int
    columns: Positions  # [c] lf k + label, those with votes
    counts: Counts  # [c, c] rows on which two columns have votes

    def __init__(
        self,
        cardinality: int,
        *,
        seed: int = 0,
        class_balance: Balance | None = None,
        n_epochs: int = EPOCHS,
        seeds: int = SEEDS,
    ) -> None:
        super().__init__(cardinality, seed=seed, class_balance=class_balance)
        self.n_epochs = n_epochs
        self.seeds = seeds

    def _learn_weights(self, L: Votes) -> None:
        columns = np.flatnonzero(column_counts(L, self.cardinality))
        self._refuse_too_many(columns)
        self.columns, self.counts = columns, co_votes(L, self.cardinality, columns)
        self.rows = len(L)
        self._solve()

    def _learn_more(self, L: Votes) -> None:
        fresh = np.flatnonzero(column_counts(L, self.cardinality))
        columns = np.union1d(self.columns, fresh)
        self._refuse_too_many(columns)
        counts = co_votes(L, self.cardinality, columns)
        old = np.searchsorted(columns, self.columns)
        counts[np.ix_(old, old)] += self.counts
        self.columns, self.counts = columns, counts
        self.rows += len(L)
        self._solve()

    def _refuse_too_many(self, columns: Positions) -> None:
        most = min(MOST_COLUMNS, isqrt(MOST_PRODUCTS // self.cardinality))
        if len(columns) > most:
            raise TooLargeError(
                "Label model 'snorkel' compares every class that an LF votes for with every "
                f"other: {len(columns):,} such pairs of LF and class, more than {most:,} "
                f"for {self.cardinality} classes. Use one_coin or per_class."
            )

    def _solve(self) -> None:
        k, m = self.cardinality, len(self.lf_names)
        lfs, labels = self.columns // k, self.columns % k
        mu = self._trained(self.counts / self.rows, lfs, labels)
        row_of = np.full(m * k, -1, dtype=np.int32)
        row_of[self.columns] = np.arange(len(self.columns))
        self.weights = VoteWeights(np.zeros((m, k)), np.log(mu), row_of.reshape(m, k))
        coverage = np.bincount(lfs, self.counts.diagonal(), minlength=m) / self.rows
        own = np.bincount(lfs, mu[np.arange(len(lfs)), labels], minlength=m)
        silent = k - np.bincount(lfs, minlength=m)
        right = (own + silent * _smallest(self.rows)) / k
        shares = np.clip(right / np.maximum(coverage, 1e-12), 0.0, 1.0)
        self.accuracies = np.where(coverage > 0, shares, np.nan)

    def _trained(self, overlaps: Probs, lfs: Positions, labels: Positions) -> Mu:
        for lr in LEARNING_RATES:
            mus = []
            for seed in range(self.seed, self.seed + self.seeds):
                with preserved_random_state(seed), _threads_for(len(overlaps)):
                    start = _Original(overlaps, lfs, labels, self.cardinality, self.rows)
                    mus.append(start.trained(seed, lr, self.n_epochs))
            mean: Mu = np.mean(mus, axis=0)
            if np.isfinite(mean).all():
                return mean
        raise DataError(
            f"Snorkel's optimisation diverges on these {len(self.lf_names)} LFs, "
            f"even at a learning rate of {LEARNING_RATES[-1]:g}. Use one_coin or majority_vote."
        )

    def arrays(self) -> Arrays:
        """The parameters, the co-votes and the number of rows to go on from."""
        rows = np.array([self.rows])
        return {**super().arrays(), "rows": rows, "co_votes": self.counts, "columns": self.columns}

    def restore(self, arrays: Arrays, details: Mapping[str, Any]) -> None:
        """Take all of it back; models stored earlier have co-votes of all LFs and classes."""
        super().restore(arrays, details)
        self.rows = int(arrays["rows"][0])
        stored = arrays["co_votes"]
        self.counts = stored.sum(axis=0) if stored.ndim == 3 else stored  # once in two halves
        self.columns = arrays.get("columns", np.arange(len(self.counts)))
        self.n_epochs, self.seeds = details["n_epochs"], details["seeds"]

    def details(self) -> dict[str, Any]:
        """Epochs and seeds beside prior and temperature."""
        return {**super().details(), "n_epochs": self.n_epochs, "seeds": self.seeds}


@contextmanager
def _threads_for(d: int) -> Iterator[None]:
    """One thread for small matrices, where several wait for each other most of the time."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1 if d <= SMALL else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _smallest(rows: int) -> float:
    """The least entry of mu, as in Snorkel."""
    return float(min(0.01, 1 / 10 ** np.ceil(np.log10(rows))))


@dataclass(frozen=True, eq=False)
class _Original:
    """What Snorkel's own model trains on.

    Attributes:
        overlaps: [c, c] share of the rows on which two columns have votes.
        lfs: [c] the LF of each column.
        labels: [c] the class it votes for there.
        cardinality: k.
        rows: n.
    """

    overlaps: Probs
    lfs: Positions
    labels: Positions
    cardinality: int
    rows: int

    def trained(self, seed: int, lr: float, n_epochs: int) -> Mu:
        """[c, k] mu as Snorkel's own training loop ends; NaN where it diverges.

        A column without votes starts at zero there and stays: its gradient is zero. So leaving it
        out changes nothing for the others.
        """
        import torch
        from snorkel.labeling.model.label_model import LabelModel as Original
        from snorkel.labeling.model.label_model import TrainConfig

        model = Original(cardinality=self.cardinality, verbose=False)
        model.train_config = TrainConfig(seed=seed, n_epochs=n_epochs, lr=lr)
        model.n, model.m, model.t = self.rows, int(self.lfs.max()) + 1, 1
        model._set_class_balance(None)
        model.d, model.O = len(self.overlaps), torch.from_numpy(self.overlaps).float()
        model.mask = torch.from_numpy(self.lfs[:, None] != self.lfs[None, :])
        shares = model.O.diagonal() * model.train_config.prec_init / model.p[0]
        model.mu_init = torch.zeros(model.d, self.cardinality)
        model.mu_init[torch.arange(model.d), torch.from_numpy(self.labels)] = shares.clamp(0, 1)
        start = model.mu_init.clone() * np.random.random()  # noqa: NPY002
        model.mu = torch.nn.Parameter(start).float()
        model.train()
        model._set_optimizer()
        for _ in range(n_epochs):
            model.optimizer.zero_grad()
            model._loss_mu().backward()
            model.optimizer.step()
        if not torch.isfinite(model.mu).all():
            return np.full(tuple(model.mu.shape), np.nan)
        model._clamp_params()
        mu = np.asarray(model.mu.detach().cpu().numpy())
        return mu[:, self._likeliest_order(mu)].astype(np.float64)

    def _likeliest_order(self, mu: npt.NDArray[np.float32]) -> Positions:
        """[k] the order of classes in which LFs are most often right, as Snorkel breaks ties.

        Its own solver takes minutes for 150 classes.
        """
        sums = np.zeros((self.cardinality, self.cardinality))
        np.add.at(sums, self.labels, mu)
        _, order = linear_sum_assignment(sums, maximize=True)
        return np.asarray(order)
