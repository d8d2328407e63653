"""Logistic regression on frozen embeddings: an opinion that costs a moment."""

import numpy as np
import numpy.typing as npt

from weakft.labels import TIE, Probs, hard_labels

Embeddings = npt.NDArray[np.float32]


def linear_opinion(
    probs: Probs,
    embeddings: Embeddings,
    others: Embeddings,
    *,
    strength: float = 1.0,
    weights: npt.NDArray[np.float64] | None = None,
    seed: int = 0,
) -> Probs:
    """[u, k] what a linear model of the most probable classes says of other rows.

    Of one class nothing can be learned: uniform. Rows whose classes tie are left out.

    Args:
        probs: [n, k] labels, soft or one-hot.
        embeddings: [n, d] of their texts.
        others: [u, d] embeddings of the rows to judge.
        strength: inverse of the regularisation, scikit-learn's C.
        weights: [n] of the rows; None: how probable their class is.
        seed: of the solver.
    """
    from sklearn.linear_model import LogisticRegression

    weights = probs.max(axis=1) if weights is None else weights
    labels, k = hard_labels(probs), probs.shape[1]
    known = labels != TIE
    if len(np.unique(labels[known])) < 2 or not len(others):
        return np.full((len(others), k), 1 / k)
    model = LogisticRegression(C=strength, max_iter=500, random_state=seed)
    model.fit(embeddings[known], labels[known], sample_weight=weights[known])
    predicted = np.zeros((len(others), k))
    predicted[:, model.classes_] = model.predict_proba(others)
    return predicted
