"""Snorkel's LabelModel, driven from its sufficient statistics."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from weakft.errors import DataError
from weakft.label_models.base import Arrays, Balance, Gold
from weakft.label_models.linear import MINIMUM_DEV_ROWS, row_losses
from weakft.label_models.moments import FromMoments
from weakft.labels import ABSTAIN, Probs, Votes
from weakft.seeding import preserved_random_state

LEARNING_RATES = (0.01, 0.001, 0.0001)  # Snorkel's own, and two for where that diverges
CHECKPOINTS = (10, 25, 50, 100, 200)
SEEDS = 3
SMALL = 512  # rows of O

Mus = npt.NDArray[np.float64]  # [checkpoints, m k, k]


class Snorkel(FromMoments):
    """Matrix completion on LF agreements (Ratner et al., AAAI 2019), as in snorkel 0.10.

    Snorkel's own loss, optimiser steps and symmetry breaking run unchanged, on the matrix
    O of co-votes that the votes are reduced to first; so neither its dense [n, m k] copy
    of the votes nor its pickle file is needed, and the random state of the caller stays.
    The posterior is taken in log space (Snorkel's own underflows to NaN).

    Training longer than the data can tell drifts away from a good start. So mu is kept after
    10, 25, 50, 100 and 200 epochs, averaged over three seeds, and the one is taken that finds
    gold likeliest; without gold, the one trained on every other row that fits the O of the
    remaining rows best. `n_epochs=100, seeds=1` is snorkel 0.10 as it comes.

    Fails where LFs depend on each other, and on one-sided LFs with skewed classes.

    Args:
        cardinality: number of classes k, at least 2.
        seed: the first of the seeds.
        class_balance: [k] prior of the posterior.
        n_epochs: train so long and keep only the end; None: choose.
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
        n_epochs: int | None = None,
        seeds: int = SEEDS,
    ) -> None:
        super().__init__(cardinality, seed=seed, class_balance=class_balance)
        self.checkpoints = CHECKPOINTS if n_epochs is None else (n_epochs,)
        self.seeds = seeds

    def _solve(self) -> None:
        counts = self.halves.sum(axis=0)
        self.mus = self._trained(counts / self.rows, self.rows)
        self._take(self._fitting_best() if len(self.checkpoints) > 1 else 0)

    def _adapt_weights(self, votes: Votes, gold: Gold) -> None:
        covered = (votes != ABSTAIN).any(axis=1)
        if covered.sum() < MINIMUM_DEV_ROWS or len(self.checkpoints) == 1:
            return
        losses = []
        for position in range(len(self.checkpoints)):
            self._take(position)
            losses.append(row_losses(self._scores(votes[covered]), gold[covered]).sum())
        self._take(int(np.argmin(losses)))

    def _take(self, position: int) -> None:
        k = self.cardinality
        mu = self.mus[position].reshape(-1, k, k)
        self.n_epochs = self.checkpoints[position]
        self.weights = np.log(mu)
        coverage = self.halves.sum(axis=0).diagonal().reshape(-1, k).sum(axis=1) / self.rows
        right = np.diagonal(mu, axis1=1, axis2=2).mean(axis=1)
        shares = np.clip(right / np.maximum(coverage, 1e-12), 0.0, 1.0)
        self.accuracies = np.where(coverage > 0, shares, np.nan)

    def _fitting_best(self) -> int:
        """The checkpoint that, trained on one half of the rows, fits the other best."""
        rows = (self.rows + 1) // 2, self.rows // 2
        if not rows[1]:
            return self.checkpoints.index(100)
        learned, held_out = (half / count for half, count in zip(self.halves, rows, strict=True))
        mus = self._trained(learned, rows[0])
        prior = np.full(self.cardinality, 1 / self.cardinality)
        apart = _blocks_apart(len(held_out), self.cardinality)
        losses = [((held_out - (mu * prior) @ mu.T)[apart] ** 2).sum() for mu in mus]
        return int(np.argmin(losses))

    def _trained(self, overlaps: Probs, n: int) -> Mus:
        for lr in LEARNING_RATES:
            mus = []
            for seed in range(self.seed, self.seed + self.seeds):
                with preserved_random_state(seed), _threads_for(len(overlaps)):
                    mus.append(
                        _optimise_mu(overlaps, n, self.cardinality, seed, lr, self.checkpoints)
                    )
            mean: Mus = np.mean(mus, axis=0)
            if np.isfinite(mean).all():
                return mean
        raise DataError(
            f"Snorkel's optimisation diverges on these {len(overlaps) // self.cardinality} LFs, "
            f"even at a learning rate of {LEARNING_RATES[-1]:g}. Use one_coin or majority_vote."
        )

    def arrays(self) -> Arrays:
        """The parameters, the co-votes, and the epochs taken."""
        return {**super().arrays(), "n_epochs": np.array([self.n_epochs])}

    def restore(self, arrays: Arrays, details: Mapping[str, Any]) -> None:
        """Take them back."""
        super().restore(arrays, details)
        self.n_epochs = int(arrays["n_epochs"][0])
        self.checkpoints, self.seeds = tuple(details["checkpoints"]), details["seeds"]

    def details(self) -> dict[str, Any]:
        """Epochs and seeds beside prior and temperature."""
        own = {"n_epochs": self.n_epochs, "checkpoints": self.checkpoints, "seeds": self.seeds}
        return {**super().details(), **own}


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


def _blocks_apart(d: int, cardinality: int) -> npt.NDArray[np.bool_]:
    """[d, d] True where two different LFs meet."""
    lf = np.arange(d) // cardinality
    return np.asarray(lf[:, None] != lf[None, :])


def _optimise_mu(
    overlaps: Probs, n: int, cardinality: int, seed: int, lr: float, checkpoints: Sequence[int]
) -> Mus:
    """Snorkel's own training loop on O; mu at each checkpoint, NaN where it diverges."""
    import torch
    from snorkel.labeling.model.label_model import LabelModel as Original
    from snorkel.labeling.model.label_model import TrainConfig, _CliqueData

    model = Original(cardinality=cardinality, verbose=False)
    model.train_config = TrainConfig(seed=seed, n_epochs=checkpoints[-1], lr=lr)
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
    mus = []
    for epoch in range(1, checkpoints[-1] + 1):
        model.optimizer.zero_grad()
        model._loss_mu().backward()
        model.optimizer.step()
        if epoch in checkpoints:
            mus.append(_finished(model))
    return np.stack(mus)


def _finished(model: Any) -> Probs:  # noqa: ANN401
    """What Snorkel would return if training ended here; training can go on."""
    import torch

    raw = model.mu.detach().clone()
    if not torch.isfinite(raw).all():
        return np.full(tuple(raw.shape), np.nan)
    model._clamp_params()
    model._break_col_permutation_symmetry()
    finished = np.asarray(model.mu.detach().cpu().numpy(), dtype=np.float64).copy()
    model.mu.data = raw
    return finished
