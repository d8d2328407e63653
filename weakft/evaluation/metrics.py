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


def macro_f1(
    gold: Labels,
    predicted: Labels,
    cardinality: int,
    classes: npt.NDArray[np.bool_] | None = None,
) -> float:
    """Mean F1 over the classes that stand in gold or predictions, in [0, 1].

    scikit-learn's macro average, from counts by class so that a bootstrap is fast.

    Args:
        gold: [n] classes 0..k-1, n >= 1.
        predicted: [n] classes 0..k-1.
        cardinality: k.
        classes: [k] which of them to average over; None: all.

    Example:
        >>> round(macro_f1(np.array([0, 1, 1]), np.array([0, 1, 0]), 2), 3)
        0.667
    """
    both = np.bincount(gold, minlength=cardinality) + np.bincount(predicted, minlength=cardinality)
    hits = np.bincount(gold[gold == predicted], minlength=cardinality)
    seen = both > 0 if classes is None else classes & (both > 0)
    return float((2 * hits[seen] / both[seen]).mean())


def log_losses(probs: Probs, gold: Labels) -> npt.NDArray[np.float64]:
    """[n] negative log-likelihoods in nats; a wrong row held for certain costs 13.8, not infinity.

    Args:
        probs: [n, k], floored at 1e-6.
        gold: [n] classes.

    Example:
        >>> log_losses(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, 1])).round(2).tolist()
        [0.69, 13.82]
    """
    likelihood = probs[np.arange(len(gold)), gold]
    return np.asarray(-np.log(np.maximum(likelihood, SMALLEST_PROBABILITY)))


def label_quality(gold: Labels, probs: Probs, covered: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """How good soft labels are where there are any.

    Returns:
        coverage (share of rows), accuracy on covered rows with its interval (None where
        nothing is covered; a row whose classes tie has no label, and is not right) and the
        negative log-likelihood per covered row in nats, probabilities floored at 1e-6.
    """
    gold, probs = gold[covered], probs[covered]
    accuracy = jeffreys(int((hard_labels(probs) == gold).sum()), len(gold))
    losses = log_losses(probs, gold)
    return {
        "coverage": float(covered.mean()),
        "accuracy": accuracy.as_dict() if accuracy else None,
        "negative_log_likelihood": float(losses.mean()) if len(gold) else None,
    }
