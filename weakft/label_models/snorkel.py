"""Snorkel's LabelModel, driven from its sufficient statistics."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from weakft.errors import DataError
from weakft.label_models.base import Arrays, Balance
from weakft.label_models.moments import FromMoments
from weakft.labels import Probs
from weakft.seeding import preserved_random_state

LEARNING_RATES = (0.01, 0.001, 0.0001)  # Snorkel's own, and two for where that diverges
EPOCHS = 10
SEEDS = 3
SMALL = 512  # rows of O

Mu = npt.NDArray[np.float64]  # [m k, k]


class Snorkel(FromMoments):
    """Matrix completion on LF agreements (Ratner et al., AAAI 2019), as in snorkel 0.10.

    Snorkel's own loss, optimiser steps and symmetry breaking run unchanged, on the matrix
    O of co-votes that the votes are reduced to first; so neither its dense [n, m k] copy
    of the votes nor its pickle file is needed, and the random state of the caller stays.
    The posterior is taken in log space (Snorkel's own underflows to NaN).

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

    def _solve(self) -> None:
        k = self.cardinality
        mu = self._trained(self.counts / self.rows).reshape(-1, k, k)
        self.weights = np.log(mu)
        coverage = self.counts.diagonal().reshape(-1, k).sum(axis=1) / self.rows
        right = np.diagonal(mu, axis1=1, axis2=2).mean(axis=1)
        shares = np.clip(right / np.maximum(coverage, 1e-12), 0.0, 1.0)
        self.accuracies = np.where(coverage > 0, shares, np.nan)

    def _trained(self, overlaps: Probs) -> Mu:
        for lr in LEARNING_RATES:
            mus = []
            for seed in range(self.seed, self.seed + self.seeds):
                with preserved_random_state(seed), _threads_for(len(overlaps)):
                    mus.append(
                        _optimise_mu(overlaps, self.rows, self.cardinality, seed, lr, self.n_epochs)
                    )
            mean: Mu = np.mean(mus, axis=0)
            if np.isfinite(mean).all():
                return mean
        raise DataError(
            f"Snorkel's optimisation diverges on these {len(overlaps) // self.cardinality} LFs, "
            f"even at a learning rate of {LEARNING_RATES[-1]:g}. Use one_coin or majority_vote."
        )

    def restore(self, arrays: Arrays, details: Mapping[str, Any]) -> None:
        """Take parameters, epochs and seeds back."""
        super().restore(arrays, details)
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


def _optimise_mu(
    overlaps: Probs, n: int, cardinality: int, seed: int, lr: float, n_epochs: int
) -> Mu:
    """Mu as Snorkel's own training loop on O ends; NaN where it diverges."""
    import torch
    from snorkel.labeling.model.label_model import LabelModel as Original
    from snorkel.labeling.model.label_model import TrainConfig, _CliqueData

    model = Original(cardinality=cardinality, verbose=False)
    model.train_config = TrainConfig(seed=seed, n_epochs=n_epochs, lr=lr)
    model.n, model.m, model.t = n, len(overlaps) // cardinality, 1
    model._set_class_balance(None)
    model._create_tree()
    model.c_data = {
        i: _CliqueData(i * cardinality, (i + 1) * cardinality, {i}) for i in range(model.m)
    }
    model.d, model.O = len(overlaps), torch.from_numpy(overlaps).float()
    model._init_params()
    model.train()
    model._set_optimizer()
    for _ in range(n_epochs):
        model.optimizer.zero_grad()
        model._loss_mu().backward()
        model.optimizer.step()
    if not torch.isfinite(model.mu).all():
        return np.full(tuple(model.mu.shape), np.nan)
    model._clamp_params()
    model._break_col_permutation_symmetry()
    return np.asarray(model.mu.detach().cpu().numpy(), dtype=np.float64)
