"""Do the labeling functions vote on new rows as they did on the old ones?

Each statistic is tested for a difference between the two batches; the p-values are corrected for
how many there are (Holm, "A simple sequentially rejective multiple test procedure", 1979), so that
all of them together raise a false alarm as rarely as one of them would.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy

from weakft.labels import ABSTAIN, Votes

LEAST_MEETINGS = 50  # of two LFs, in each batch, for their agreement to be tested
SMALLEST_CHANGE = 0.2  # relative; what is smaller does not matter, however sure

Kind = Literal["vote rate", "agreement", "coverage", "class share", "text length"]
Lengths = npt.NDArray[np.integer]
Labels = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Batch:
    """Rows that came together.

    Attributes:
        votes: [n, m] of the LFs.
        labels: [n] classes of the soft labels, -1 where there is none.
        lengths: [n] characters of the texts.
    """

    votes: Votes
    labels: Labels
    lengths: Lengths


@dataclass(frozen=True)
class Drift:
    """One statistic that differs.

    Attributes:
        kind: of what.
        subject: an LF, "a and b" for two of them, a class, or "all rows".
        before: its value in the old batch.
        after: in the new one.
        p_value: corrected.
    """

    kind: Kind
    subject: str
    before: float
    after: float
    p_value: float

    def __str__(self) -> str:
        if self.kind == "text length":
            return f"Texts are {self.after:,.0f} characters long instead of {self.before:,.0f}."
        said = {
            "vote rate": f"LF {self.subject} fires on",
            "agreement": f"LFs {self.subject} agree on",
            "coverage": "LFs cover",
            "class share": f"Class {self.subject} is the label of",
        }[self.kind]
        return f"{said} {self.after:.1%} instead of {self.before:.1%}."


def find_drift(
    old: Batch,
    new: Batch,
    lf_names: Sequence[str],
    classes: Sequence[str],
    *,
    false_alarms: float = 0.05,
) -> list[Drift]:
    """What differs between two batches, the surest first.

    Args:
        old: the batch before.
        new: the batch to look at.
        lf_names: m names.
        classes: k class names.
        false_alarms: chance that anything is told where nothing changed.

    Returns:
        Only differences of at least a fifth of the old value; none for an empty batch.

    Example:
        >>> silent = Batch(np.full((500, 1), -1, np.int8), np.full(500, -1), np.full(500, 9))
        >>> firing = Batch(np.zeros((500, 1), np.int8), np.zeros(500, int), np.full(500, 9))
        >>> [str(drift) for drift in find_drift(firing, silent, ["praises"], ["bad", "good"])]
        ['LF praises fires on 0.0% instead of 100.0%.', 'LFs cover 0.0% instead of 100.0%.']
    """
    if not len(old.votes) or not len(new.votes):
        return []
    tested = [
        *_vote_rates(old, new, lf_names),
        *_agreements(old, new, lf_names),
        *_coverage(old, new),
        *_class_shares(old, new, classes),
        *_lengths(old, new),
    ]
    corrected = _holm([drift.p_value for drift in tested])
    found = [
        Drift(drift.kind, drift.subject, drift.before, drift.after, p)
        for drift, p in zip(tested, corrected, strict=True)
        if p < false_alarms and _matters(drift)
    ]
    return sorted(found, key=lambda drift: drift.p_value)


def _vote_rates(old: Batch, new: Batch, lf_names: Sequence[str]) -> list[Drift]:
    counts = [(batch.votes != ABSTAIN).sum(axis=0) for batch in (old, new)]
    return [
        _share("vote rate", name, counts[0][j], len(old.votes), counts[1][j], len(new.votes))
        for j, name in enumerate(lf_names)
    ]


def _agreements(old: Batch, new: Batch, lf_names: Sequence[str]) -> list[Drift]:
    tested = []
    for i in range(len(lf_names)):
        for j in range(i + 1, len(lf_names)):
            met, agreed = zip(*(_met(batch.votes, i, j) for batch in (old, new)), strict=True)
            if min(met) >= LEAST_MEETINGS:
                pair = f"{lf_names[i]} and {lf_names[j]}"
                tested.append(_share("agreement", pair, agreed[0], met[0], agreed[1], met[1]))
    return tested


def _met(votes: Votes, i: int, j: int) -> tuple[int, int]:
    both = (votes[:, i] != ABSTAIN) & (votes[:, j] != ABSTAIN)
    return int(both.sum()), int((both & (votes[:, i] == votes[:, j])).sum())


def _coverage(old: Batch, new: Batch) -> list[Drift]:
    covered = [int((batch.votes != ABSTAIN).any(axis=1).sum()) for batch in (old, new)]
    return [_share("coverage", "all rows", covered[0], len(old.votes), covered[1], len(new.votes))]


def _class_shares(old: Batch, new: Batch, classes: Sequence[str]) -> list[Drift]:
    known = [batch.labels[batch.labels >= 0] for batch in (old, new)]
    if not len(known[0]) or not len(known[1]):
        return []
    return [
        _share(
            "class share",
            name,
            int((known[0] == k).sum()),
            len(known[0]),
            int((known[1] == k).sum()),
            len(known[1]),
        )
        for k, name in enumerate(classes)
    ]


def _lengths(old: Batch, new: Batch) -> list[Drift]:
    before, after = float(old.lengths.mean()), float(new.lengths.mean())
    if np.ptp(np.concatenate([old.lengths, new.lengths])) == 0:
        return []
    p = float(scipy.stats.mannwhitneyu(old.lengths, new.lengths).pvalue)
    return [Drift("text length", "all rows", before, after, p)]


def _share(kind: Kind, subject: str, hits: int, n: int, later: int, m: int) -> Drift:
    table = np.array([[hits, n - hits], [later, m - later]])
    p = 1.0 if not table.sum(axis=0).all() else _p_value(table)
    return Drift(kind, subject, hits / n, later / m, p)


def _p_value(table: npt.NDArray[np.integer]) -> float:
    """Fisher's exact test where counts are small, else chi-square with Yates's correction."""
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    if expected.min() < 5:
        return float(scipy.stats.fisher_exact(table).pvalue)
    return float(scipy.stats.chi2_contingency(table).pvalue)


def _holm(p_values: Sequence[float]) -> npt.NDArray[np.float64]:
    """Corrected p-values, in the order given."""
    p = np.asarray(p_values)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(steps, 1)
    return corrected


def _matters(drift: Drift) -> bool:
    return abs(drift.after - drift.before) >= SMALLEST_CHANGE * abs(drift.before)
