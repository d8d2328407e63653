"""Labels of every row anew, by votes and texts together."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from weakft.labels import Probs, SoftLabels, hard_labels
from weakft.training.linear import Embeddings, linear_opinion
from weakft.training.rows import Labels, Positions, Weights, confidence

FOLDS = 5
LEAST_COVERED = 40
LEAST_AGREEMENT = 0.2  # with the votes' labels; chance is 0, always is 1
MOST_LEARNED = 4000  # rows that the linear model of a fold learns from
BALANCE_FLOOR = 0.01  # added to each class's share: a very rare one is not raised all the way
LEAST_TOLD = 1e-6
SHARPNESS = 2  # power of the linear model's opinion: regularised, it is less sure than it might be
MOST_CALIBRATED = 8  # the largest power tried
DOUBT = 1.5  # how fast the power falls where the model is surer than it is right

Folds = npt.NDArray[np.intp]  # [N] in 0..4


def relabelled(
    soft: SoftLabels, texts: Sequence[str], embeddings: Embeddings, seed: int = 0
) -> SoftLabels | None:
    """The labels of all rows by votes and texts together.

    Rules of thumb are wrong in the same way on row after row, and a large model learns the rules.
    A linear model on frozen embeddings has no room for most of them: it keeps what like texts
    have in common. It learns the most probable classes of the covered rows, weighed by how sure
    they are, classes of about equal weight, and judges rows of folds it has not learned from; a
    second learns what the first said of all rows. Since classes weigh alike, a power of its
    opinion is taken for the likelihood of the text, and the soft label for the prior: their
    product is the new label. The power is two, or less where the model is surer of the votes'
    labels than it is right. For rows nobody voted on the prior is how often each class is the
    label of covered ones. Labels that are certain, such as those given by hand, stay.

    That embeddings of a pre-trained model mend weak labels is the idea of Chen et al. ("Shoring
    up the foundations: fusing model embeddings and weak supervision", UAI 2022), who extend the
    votes of LFs to near texts. Equal weight of the classes is what keeps a broad rule of one class
    from swallowing the others (King and Zeng, "Logistic regression in rare events data", 2001).

    Args:
        soft: N labels by the label model.
        texts: N texts; equal ones lie in one fold.
        embeddings: [N, d] of them.
        seed: deals the folds, draws the 4,000 rows at most that a fold learns from.

    Returns:
        Labels of all rows, every one covered; None where there is nothing to go by: fewer than 40
        rows whose votes do not tie, labels all of one class, or embeddings that do not know the
        labels from chance.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> gold = rng.integers(2, size=300)
        >>> embeddings = (gold[:, None] + rng.normal(size=(300, 2), scale=0.3)).astype(np.float32)
        >>> votes = np.where(rng.random(300) < 0.8, gold, 1 - gold)  # a fifth of them wrong
        >>> texts = tuple(f"text {row}" for row in range(300))
        >>> soft = SoftLabels(np.eye(2)[votes] * 0.6 + 0.2, np.arange(300) < 200, texts, ("a", "b"))
        >>> anew = relabelled(soft, texts, embeddings)
        >>> bool((anew.probs.argmax(axis=1) == gold).mean() > 0.95)
        True
    """
    labels = soft.hard
    covered = np.flatnonzero(labels >= 0)
    if len(covered) < LEAST_COVERED or len(np.unique(labels[covered])) < 2:
        return None
    folds = _folds(texts, seed)
    first = _predicted_out_of_fold(soft.probs, covered, embeddings, folds, seed)
    if _agreement(first[covered], labels[covered]) < LEAST_AGREEMENT:
        return None
    told = _predicted_out_of_fold(first, np.arange(len(first)), embeddings, folds, seed)
    shares = np.bincount(labels[covered], minlength=len(soft.classes)) / len(covered)
    prior = np.where(soft.covered[:, None], soft.probs, shares + BALANCE_FLOOR)
    likelihood = np.maximum(told, LEAST_TOLD)
    probs = likelihood ** _sharpness(likelihood[covered], labels[covered]) * prior
    probs /= probs.sum(axis=1, keepdims=True)
    return SoftLabels(probs, np.full(len(probs), True), soft.ids, soft.classes)


def equally_weighted(labels: Labels, weights: Weights, cardinality: int) -> Weights:
    """The weights, so scaled that all but very rare classes have about the same sum; mean 1.

    Example:
        >>> equally_weighted(np.array([0, 0, 0, 1]), np.ones(4), 2).round(2).tolist()
        [0.68, 0.68, 0.68, 1.97]
    """
    share = np.bincount(labels, weights, minlength=cardinality) / weights.sum()
    scaled = weights / (share[labels] + BALANCE_FLOOR)
    return np.asarray(scaled / scaled.mean())


def _predicted_out_of_fold(
    probs: Probs, rows: Positions, embeddings: Embeddings, folds: Folds, seed: int
) -> Probs:
    """[N, k] what models say of each fold that have learned from `rows` of the other folds.

    Rows whose classes tie are left out.
    """
    labels, sure = hard_labels(probs), confidence(probs)
    told, rng = np.empty_like(probs), np.random.default_rng(seed)
    rows = rows[labels[rows] >= 0]
    for fold in range(FOLDS):
        learned = rng.permutation(rows[folds[rows] != fold])[:MOST_LEARNED]
        told[folds == fold] = linear_opinion(
            probs[learned],
            embeddings[learned],
            embeddings[folds == fold],
            weights=equally_weighted(labels[learned], sure[learned], probs.shape[1]),
            seed=seed,
        )
    return told


def _agreement(told: Probs, labels: Labels) -> float:
    """How often a class is told where it is labelled, the mean over classes; chance is 0."""
    classes = np.unique(labels)
    right = told.argmax(axis=1) == labels
    recall = np.mean([right[labels == label].mean() for label in classes])
    chance = 1 / len(classes)
    return float((recall - chance) / (1 - chance))


def _sharpness(told: Probs, labels: Labels) -> float:
    """The power that the linear model's opinion is raised to.

    Temperature scaling (Guo et al., "On calibration of modern neural networks", ICML 2017) to the
    votes' labels, classes of equal weight, finds the power at which the model is as sure as it is
    right; below one, it is too sure, as with embeddings that know little of the classes.
    """
    rows, logs = np.arange(len(labels)), np.log(told)
    weights = equally_weighted(labels, np.ones(len(labels)), told.shape[1])

    def loss(power: float) -> float:
        return -float((weights * log_softmax(power * logs, axis=1)[rows, labels]).mean())

    calibrated = minimize_scalar(loss, bounds=(0, MOST_CALIBRATED), method="bounded").x
    return SHARPNESS * float(min(calibrated, 1.0) ** DOUBT)


def _folds(texts: Sequence[str], seed: int) -> Folds:
    """[N] in 0..4, the same for equal texts."""
    place = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    fold = np.random.default_rng(seed).integers(FOLDS, size=len(place))
    return fold[[place[text] for text in texts]]
