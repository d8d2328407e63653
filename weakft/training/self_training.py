"""A model goes on with its own sure opinions of the pool, covered or not."""

import numpy as np

from weakft.config import TrainConfig
from weakft.errors import DataError
from weakft.labels import Probs
from weakft.training.rows import TrainingSet

LEAST_WEIGHT = 0.6


def self_taught(texts: tuple[str, ...], probs: Probs) -> TrainingSet:
    """The rows a teacher is sure of, under its sharpened opinion, weighed by how sure it is.

    The core of COSINE (Yu et al., "Fine-tuning pre-trained language model with weak supervision",
    NAACL 2021): weight 1 - H / log k, kept above .6; target p_k^2 / f_k, where f_k is the pool's
    mean of p_k, so that no class swallows the others. Its contrastive term is left out: as
    released, it has no gradient.

    Args:
        texts: N texts of the pool.
        probs: [N, k] what the teacher says of them.

    Raises:
        DataError: it is sure of none.

    Example:
        >>> rows = self_taught(("a", "b"), np.array([[0.99, 0.01], [0.5, 0.5]]))
        >>> rows.texts, rows.weights.round(2).tolist()
        (('a',), [0.92])
    """
    entropy = -(probs * np.log(np.maximum(probs, 1e-12))).sum(axis=1)
    weights = 1 - entropy / np.log(probs.shape[1])
    sure = np.flatnonzero(weights > LEAST_WEIGHT)
    if not len(sure):
        raise DataError(
            "train.self_training: the model is sure of no row of the pool, so there is nothing to "
            "go on with. Train longer, or leave train.self_training at 0."
        )
    sharp = probs[sure] ** 2 / np.maximum(probs.mean(axis=0), 1e-12)
    targets = sharp / sharp.sum(axis=1, keepdims=True)
    return TrainingSet(tuple(texts[int(row)] for row in sure), targets, weights[sure])


def round_settings(settings: TrainConfig) -> TrainConfig:
    """`[train]` for one round: an epoch, half the learning rate."""
    update = {"num_train_epochs": 1, "learning_rate": settings.learning_rate / 2}
    return settings.model_copy(update={**update, "probe_epochs": 0, "max_steps": -1})
