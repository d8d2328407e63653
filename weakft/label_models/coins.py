"""Votes as tosses of a coin: each is right with some probability, else falls on another class.

Expectation maximisation for the accuracies of labeling functions (Dawid and Skene, 1979), with a
Beta(35, 15) prior.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from weakft.cast_votes import CastVotes

PRIOR_MEAN = 0.7
PRIOR_VOTES = 50.0
MEAN_VOTES = 10.0  # how many the mean of the prior counts as, for the accuracy of all LFs
BETTER_THAN_CHANCE = 0.1  # of the way to certainty, or EM may turn a good LF round
EM_STEPS = 100
EM_TOLERANCE = 1e-6

Floats = npt.NDArray[np.float64]
Pooling = Callable[[Floats, Floats], Floats]  # ([m, k] right, [m, k] votes) -> [m, k] accuracies


def one_accuracy(right: Floats, votes: Floats) -> Floats:
    """[m, k] accuracies, the same for all classes of an LF, and no class with better LFs."""
    pooled = smoothed(right.sum(axis=1), votes.sum(axis=1), PRIOR_MEAN, PRIOR_VOTES)
    return np.repeat(level(pooled, votes)[:, None], right.shape[1], axis=1)


def same_accuracy(right: Floats, votes: Floats) -> Floats:
    """[m, k] one accuracy for all LFs and classes: only how many vote for a class counts."""
    pooled = smoothed(right.sum(), votes.sum(), PRIOR_MEAN, PRIOR_VOTES)
    return np.full(right.shape, pooled)


def level(accuracies: Floats, votes: Floats) -> Floats:
    """[m] accuracies, shifted so that the LFs of every class are equally good on the whole.

    Where LFs vote for one class each, votes alone identify no more than the product of a class's
    prior and the accuracy of its LFs: EM can always call one class's LFs perfect and the others
    wrong, and does. So the mean log-odds of the votes for a class, over all votes for it, is held
    at the mean over all votes; which LFs of a class are the better ones is left to the data. An
    LF that votes for several classes is shifted by the mean over its votes.

    Args:
        accuracies: [m] in (0, 1).
        votes: [m, k] how many votes of an LF are for a class.

    Example:
        >>> votes = np.array([[9, 0], [9, 0], [0, 9], [0, 9]])
        >>> level(np.array([0.9, 0.8, 0.6, 0.6]), votes).round(2).tolist()
        [0.82, 0.67, 0.75, 0.75]
    """
    odds = logit(accuracies)
    cast = np.maximum(votes.sum(axis=0), 1e-9)
    by_class = odds @ votes / cast
    shift = by_class - by_class @ cast / cast.sum()
    own = votes @ shift / np.maximum(votes.sum(axis=1), 1e-9)
    return np.asarray(np.clip(expit(odds - own), 0.01, 0.99))


def climb(
    cast: CastVotes,
    pooling: Pooling,
    *,
    factors: Floats | None = None,
    counts: Floats | None = None,
) -> Floats:
    """[m, k] accuracies of the votes for each class, by EM under a uniform class prior.

    Args:
        cast: the votes of n rows, each with one at least.
        pooling: what is learned of right votes and votes, by LF and class.
        factors: [v] what each vote's term is multiplied by; None: 1.
        counts: [n] how often each row occurs; None: once.
    """
    often = np.ones(len(cast.rows)) if counts is None else counts[cast.rows]
    votes = cast.by_column(often)
    floor = chance_floor(cast.cardinality)
    accuracies = np.full(votes.shape, PRIOR_MEAN)
    for _ in range(EM_STEPS):
        probs, _ = coin_posterior(cast, accuracies, factors)
        right = cast.by_column(probs[cast.cell] * often)
        updated = np.maximum(pooling(right, votes), floor)
        if np.abs(updated - accuracies).max(initial=0.0) < EM_TOLERANCE:
            return updated
        accuracies = updated
    return accuracies


def coin_posterior(
    cast: CastVotes, accuracies: Floats, factors: Floats | None
) -> tuple[Floats, Floats]:
    """Posterior under a uniform class prior: of the classes voted for, and of any other one."""
    terms = log_odds(accuracies, cast.cardinality)[cast.lfs, cast.labels]
    return cast.posterior(terms if factors is None else terms * factors)


def chance_floor(cardinality: int) -> float:
    """The least accuracy that an LF is held to have without gold."""
    chance = 1 / cardinality
    return chance + BETTER_THAN_CHANCE * (1 - chance)


def smoothed(right: npt.ArrayLike, votes: npt.ArrayLike, mean: Any, strength: float) -> Floats:  # noqa: ANN401
    """(right + mean strength) / (votes + strength), kept within .01 and .99."""
    shares = (np.asarray(right) + mean * strength) / (np.asarray(votes) + strength)
    return np.asarray(np.clip(shares, 0.01, 0.99))


def smoothed_to_mean(right: Floats, votes: Floats, strength: float) -> Floats:
    """[m] accuracies on gold, smoothed towards that of all LFs together (.7, at first).

    Example:
        >>> right, votes = np.array([9.0, 0.0]), np.array([10.0, 0.0])  # 16 of 20: .8
        >>> smoothed_to_mean(right, votes, 4.0).round(3).tolist()
        [0.871, 0.8]
    """
    mean = (right.sum() + MEAN_VOTES * PRIOR_MEAN) / (votes.sum() + MEAN_VOTES)
    return smoothed(right, votes, mean, strength)


def log_odds(accuracies: Floats, cardinality: int) -> Floats:
    """What a vote adds to its class: log(a (k - 1) / (1 - a)).

    Example:
        >>> log_odds(np.array([0.5, 0.75]), 2).round(2).tolist()
        [0.0, 1.1]
    """
    return np.asarray(np.log(accuracies * (cardinality - 1) / (1 - accuracies)))
