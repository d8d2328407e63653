"""Scores of predictions and of soft labels against gold."""

from typing import Any

import numpy as np
import numpy.typing as npt

from weakft.intervals import bootstrap, jeffreys
from weakft.labels import Probs, hard_labels

Labels = npt.NDArray[np.integer]
Scores = dict[str, dict[str, float]]

SMALLEST_PROBABILITY = 1e-6


def scores(
    gold: Labels, predicted: Labels, cardinality: int, *, resamples: int = 1000, seed: int = 0
) -> Scores:
    """Accuracy (Jeffreys interval) and macro-F1 (bootstrap interval) of predictions.

    Args:
        gold: [n] classes 0..k-1, n >= 1.
        predicted: [n] classes 0..k-1.
        cardinality: k.
        resamples: bootstrap samples.
        seed: of the bootstrap.

    Example:
        >>> result = scores(np.array([0, 1, 1]), np.array([0, 1, 0]), 2, resamples=100)
        >>> round(result["accuracy"]["value"], 2), result["accuracy"]["support"]
        (0.67, 3)
    """
    accuracy = jeffreys(int((gold == predicted).sum()), len(gold))
    assert accuracy is not None
    f1 = bootstrap(
        lambda g, p: macro_f1(g, p, cardinality), gold, predicted, seed=seed, resamples=resamples
    )
    return {"accuracy": accuracy.as_dict(), "macro_f1": f1.as_dict()}


def macro_f1(gold: Labels, predicted: Labels, cardinality: int) -> float:
    """Mean F1 over the classes that stand in gold or predictions, in [0, 1].

    scikit-learn's macro average, from one confusion matrix so that a bootstrap is fast.
    """
    confusion = np.bincount(gold * cardinality + predicted, minlength=cardinality**2)
    confusion = confusion.reshape(cardinality, cardinality)
    both = confusion.sum(axis=0) + confusion.sum(axis=1)
    seen = both > 0
    return float((2 * confusion.diagonal()[seen] / both[seen]).mean())


def label_quality(gold: Labels, probs: Probs, covered: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """How good soft labels are where there are any.

    Returns:
        coverage (share of rows), accuracy on covered rows with its interval (None where
        nothing is covered; a row whose classes tie has no label, and is not right) and the
        negative log-likelihood per covered row in nats, probabilities floored at 1e-6.
    """
    gold, probs = gold[covered], probs[covered]
    accuracy = jeffreys(int((hard_labels(probs) == gold).sum()), len(gold))
    likelihood = probs[np.arange(len(gold)), gold]
    losses = -np.log(np.maximum(likelihood, SMALLEST_PROBABILITY))
    return {
        "coverage": float(covered.mean()),
        "accuracy": accuracy.as_dict() if accuracy else None,
        "negative_log_likelihood": float(losses.mean()) if len(gold) else None,
    }
