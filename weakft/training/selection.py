"""Which weakly labelled rows to learn from, and what to make of those no LF covers."""

import numpy as np
import numpy.typing as npt

from weakft.labels import ABSTAIN, TIE, Probs, Votes, hard_labels
from weakft.training.linear import Embeddings, linear_opinion
from weakft.training.rows import Positions

NEIGHBOURS = 20
LF_FOLDS = 5
FILLED_WEIGHT = 0.5
LEAST_CONFIDENCE = 0.8


def most_confident(probs: Probs, share: float) -> Positions:
    """The rows whose label is surest, the same share of each class, in their order.

    Rows whose classes tie count as a class of their own.

    Args:
        probs: [n, k] soft labels.
        share: to keep of the rows of each most probable class, in (0, 1].

    Example:
        >>> most_confident(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]]), 0.5).tolist()
        [0, 2]
    """
    return _best_of_each_class(hard_labels(probs), -probs.max(axis=1), share)


def like_their_neighbours(probs: Probs, embeddings: Embeddings, share: float) -> Positions:
    """The rows whose label most agrees with that of like rows: the cut statistic.

    A row is linked to its 20 nearest neighbours, weighed by 1 / (1 + distance). The weight of the
    links to rows of another label, standardised by what labels drawn at random would give, says
    how odd the label is (Muhlenbach et al., 2004; Lang, Vijayaraghavan and Sontag, "Training
    subset selection for weak supervision", NeurIPS 2022). The least odd of each class are kept;
    rows whose classes tie count as a class of their own.

    Args:
        probs: [n, k] soft labels.
        embeddings: [n, d] of the texts, rows of length 1.
        share: to keep of the rows of each most probable class, in (0, 1].
    """
    labels = hard_labels(probs)
    labels[labels == TIE] = probs.shape[1]
    neighbours, weights = _neighbours(embeddings, embeddings, NEIGHBOURS + 1)
    neighbours, weights = neighbours[:, 1:], weights[:, 1:]
    shares = np.bincount(labels) / len(labels)
    other = 1 - shares[labels]
    cut = (weights * (labels[neighbours] != labels[:, None])).sum(axis=1)
    spread = np.sqrt(np.maximum(other * (1 - other) * (weights**2).sum(axis=1), 1e-12))
    return _best_of_each_class(labels, (cut - other * weights.sum(axis=1)) / spread, share)


def confidently_right(probs: Probs, embeddings: Embeddings, L: Votes, seed: int = 0) -> Positions:
    """The rows that no model, blind to the LFs that labelled them, is sure to see otherwise.

    Confident learning (Northcutt, Jiang and Chuang, JAIR 2021) with folds by LF, as Knodle and ULF
    deal them (Sedova and Roth, 2023): a logistic regression on embeddings judges the rows of the
    LFs of a fold without having seen any row those voted on, so it cannot repeat their rule. A
    row goes where another class is the most probable and reaches the mean confidence that rows
    labelled with it have. Rows whose classes tie stay: they contradict nothing.

    Args:
        probs: [n, k] soft labels.
        embeddings: [n, d] of the texts.
        L: [n, m] votes on the same rows, each with one at least.
        seed: deals the LFs to five folds.
    """
    labels, judged = hard_labels(probs), np.zeros(probs.shape)
    for lfs in np.array_split(np.random.default_rng(seed).permutation(L.shape[1]), LF_FOLDS):
        held_out = (L[:, lfs] != ABSTAIN).any(axis=1)
        known = np.setdiff1d(labels[~held_out], TIE)
        if len(known) > 1 and held_out.any():
            rows = ~held_out
            judged[held_out] += linear_opinion(
                probs[rows], embeddings[rows], embeddings[held_out], seed=seed
            )
    seen = judged.sum(axis=1) > 0
    judged[seen] /= judged[seen].sum(axis=1, keepdims=True)
    own = [judged[seen & (labels == k), k] for k in range(probs.shape[1])]
    usual = np.array([confidence.mean() if len(confidence) else 1.0 for confidence in own])
    other = judged.argmax(axis=1)
    wrong = seen & (labels != TIE) & (other != labels) & (judged.max(axis=1) >= usual[other])
    return np.flatnonzero(~wrong)


def filled(
    probs: Probs, embeddings: Embeddings, uncovered: Embeddings, seed: int = 0
) -> tuple[Positions, Probs]:
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
    if len(np.setdiff1d(hard_labels(probs), TIE)) < 2 or not len(uncovered):
        return np.empty(0, dtype=np.intp), np.empty((0, probs.shape[1]))
    predicted = linear_opinion(probs, embeddings, uncovered, seed=seed)
    sure = np.flatnonzero(predicted.max(axis=1) >= LEAST_CONFIDENCE)
    return sure, predicted[sure]


def _best_of_each_class(
    labels: npt.NDArray[np.intp], oddness: npt.NDArray[np.float64], share: float
) -> Positions:
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
