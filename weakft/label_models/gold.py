"""What gold says of label models: classes count alike, and macro-F1 has the last word."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from weakft.evaluation.metrics import log_losses, macro_f1
from weakft.intervals import Estimate, bootstrap
from weakft.label_models.calibration import Gold
from weakft.labels import Probs, hard_labels

if TYPE_CHECKING:
    from weakft.label_models.base import LabelModel

LEAST_GOLD = 20  # covered gold rows; of fewer, macro-F1 says nothing
RESAMPLES = 200
CLEARLY = 2.0  # bootstrap standard deviations

Floats = npt.NDArray[np.float64]


def equal_counts(gold: Gold, cardinality: int) -> Floats:
    """[d] how often each gold row counts, so that the rows of each class sum to the same.

    They sum to d. By plain counts an LF that is wrong on a rare class alone looks nearly
    perfect, and its class swallows the rare one.

    Example:
        >>> equal_counts(np.array([0, 0, 0, 1]), 3).round(2).tolist()
        [0.67, 0.67, 0.67, 2.0]
    """
    rows = np.bincount(gold, minlength=cardinality)
    return np.asarray(len(gold) / ((rows > 0).sum() * rows[gold]))


@dataclass(frozen=True, eq=False)
class Judged:
    """A label model, and what it says of covered gold rows that its weights have not seen.

    Attributes:
        model: fitted to votes; what gold has taught it, it has learned from all gold rows.
        probs: [n, k] of the covered gold rows.
        gold: [n] their classes.
    """

    model: "LabelModel"
    probs: Probs
    gold: Gold

    @property
    def name(self) -> str:
        """Of the label model."""
        return self.model.name

    @cached_property
    def losses(self) -> Floats:
        """[n] negative log-likelihoods, in nats."""
        return log_losses(self.probs, self.gold)

    @cached_property
    def labels(self) -> npt.NDArray[np.intp]:
        """[n] the most probable class, the first of those that tie."""
        return np.asarray(self.probs.argmax(axis=1))

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """[n] whether the most probable class is gold; a tie is not right."""
        return np.asarray(hard_labels(self.probs) == self.gold)

    @property
    def classes(self) -> npt.NDArray[np.bool_]:
        """[k] which classes gold has; F1 of any other cannot be measured."""
        return np.isin(np.arange(self.probs.shape[1]), self.gold)

    @property
    def macro_f1(self) -> Estimate:
        """Of `labels`, the mean over the classes that gold has; 95 % bootstrap interval."""
        return bootstrap(
            lambda gold, labels: macro_f1(gold, labels, len(self.classes), self.classes),
            self.gold,
            self.labels,
            seed=self.model.seed,
            resamples=RESAMPLES,
        )


@dataclass(frozen=True)
class Verdict:
    """What was taken, and the evidence.

    Attributes:
        taken: a model as gold weighs it, or the one without.
        gain: macro-F1 of the one whose labels are best, over that without gold; None where there
            is no other.
        deviation: bootstrap standard deviation of that.
    """

    taken: Judged
    gain: float | None = None
    deviation: float | None = None


def decide(without: Judged, weighed: Sequence[Judged], seed: int) -> Verdict:
    """Take a model as gold weighs it only if its labels are clearly better, rare classes' too.

    Likelihood alone gives up rare classes, so macro-F1 decides whether gold may weigh the LFs,
    and the likelihood between models that are as good. The best must be ahead of no gold by two
    standard deviations: by one, a valid split of 500 covered rows still let labels grow worse. Of
    the models within one of the best, and no worse than no gold, the likeliest is taken.
    Differences are paired, means and deviations over 200 bootstraps of the gold rows (Efron,
    1979).

    Args:
        without: the model as votes taught it.
        weighed: models as gold weighs them.
        seed: of the bootstrap.
    """
    if not weighed:
        return Verdict(without)
    scores = _resampled_f1([without, *weighed], seed)
    gains = scores[:, 1:] - scores[:, :1]
    best = int(gains.mean(axis=0).argmax())
    gain, deviation = float(gains[:, best].mean()), float(gains[:, best].std())
    if gain <= CLEARLY * deviation:
        return Verdict(without, gain, deviation)
    behind = gains[:, [best]] - gains
    as_good = (gains.mean(axis=0) >= 0) & (behind.mean(axis=0) <= behind.std(axis=0))
    likeliest = min(
        (each for each, good in zip(weighed, as_good, strict=True) if good),
        key=lambda each: round(each.losses.mean(), 6),
    )
    return Verdict(likeliest, gain, deviation)


def _resampled_f1(judged: Sequence[Judged], seed: int) -> Floats:
    """[200, models] macro-F1 on the same bootstrap samples of the gold rows."""
    gold, classes = judged[0].gold, judged[0].classes
    rng = np.random.default_rng(seed)
    found = np.empty((RESAMPLES, len(judged)))
    for sample in range(RESAMPLES):
        rows = rng.integers(0, len(gold), len(gold))
        for position, each in enumerate(judged):
            found[sample, position] = macro_f1(gold[rows], each.labels[rows], len(classes), classes)
    return found
