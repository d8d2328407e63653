"""Snorkel's LabelModel, driven from its sufficient statistics."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from weakft.errors import DataError
from weakft.label_models.base import Arrays, Gold, LabelModel
from weakft.label_models.votes import normalised, votes_for
from weakft.labels import Probs, Votes
from weakft.seeding import preserved_random_state

LEARNING_RATES = (0.01, 0.001, 0.0001)  # Snorkel's own, and two for where that diverges


class Snorkel(LabelModel):
    """Matrix completion on LF agreements (Ratner et al., AAAI 2019), as in snorkel 0.10.

    Snorkel's own loss, optimiser steps and symmetry breaking run unchanged, on the matrix
    O of co-votes that the votes are reduced to first; so neither its dense [n, m k] copy
    of the votes nor its pickle file is needed, and the random state of the caller stays.
    The posterior is taken in log space (Snorkel's own underflows to NaN).

    Fails where LFs depend on each other, and on one-sided LFs with skewed classes; gold
    is not used, since Snorkel only ever takes the class balance from it.

    Example:
        >>> L = [[0, 0, 1], [1, 1, 0], [0, 0, -1], [1, 1, 1]] * 10
        >>> Snorkel(2).fit(L).predict_proba([[0, 0, -1]]).argmax()
        np.int64(0)
    """

    name = "snorkel"
    minimum_lfs = 3
    n_epochs = 100

    mu: Probs
    coverage: Probs

    @property
    def lf_accuracies(self) -> Probs:
        """[m] P(vote is right | LF votes) under mu; NaN for an LF that never votes."""
        by_lf = self.mu.reshape(len(self.lf_names), self.cardinality, self.cardinality)
        right = np.diagonal(by_lf, axis1=1, axis2=2).sum(axis=1) / self.cardinality
        with np.errstate(invalid="ignore", divide="ignore"):
            accuracies: Probs = np.where(self.coverage > 0, right / self.coverage, np.nan)
        return np.clip(accuracies, 0.0, 1.0)

    def _fit(self, L: Votes, dev: tuple[Votes, Gold] | None) -> None:
        self.coverage = (L >= 0).mean(axis=0)
        overlaps = _overlaps(L, self.cardinality)
        for lr in LEARNING_RATES:
            with preserved_random_state(self.seed):
                self.mu = _optimise_mu(overlaps, len(L), self, lr)
            if np.isfinite(self.mu).all():
                return
        raise DataError(
            f"Snorkel's optimisation diverges on these {L.shape[1]} LFs, even at a learning rate "
            f"of {LEARNING_RATES[-1]:g}. Use one_coin or majority_vote."
        )

    def _predict_proba(self, L: Votes) -> Probs:
        log_mu = np.log(self.mu)
        scores = np.full((len(L), self.cardinality), -np.log(self.cardinality))
        for label in range(self.cardinality):
            scores += votes_for(L, label) @ log_mu[label :: self.cardinality]
        return normalised(scores)

    def arrays(self) -> Arrays:
        """Snorkel's mu, [m k, k], and the coverage of each LF."""
        return {"mu": self.mu, "coverage": self.coverage}

    def restore(self, arrays: Arrays, details: Mapping[str, Any]) -> None:
        """Take mu and coverages back."""
        self.mu, self.coverage = arrays["mu"], arrays["coverage"]


def _overlaps(L: Votes, cardinality: int) -> Probs:
    """O = [m k, m k], the share of rows on which LF i votes a and LF j votes b."""
    m = L.shape[1]
    counts = np.zeros((m * cardinality, m * cardinality))
    by_class = [votes_for(L, label) for label in range(cardinality)]
    for a in range(cardinality):
        for b in range(cardinality):
            counts[a::cardinality, b::cardinality] = (by_class[a].T @ by_class[b]).toarray()
    overlaps: Probs = counts / len(L)
    return overlaps


def _optimise_mu(overlaps: Probs, n: int, settings: Snorkel, lr: float) -> Probs:
    """Snorkel's own training loop on O; NaN where it diverges."""
    import torch
    from snorkel.labeling.model.label_model import LabelModel as Original
    from snorkel.labeling.model.label_model import TrainConfig, _CliqueData

    cardinality = settings.cardinality
    model = Original(cardinality=cardinality, verbose=False)
    model.train_config = TrainConfig(seed=settings.seed, n_epochs=settings.n_epochs, lr=lr)
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
    for _ in range(settings.n_epochs):
        model.optimizer.zero_grad()
        model._loss_mu().backward()
        model.optimizer.step()
    if not torch.isfinite(model.mu).all():
        return np.full(tuple(model.mu.shape), np.nan)
    model._clamp_params()
    model._break_col_permutation_symmetry()
    return np.asarray(model.mu.detach().cpu().numpy(), dtype=np.float64)
