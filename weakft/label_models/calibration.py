"""From what votes add to the classes to probabilities: a temperature and a class prior."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from weakft.cast_votes import blocks
from weakft.evaluation.metrics import log_losses
from weakft.label_models.votes import normalised
from weakft.labels import TIE_TOLERANCE, Probs

TEMPERATURES = np.geomspace(0.25, 8, 41)
PRIOR_SHARES = (0.0, 0.5, 1.0)

Gold = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Calibration:
    """How sure labels are, apart from which class they are.

    The most probable class goes by `label_prior`, how probable it is by `prior`: a rare class
    whose LFs speak for it is the label, though the shares of the classes speak against it. Where
    the two differ, the class that votes put first and the one that the prior puts first change
    places.

    Attributes:
        prior: [k] shares of the classes that probabilities go by.
        label_prior: [k] those that the most probable class goes by.
        temperature: what the vote terms are divided by.

    Example:
        >>> sure = Calibration(np.array([0.9, 0.1]), np.array([0.5, 0.5]))
        >>> sure.posterior(np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])).round(2).tolist()
        [[0.23, 0.77], [0.96, 0.04], [0.9, 0.1]]
    """

    prior: Probs
    label_prior: Probs
    temperature: float = 1.0

    @classmethod
    def plain(cls, prior: Probs) -> "Calibration":
        """One prior for both, and no temperature."""
        return cls(prior, prior)

    def posterior(self, scores: Probs) -> Probs:
        """[n, k] probabilities of rows with these sums of vote terms."""
        probs = np.empty_like(scores)
        for rows in blocks(len(scores), scores.shape[1]):
            probs[rows] = normalised(self._logs(scores[rows]))
        return probs

    def before_votes(self, scores: Probs) -> Probs:
        """[k] what to add to the terms of one row, over the temperature, for its log posterior.

        It is the log prior, but for two classes that change places.

        Args:
            scores: [k] sums of vote terms.
        """
        return np.asarray(self._logs(scores[None, :])[0] - scores / self.temperature)

    def fitted(
        self, scores: Probs, gold: Gold, all_gold: Gold, *, to_shares: bool
    ) -> "Calibration":
        """The likeliest temperature and prior, a little in favour of 1 and of the label's own.

        The prior is the label's times the shares of gold to the power of 0, 1/2 or 1: one-sided
        LFs already carry the shares in how often they vote, and most sets want none of it.

        Args:
            scores: [d, k] sums of vote terms on gold rows, by weights that have not seen their
                gold.
            gold: [d] classes of those rows.
            all_gold: classes of all gold rows, covered or not: what is common.
            to_shares: False for no other prior than the label's.
        """
        counts = np.bincount(all_gold, minlength=scores.shape[1]) + 1.0
        shares = counts / counts.sum()
        costs = {}
        for power in PRIOR_SHARES if to_shares else (0.0,):
            prior = self.label_prior * shares**power if power else self.label_prior
            for temperature in TEMPERATURES:
                tried = replace(self, prior=prior / prior.sum(), temperature=float(temperature))
                loss = log_losses(tried.posterior(scores), gold).sum()
                costs[loss + 2 * np.log(temperature) ** 2 + 2 * power] = tried
        return costs[min(costs)]

    def _logs(self, scores: Probs) -> Probs:
        logs = np.log(self.prior) + scores / self.temperature
        if np.array_equal(self.prior, self.label_prior):
            return np.asarray(logs)
        return _led_by(logs, np.log(self.label_prior) + scores / self.temperature)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """As they are stored."""
        return {
            "prior": self.prior,
            "label_prior": self.label_prior,
            "temperature": np.array([self.temperature]),
        }

    @classmethod
    def restored(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "Calibration":
        """What `arrays` gave; models stored earlier have one prior for both."""
        prior = arrays["prior"]
        label_prior = arrays.get("label_prior", prior)
        return cls(prior, label_prior, float(arrays["temperature"][0]))


def _led_by(logs: Probs, by: Probs) -> Probs:
    """The rows of `logs`, their highest value at the class that is highest in `by`.

    Of classes that tie in `by` it is the one that is highest in `logs`.
    """
    rows = np.arange(len(logs))
    first = by >= by.max(axis=1, keepdims=True) - TIE_TOLERANCE
    label = np.where(first, logs, -np.inf).argmax(axis=1)
    highest = logs.argmax(axis=1)
    led = logs.copy()
    led[rows, highest] = logs[rows, label]
    led[rows, label] = logs[rows, highest]
    return led
