"""Two models on the same gold rows: is the one better than the other?

Both are wrong on many of the same rows, so the interval of the difference is what counts, not
whether two intervals overlap.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy
from scipy import sparse

from weakft.intervals import Estimate, jeffreys
from weakft.labels import ABSTAIN

RESAMPLES = 2000
CHUNK = 4_000_000  # counts held at once
TAILS = (0.025, 0.975)

Labels = npt.NDArray[np.integer]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PairedScore:
    """One score of two models on the same rows, each in [0, 1].

    Attributes:
        old: of the old model.
        new: of the new one.
        difference: new minus old, with its paired interval.
    """

    old: Estimate
    new: Estimate
    difference: Estimate

    def mirrored(self) -> Self:
        """The same with old and new exchanged."""
        gain = self.difference
        return type(self)(
            self.new, self.old, Estimate(-gain.value, -gain.high, -gain.low, gain.support)
        )


@dataclass(frozen=True)
class PairedScores:
    """Two models on the same gold rows.

    Attributes:
        rows: how many.
        accuracy: with Jeffreys intervals, and the bootstrap's of the difference.
        macro_f1: with bootstrap intervals.
        only_old_right: rows that the old model alone gets right.
        only_new_right: rows that the new model alone gets right.
        p_value: McNemar's exact test that these two are equally likely.
    """

    rows: int
    accuracy: PairedScore
    macro_f1: PairedScore
    only_old_right: int
    only_new_right: int
    p_value: float

    def mirrored(self) -> Self:
        """The same with old and new exchanged."""
        return replace(
            self,
            accuracy=self.accuracy.mirrored(),
            macro_f1=self.macro_f1.mirrored(),
            only_old_right=self.only_new_right,
            only_new_right=self.only_old_right,
        )


def compare_predictions(
    gold: Labels,
    old: Labels,
    new: Labels,
    cardinality: int,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> PairedScores:
    """Score two models on the same rows, with 95 % intervals.

    The bootstrap over rows (Efron, 1979) is drawn on how often each triple (gold, old, new) occurs:
    a multinomial of those counts is what drawing rows gives, at a cost that does not grow with n.
    Old and new exchanged give the mirror image, to the last bit.
    Test on discordant rows: McNemar, "Note on the sampling error of the difference between
    correlated proportions or percentages", 1947.

    Args:
        gold: [n] classes 0..k-1, n >= 1.
        old: [n] classes the old model predicts.
        new: [n] classes the new model predicts.
        cardinality: k.
        resamples: bootstrap samples.
        seed: of the bootstrap.

    Example:
        >>> paired = compare_predictions(*np.array([[0, 1, 1], [0, 0, 1], [0, 1, 1]]), 2)
        >>> paired.only_new_right, paired.only_old_right, paired.p_value
        (1, 0, 1.0)
        >>> print(paired.accuracy.difference)
        0.333 [0.000, 1.000]
    """
    apart = np.flatnonzero(old != new)[:1]
    if (old[apart] > new[apart]).any():  # draws go by the order of the two: one order for both
        return compare_predictions(
            gold, new, old, cardinality, resamples=resamples, seed=seed
        ).mirrored()
    n = len(gold)
    only_old = int(((old == gold) & (new != gold)).sum())
    only_new = int(((new == gold) & (old != gold)).sum())
    accuracies = [jeffreys(int((side == gold).sum()), n) for side in (old, new)]
    assert accuracies[0] is not None and accuracies[1] is not None
    gain, *f1s = _bootstrap(_Triples.of(gold, old, new, cardinality), resamples, seed)
    return PairedScores(
        rows=n,
        accuracy=PairedScore(accuracies[0], accuracies[1], gain),
        macro_f1=PairedScore(*f1s),
        only_old_right=only_old,
        only_new_right=only_new,
        p_value=_mcnemar(only_old, only_new),
    )


@dataclass(frozen=True)
class Losses:
    """How much worse a new model may be, at most, than an old one on the same rows.

    Attributes:
        accuracy: gain, its one-sided lower bound as `low`, the upper one as `high`.
        macro_f1: likewise.
        recalls: likewise for each class; None for a class without gold rows.
    """

    accuracy: Estimate
    macro_f1: Estimate
    recalls: tuple[Estimate | None, ...]


def bounded_losses(
    gold: Labels,
    old: Labels,
    new: Labels,
    cardinality: int,
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Losses:
    """Gains of a new model over an old one, each with one-sided bounds for a test.

    A new model is no worse by `margin` or more, at this level, if `low > -margin`
    (non-inferiority: Piaggio et al., CONSORT, JAMA 2012).

    Args:
        gold: [n] classes 0..k-1, n >= 1.
        old: [n] classes the old model predicts.
        new: [n] classes the new model predicts.
        cardinality: k.
        level: of each bound, in (0.5, 1).
        resamples: bootstrap samples.
        seed: of the bootstrap.

    Example:
        >>> same = np.array([0, 1, 1, 0])
        >>> print(bounded_losses(same, same, same, 2).macro_f1)
        0.000 [0.000, 0.000]
    """
    triples = _Triples.of(gold, old, new, cardinality)
    drawn, seen = _resampled(triples, triples.gains, resamples, seed)
    rows = np.concatenate([[len(gold)] * 2, np.bincount(gold, minlength=cardinality)])
    drawn[:, rows == 0] = 0  # all NaN, of which there is no quantile
    low, high = np.nanquantile(drawn, [1 - level, level], axis=0)
    told = [
        Estimate(float(v), float(lo), float(hi), int(n)) if n else None
        for v, lo, hi, n in zip(seen, low, high, rows, strict=True)
    ]
    accuracy, macro_f1, *recalls = told
    assert accuracy is not None and macro_f1 is not None
    return Losses(accuracy, macro_f1, tuple(recalls))


def _mcnemar(only_old: int, only_new: int) -> float:
    discordant = only_old + only_new
    return float(scipy.stats.binomtest(only_new, discordant).pvalue) if discordant else 1.0


@dataclass(frozen=True)
class _Triples:
    """The c different (gold, old, new) there are, and how many rows are of each."""

    counts: Counts
    gold: Labels
    old: Labels
    new: Labels
    cardinality: int

    @classmethod
    def of(cls, gold: Labels, old: Labels, new: Labels, k: int) -> Self:
        codes = (gold.astype(np.int64) * k + old) * k + new
        kinds, counts = np.unique(codes, return_counts=True)
        return cls(counts, kinds // k**2, kinds // k % k, kinds % k, k)

    def scores(self, counts: Counts) -> Floats:
        """[r, 4] of [r, c] counts: gain in accuracy, macro-F1 of old and of new, gain in it."""
        of_gold = self._by_class(counts, self.gold)
        accuracies, f1s = [], []
        for predicted in (self.old, self.new):
            right = self._by_class(counts, np.where(predicted == self.gold, predicted, ABSTAIN))
            both = of_gold + self._by_class(counts, predicted)
            accuracies.append(right.sum(axis=1) / counts.sum(axis=1))
            f1s.append((2 * right / np.maximum(both, 1)).sum(axis=1) / (both > 0).sum(axis=1))
        return np.stack([accuracies[1] - accuracies[0], *f1s, f1s[1] - f1s[0]], axis=1)

    def gains(self, counts: Counts) -> Floats:
        """[r, 2 + k] of [r, c] counts: gain in accuracy, in macro-F1, in each class's recall."""
        accuracy, _, _, macro_f1 = self.scores(counts).T
        hits = [
            self._by_class(counts, np.where(predicted == self.gold, self.gold, ABSTAIN))
            for predicted in (self.old, self.new)
        ]
        of_gold = self._by_class(counts, self.gold).astype(float)
        of_gold[of_gold == 0] = np.nan
        recalls = (hits[1] - hits[0]) / of_gold
        return np.column_stack([accuracy, macro_f1, recalls])

    def _by_class(self, counts: Counts, of: Labels) -> Counts:
        """[r, k] rows of each class, where `of` says the class of each triple, or ABSTAIN."""
        kept = np.flatnonzero(of != ABSTAIN)
        ones = np.ones(len(kept), dtype=np.int64)
        shape = (len(of), self.cardinality)
        sums: Counts = counts @ sparse.csr_array((ones, (kept, of[kept])), shape)
        return sums


def _bootstrap(triples: _Triples, resamples: int, seed: int) -> list[Estimate]:
    """The four scores of `_Triples.scores`, each with its percentile interval."""
    drawn, seen = _resampled(triples, triples.scores, resamples, seed)
    low, high = np.quantile(drawn, TAILS, axis=0).tolist()
    n = int(triples.counts.sum())
    return [Estimate(*three, n) for three in zip(seen.tolist(), low, high, strict=True)]


def _resampled(
    triples: _Triples, score: Callable[[Counts], Floats], resamples: int, seed: int
) -> tuple[Floats, Floats]:
    """[r, s] scores of bootstrap samples, and [s] those of the rows as they are."""
    counts, n = triples.counts, int(triples.counts.sum())
    rng, step = np.random.default_rng(seed), max(1, CHUNK // len(counts))
    sizes = [min(step, resamples - start) for start in range(0, resamples, step)]
    drawn = [score(rng.multinomial(n, counts / n, size=size)) for size in sizes]
    return np.concatenate(drawn), score(counts[None, :])[0]
