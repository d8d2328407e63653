"""The opinion pool trusts who is right."""

import numpy as np
import pytest

from weakft.training.stacking import fit_weights, pooled


def opinions(accuracy: float, gold: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    said = np.where(rng.random(len(gold)) < accuracy, gold, 1 - gold)
    return np.where(said[:, None] == np.arange(2), 0.9, 0.1)


def test_a_uniform_opinion_changes_nothing() -> None:
    p = np.array([[0.7, 0.2, 0.1]])
    assert pooled([p, np.full((1, 3), 1 / 3)], np.array([1.0, 2.5])) == pytest.approx(p)


def test_noise_gets_no_weight_and_signal_does() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 2, 500)
    good, noise = opinions(0.9, gold, rng), opinions(0.5, gold, rng)
    weights = fit_weights([good, noise], gold)
    assert weights[0] > 0.7
    assert weights[1] < 0.15


def test_an_overconfident_opinion_is_softened() -> None:
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 2, 500)
    loud = np.where(opinions(0.7, gold, rng) > 0.5, 0.999, 0.001)
    pool = pooled([loud, np.full((500, 2), 0.5)], fit_weights([loud, np.full((500, 2), 0.5)], gold))
    assert pool.max(axis=1).mean() == pytest.approx(0.7, abs=0.05)
