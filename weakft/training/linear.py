"""Logistic regression on frozen embeddings: an opinion that costs a moment."""

import warnings

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax

from weakft.labels import TIE, Probs, hard_labels

MOST_ITERATIONS = 100

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
    with warnings.catch_warnings():  # two rows a class are few, but no regression problem
        warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%")
        model.fit(embeddings[known], labels[known], sample_weight=weights[known])
    predicted = np.zeros((len(others), k))
    predicted[:, model.classes_] = model.predict_proba(others)
    return predicted


def soft_regression(
    states: Embeddings, probs: Probs, weights: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Softmax regression of soft targets.

    The weighted sum of the cross-entropies and half the squared norm of the coefficients is
    minimised by L-BFGS. The weights are scaled to sum to the effective number of rows, so that
    rows of next to no weight are as good as absent (Kish, "Survey sampling", 1965).

    Args:
        states: [n, d] what is known of n rows.
        probs: [n, k] targets.
        weights: [n] of the rows, above 0.

    Returns:
        Coefficients [k, d] and intercepts [k].

    Example:
        >>> states = np.array([[-1.0], [1.0]], dtype=np.float32)
        >>> coefficients, intercepts = soft_regression(states, np.eye(2), np.ones(2))
        >>> bool(coefficients[1, 0] > 0 > coefficients[0, 0]), intercepts.round(3).tolist()
        (True, [0.0, 0.0])
    """
    (n, d), k = states.shape, probs.shape[1]
    inputs = np.hstack([states, np.ones((n, 1), dtype=np.float32)])
    scaled = weights * weights.sum() / (weights**2).sum()
    weighed = (probs * scaled[:, None]).astype(np.float32)
    mass = weighed.sum(axis=1, keepdims=True)

    def loss(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        parameters = flat.astype(np.float32).reshape(d + 1, k)
        logs = log_softmax(inputs @ parameters, axis=1)
        gradient = (inputs.T @ (mass * np.exp(logs) - weighed)).astype(np.float64)
        held = flat.reshape(d + 1, k)[:-1]
        gradient[:-1] += held
        value = -float((weighed * logs).sum(dtype=np.float64)) + float((held**2).sum()) / 2
        return value, gradient.ravel()

    start = np.zeros((d + 1) * k)
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": MOST_ITERATIONS})
    found = best.x.astype(np.float32).reshape(d + 1, k)
    return np.ascontiguousarray(found[:-1].T), found[-1].copy()
