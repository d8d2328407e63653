"""Combine several opinions of a row: a weight for each, fitted on gold."""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import softmax

from weakft.labels import Probs

Gold = npt.NDArray[np.integer]
Weights = npt.NDArray[np.float64]

SMALLEST_PROBABILITY = 1e-4
LARGEST_WEIGHT = 3.0
TYPICAL_WEIGHT = 0.5


def pooled(opinions: list[Probs], weights: Weights) -> Probs:
    """[n, k] logarithmic opinion pool: q ~ prod_j p_j ** w_j (Genest and Zidek, 1986).

    An opinion that is uniform, such as that of the label model on an uncovered row, or one
    of weight 0, changes nothing.

    Args:
        opinions: J arrays [n, k] of probabilities.
        weights: [J] weights, at least 0.

    Example:
        >>> a, b = np.array([[0.9, 0.1]]), np.array([[0.5, 0.5]])
        >>> pooled([a, b], np.array([1.0, 1.0])).round(3).tolist()
        [[0.9, 0.1]]
    """
    logs = [np.log(np.maximum(p, SMALLEST_PROBABILITY)) for p in opinions]
    scores = np.sum([w * log for w, log in zip(weights, logs, strict=True)], axis=0)
    probs: Probs = softmax(scores, axis=1)
    return probs


def fit_weights(opinions: list[Probs], gold: Gold) -> Weights:
    """[J] weights in 0..3 under which the pool is likeliest to have given the gold labels.

    A normal prior of mean .5 and variance .5 holds them where gold is scarce.

    Args:
        opinions: J arrays [n, k], none of them from a model that trained on these rows.
        gold: [n] classes 0..k-1.
    """
    rows = np.arange(len(gold))

    def loss(weights: Weights) -> float:
        likelihood = np.maximum(pooled(opinions, weights)[rows, gold], 1e-6)
        prior = ((weights - TYPICAL_WEIGHT) ** 2).sum() / len(gold)
        return float(-np.log(likelihood).mean() + prior)

    start = np.full(len(opinions), TYPICAL_WEIGHT)
    best = minimize(loss, start, bounds=[(0.0, LARGEST_WEIGHT)] * len(opinions))
    weights: Weights = best.x
    return weights
