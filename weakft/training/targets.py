"""What the end model learns of each row: soft targets that stay near the votes."""

import numpy as np
import numpy.typing as npt

from weakft.labels import Probs, SoftLabels, Votes

TEXTS_COUNT_AS = 2.0  # votes: how much a label by votes and texts adds to the votes of its row


def voted_targets(soft: SoftLabels, L: Votes) -> Probs:
    """[N, k] targets that leave nothing to classes nobody voted for.

    A label model spreads what it doubts of a lone vote over all other classes, and with many
    classes a model that learns from that learns little else: of ten classes, .39 of the mass lay
    on classes without a vote. So the target is the mean of the shares of the votes and of the
    label model's posterior, cut to the classes voted for. A label that is certain, such as one
    given by hand, stays.

    Args:
        soft: N labels by the label model.
        L: [N, m] votes on the same rows.

    Returns:
        Rows sum to 1; those nobody voted on are as in `soft`.

    Example:
        >>> probs = np.array([[0.6, 0.3, 0.1], [0.4, 0.3, 0.3], [0.0, 0.0, 1.0]])
        >>> soft = SoftLabels(probs, np.full(3, True), ("1", "2", "3"), ("x", "y", "z"))
        >>> voted_targets(soft, np.array([[0, 1], [0, -1], [1, -1]])).round(2).tolist()
        [[0.58, 0.42, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    counts = vote_counts(L, len(soft.classes))
    posterior = np.where(counts > 0, soft.probs, 0.0)
    targets = (_shares(counts) + _shares(posterior)) / 2
    return np.where(_is_certain(soft) | (counts.sum(axis=1) == 0)[:, None], soft.probs, targets)


def mixed_targets(soft: SoftLabels, L: Votes, relabelled: SoftLabels) -> Probs:
    """[N, k] targets by votes, and by votes and texts together, which count as two votes.

    Votes alone keep to the rules, wrong ones too; votes and texts together lose rare classes.
    On a row of many votes those prevail, on a row of none the texts.

    Args:
        soft: N labels by the label model.
        L: [N, m] votes on the same rows.
        relabelled: labels of the same rows by votes and texts together.

    Example:
        >>> soft = SoftLabels(np.array([[0.6, 0.4]]), np.array([True]), ("1",), ("x", "y"))
        >>> both = SoftLabels(np.array([[0.2, 0.8]]), np.array([True]), ("1",), ("x", "y"))
        >>> mixed_targets(soft, np.array([[0, -1]]), both).round(2).tolist()
        [[0.47, 0.53]]
    """
    votes = (L >= 0).sum(axis=1, keepdims=True)
    mixed = votes * voted_targets(soft, L) + TEXTS_COUNT_AS * relabelled.probs
    return np.where(_is_certain(soft), soft.probs, _shares(mixed))


def vote_counts(L: Votes, cardinality: int) -> Probs:
    """[N, k] how many LFs vote for each class.

    Example:
        >>> vote_counts(np.array([[0, 0, 1], [-1, -1, -1]]), 3).tolist()
        [[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    rows, lfs = np.nonzero(L >= 0)
    cells = rows * cardinality + L[rows, lfs]
    counts = np.bincount(cells, minlength=len(L) * cardinality).astype(np.float64)
    return counts.reshape(len(L), cardinality)


def _is_certain(soft: SoftLabels) -> npt.NDArray[np.bool_]:
    """[N, 1] whether a label is certain."""
    return np.asarray(soft.covered & (soft.probs.max(axis=1) == 1))[:, None]


def _shares(mass: Probs) -> Probs:
    """Rows scaled to sum to 1; rows of nothing stay so."""
    total = mass.sum(axis=1, keepdims=True)
    return np.asarray(mass / np.where(total > 0, total, 1))
