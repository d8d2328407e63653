"""Estimates with their interval: no number that a person may act on goes alone."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

Labels = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Estimate:
    """A number, its 95 % interval and the rows it rests on.

    Attributes:
        value: the point estimate.
        low: lower end of the interval.
        high: upper end of the interval.
        support: rows behind the estimate.
    """

    value: float
    low: float
    high: float
    support: int

    def as_dict(self) -> dict[str, float]:
        """Plain values for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def jeffreys(successes: int, trials: int, level: float = 0.95) -> Estimate | None:
    """A proportion with its Jeffreys interval; None where there is no trial.

    Quantiles of Beta(s + 1/2, n - s + 1/2), closed at 0 and 1 (Brown, Cai and
    DasGupta, "Interval estimation for a binomial proportion", 2001).

    Args:
        successes: 0 .. trials.
        trials: rows judged.
        level: coverage of the interval, in (0, 1).

    Example:
        >>> print(jeffreys(8, 10))
        0.800 [0.497, 0.956]
        >>> jeffreys(0, 0) is None
        True
    """
    if trials == 0:
        return None
    tail = (1 - level) / 2
    a, b = successes + 0.5, trials - successes + 0.5
    low = 0.0 if successes == 0 else float(betaincinv(a, b, tail))
    high = 1.0 if successes == trials else float(betaincinv(a, b, 1 - tail))
    return Estimate(successes / trials, low, high, trials)


def bootstrap(
    score: Callable[[Labels, Labels], float],
    gold: Labels,
    predicted: Labels,
    *,
    seed: int = 0,
    resamples: int = 1000,
    level: float = 0.95,
) -> Estimate:
    """A score with its percentile bootstrap interval over rows (Efron, 1979).

    Args:
        score: score(gold, predicted) -> float.
        gold: [n] gold labels, n >= 1.
        predicted: [n] predicted labels.
        seed: of the resampling.
        resamples: bootstrap samples drawn.
        level: coverage of the interval, in (0, 1).
    """
    rng = np.random.default_rng(seed)
    n = len(gold)
    draws = rng.integers(0, n, size=(resamples, n))
    scores = [score(gold[rows], predicted[rows]) for rows in draws]
    tail = (1 - level) / 2
    low, high = np.quantile(scores, [tail, 1 - tail])
    return Estimate(score(gold, predicted), float(low), float(high), n)
