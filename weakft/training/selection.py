"""Which weakly labelled rows to learn from, and what to make of those no LF covers."""

import numpy as np
import numpy.typing as npt

from weakft.labels import Probs

NEIGHBOURS = 20
FILLED_WEIGHT = 0.5
LEAST_CONFIDENCE = 0.8

Embeddings = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]


def most_confident(probs: Probs, share: float) -> Rows:
    """The rows whose label is surest, the same share of each class, in their order.

    Args:
        probs: [n, k] soft labels.
        share: to keep of the rows of each most probable class, in (0, 1].

    Example:
        >>> most_confident(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]]), 0.5).tolist()
        [0, 2]
    """
    return _best_of_each_class(probs.argmax(axis=1), -probs.max(axis=1), share)


def like_their_neighbours(probs: Probs, embeddings: Embeddings, share: float) -> Rows:
    """The rows whose label most agrees with that of like rows: the cut statistic.

    A row is linked to its 20 nearest neighbours, weighed by 1 / (1 + distance). The weight of the
    links to rows of another label, standardised by what labels drawn at random would give, says
    how odd the label is (Muhlenbach et al., 2004; Lang, Vijayaraghavan and Sontag, "Training
    subset selection for weak supervision", NeurIPS 2022). The least odd of each class are kept.

    Args:
        probs: [n, k] soft labels.
        embeddings: [n, d] of the texts, rows of length 1.
        share: to keep of the rows of each most probable class, in (0, 1].
    """
    labels = probs.argmax(axis=1)
    neighbours, weights = _neighbours(embeddings, embeddings, NEIGHBOURS + 1)
    neighbours, weights = neighbours[:, 1:], weights[:, 1:]
    shares = np.bincount(labels, minlength=probs.shape[1]) / len(labels)
    other = 1 - shares[labels]
    cut = (weights * (labels[neighbours] != labels[:, None])).sum(axis=1)
    spread = np.sqrt(np.maximum(other * (1 - other) * (weights**2).sum(axis=1), 1e-12))
    return _best_of_each_class(labels, (cut - other * weights.sum(axis=1)) / spread, share)


def filled(
    probs: Probs, embeddings: Embeddings, uncovered: Embeddings, seed: int = 0
) -> tuple[Rows, Probs]:
    """Uncovered rows that a linear model on embeddings is sure of, and their labels.

    Logistic regression learns the most probable classes of the covered rows, weighed by how
    probable they are; rows it gives a class at least .8 are kept. With one class to learn, none.

    Args:
        probs: [n, k] soft labels of the covered rows.
        embeddings: [n, d] of their texts.
        uncovered: [u, d] of the others.
        seed: of the solver.

    Returns:
        Positions among the uncovered rows, and [kept, k] probabilities.
    """
    from sklearn.linear_model import LogisticRegression

    labels = probs.argmax(axis=1)
    if len(np.unique(labels)) < 2 or not len(uncovered):
        return np.empty(0, dtype=np.intp), np.empty((0, probs.shape[1]))
    model = LogisticRegression(max_iter=500, random_state=seed)
    model.fit(embeddings, labels, sample_weight=probs.max(axis=1))
    predicted = np.zeros((len(uncovered), probs.shape[1]))
    predicted[:, model.classes_] = model.predict_proba(uncovered)
    sure = np.flatnonzero(predicted.max(axis=1) >= LEAST_CONFIDENCE)
    return sure, predicted[sure]


def _best_of_each_class(
    labels: npt.NDArray[np.intp], oddness: npt.NDArray[np.float64], share: float
) -> Rows:
    kept = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        count = max(1, round(share * len(rows)))
        kept.append(rows[np.argsort(oddness[rows], kind="stable")[:count]])
    return np.sort(np.concatenate(kept))


def _neighbours(
    rows: Embeddings, among: Embeddings, count: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    from sklearn.neighbors import NearestNeighbors

    count = min(count, len(among))
    found = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(among)
    distances, positions = found.kneighbors(rows)
    return positions, 1 / (1 + distances)
