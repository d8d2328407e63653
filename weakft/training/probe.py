"""A linear probe: what softmax regression on frozen embeddings makes of the same rows."""

import numpy as np
from scipy.special import softmax

from weakft.labels import Probs
from weakft.training.gold import Gold
from weakft.training.linear import Embeddings, soft_regression
from weakft.training.rows import TrainingSet

FOLDS = 5
STRENGTH = 10.0


def probe(rows: TrainingSet, embeddings: Embeddings, others: Embeddings) -> Probs:
    """[u, k] what a linear probe of some rows says of others.

    Args:
        rows: n rows to learn from, weighted as they are to count.
        embeddings: [n, d] of their texts, rows of length 1.
        others: [u, d] of the others' texts.

    Example:
        >>> rows = TrainingSet(("bad", "good"), np.eye(2), np.ones(2))
        >>> points = np.eye(2, dtype=np.float32)
        >>> probe(rows, points, points[::-1]).argmax(axis=1).tolist()
        [1, 0]
    """
    scale = np.float32(np.sqrt(STRENGTH))  # of the states: a penalty of 1 / STRENGTH
    coefficients, intercepts = soft_regression(scale * embeddings, rows.probs, rows.weights)
    probs: Probs = softmax(
        (scale * others @ coefficients.T + intercepts).astype(np.float64), axis=1
    )
    return probs


def out_of_fold(gold: Gold, embeddings: Embeddings, seed: int) -> Probs | None:
    """[judged, k] what probes of gold say of the rows that judge, none of which they have seen.

    Args:
        gold: n gold rows; those that do not judge are learned from in every fold.
        embeddings: [n, d] of their texts.
        seed: of the folds.

    Returns:
        None where all of gold is one text, so none is left to learn from.
    """
    probs = np.full(gold.rows.probs.shape, np.nan)
    for held_out in gold.folds(FOLDS, seed):
        if not held_out.any():
            continue
        known = gold.apart_from(held_out)
        if not known.any():
            return None
        rows = gold.rows.take(known).balanced()
        probs[held_out] = probe(rows, embeddings[known], embeddings[held_out])
    return probs[gold.judged]
