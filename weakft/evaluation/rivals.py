"""The majority vote as a classifier: what the LFs are worth without any model."""

import numpy as np
import numpy.typing as npt

from weakft.labels import ABSTAIN, Votes

Labels = npt.NDArray[np.integer]


def majority_classifier(L: Votes, L_train: Votes, cardinality: int) -> Labels:
    """[n] a class for every row: the most votes; ties and silence go to the commoner class.

    Common is what the LFs vote for on the training rows, so the answer for a row depends
    on its votes alone, never on its position.

    Args:
        L: [n, m] votes to decide on.
        L_train: [N, m] votes of the same LFs that say which class is common.
        cardinality: k.

    Example:
        >>> L_train = np.array([[0, 0], [0, 1]], dtype=np.int8)
        >>> L = np.array([[1, 1], [0, 1], [-1, -1]], dtype=np.int8)
        >>> majority_classifier(L, L_train, 2).tolist()
        [1, 0, 0]
    """
    common = np.bincount(L_train[L_train != ABSTAIN], minlength=cardinality)
    counts = np.stack([np.equal(L, label).sum(axis=1) for label in range(cardinality)], axis=1)
    return np.asarray((counts + common / (common.sum() + 1.0)).argmax(axis=1))
