"""What the votes say about the labeling functions: Snorkel's statistics, with intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from weakft.cast_votes import shared_votes
from weakft.evaluation.metrics import log_losses
from weakft.intervals import jeffreys
from weakft.labels import ABSTAIN, LabelMatrix, Votes, vote_range
from weakft.visible import listed

NEAR_COPY_AGREEMENT = 0.95
NEAR_COPY_OVERLAP = 0.8
NEAR_COPY_VOTES = 20

Shares = npt.NDArray[np.float64]
Gold = npt.NDArray[np.integer]
Counts = npt.NDArray[np.int64]


def lf_polarities(L: Votes) -> list[list[int]]:
    """[m] the classes each LF votes for, in order.

    Example:
        >>> L = np.array([[0, -1], [1, -1], [0, 1]], dtype=np.int8)
        >>> lf_polarities(L)
        [[0, 1], [1]]
    """
    return [[int(vote) for vote in np.unique(column) if vote != ABSTAIN] for column in L.T]


def lf_coverages(L: Votes) -> Shares:
    """[m] share of rows on which each LF votes.

    Example:
        >>> lf_coverages(np.array([[0, -1], [1, -1], [0, 1], [-1, -1]], dtype=np.int8)).tolist()
        [0.75, 0.25]
    """
    return _share(L != ABSTAIN)


def lf_overlaps(L: Votes) -> Shares:
    """[m] share of rows on which an LF votes and at least one other does too.

    Example:
        >>> lf_overlaps(np.array([[0, -1], [1, -1], [0, 1], [-1, -1]], dtype=np.int8)).tolist()
        [0.25, 0.25]
    """
    voted = L != ABSTAIN
    return _share(voted & (voted.sum(axis=1, keepdims=True) > 1))


def lf_conflicts(L: Votes) -> Shares:
    """[m] share of rows on which an LF votes and another votes for another class.

    Example:
        >>> lf_conflicts(np.array([[0, 0], [1, -1], [0, 1], [-1, -1]], dtype=np.int8)).tolist()
        [0.25, 0.25]
    """
    lowest, highest = vote_range(L)
    return _share((L != ABSTAIN) & (highest != lowest)[:, None])


def lf_summary(
    L: LabelMatrix,
    classes: Sequence[str],
    *,
    dev: tuple[LabelMatrix, Gold] | None = None,
    estimated_accuracies: Shares | None = None,
) -> pd.DataFrame:
    """One row per LF: what it votes, how often, against whom, and how right it is.

    Args:
        L: votes on the unlabelled rows.
        classes: k class names.
        dev: votes and gold on rows with hand labels; accuracies are measured there.
        estimated_accuracies: [m] what the label model believes, NaN for no estimate.

    Returns:
        Columns lf, votes_for (the first eight of more), votes (count), coverage, overlaps,
        conflicts (shares of all rows), accuracy, accuracy_low, accuracy_high, support (dev votes;
        the three before are missing where support is 0), estimated_accuracy, cost (share of the
        time that all LFs took, missing where it was not measured), faults (count).
    """
    faults = {fault.lf_name: fault.count for fault in L.faults}
    summary = pd.DataFrame(
        {
            "lf": pd.Series(L.lf_names, dtype="str"),
            "votes_for": pd.Series(
                [listed([classes[k] for k in votes]) for votes in lf_polarities(L.values)],
                dtype="str",
            ),
            "votes": (L.values != ABSTAIN).sum(axis=0),
            "coverage": lf_coverages(L.values),
            "overlaps": lf_overlaps(L.values),
            "conflicts": lf_conflicts(L.values),
        }
    )
    summary = pd.concat([summary, _measured(L, dev)], axis=1)
    unknown = np.full(len(L.lf_names), np.nan)
    summary["estimated_accuracy"] = (
        unknown if estimated_accuracies is None else estimated_accuracies
    )
    taken = np.array(L.seconds if sum(L.seconds) > 0 else unknown)
    summary["cost"] = taken / taken.sum()
    summary["faults"] = [faults.get(name, 0) for name in L.lf_names]
    return summary


@dataclass(frozen=True)
class NearCopies:
    """Two LFs that say the same: counted twice, they outvote better ones.

    Attributes:
        first: name of one LF.
        second: name of the other.
        agreement: share of the rows both vote on where they agree.
        rows: rows both vote on.
    """

    first: str
    second: str
    agreement: float
    rows: int


def near_copies(L: LabelMatrix) -> list[NearCopies]:
    """Pairs that vote on nearly the same rows (Jaccard >= .8, >= 20 rows) and nearly alike."""
    voted = L.values != ABSTAIN
    _, both = shared_votes(L.values, _classes_of(L.values))
    either = both.diagonal()[:, None] + both.diagonal()[None, :] - both
    pairs = []
    for i, j in np.argwhere(np.triu(meet_nearly_always(both, either), k=1)):
        rows = voted[:, i] & voted[:, j]
        agreement = float((L.values[rows, i] == L.values[rows, j]).mean())
        if agreement >= NEAR_COPY_AGREEMENT:
            pairs.append(NearCopies(L.lf_names[i], L.lf_names[j], agreement, int(rows.sum())))
    return pairs


def meet_nearly_always(both: Counts, either: Counts) -> npt.NDArray[np.bool_]:
    """Whether two LFs vote on nearly the same rows, from how many both and either vote on."""
    return np.asarray((both >= NEAR_COPY_VOTES) & (both >= NEAR_COPY_OVERLAP * either))


def pairwise(L: LabelMatrix) -> pd.DataFrame:
    """How every two LFs get on where both vote.

    Returns:
        Columns first, second (names), both, agree, conflict (counts of rows), for each pair that
        meets on some row; the pairs that conflict most first.

    Example:
        >>> L = LabelMatrix.from_array([[0, 0, -1], [1, 0, -1], [1, -1, 1]])
        >>> pairwise(L).values.tolist()
        [['lf_0', 'lf_1', 2, 1, 1], ['lf_0', 'lf_2', 1, 1, 0]]
    """
    agree, both = shared_votes(L.values, _classes_of(L.values))
    first, second = np.nonzero(np.triu(both, k=1))
    names = np.array(L.lf_names, dtype=object)
    table = pd.DataFrame(
        {
            "first": pd.Series(names[first], dtype="str"),
            "second": pd.Series(names[second], dtype="str"),
            "both": both[first, second],
            "agree": agree[first, second],
            "conflict": (both - agree)[first, second],
        }
    )
    return table.sort_values("conflict", ascending=False, kind="stable", ignore_index=True)


def marginal_values(
    predict_proba: Callable[[Votes], Shares], L: LabelMatrix, gold: Gold
) -> pd.DataFrame:
    """What each LF is worth to the labels: their log-likelihood with it, less that without.

    Its votes are hidden from the fitted label model, which is not fitted again.

    Args:
        predict_proba: [n, m] votes -> [n, k] posteriors.
        L: votes on gold rows that the label model has not learned from, if there are such.
        gold: [n] classes.

    Returns:
        Columns value, value_low, value_high: nats per gold row, and the 95 % interval of that
        mean, missing for fewer than ten rows. Below zero: the labels are better without it.
    """
    with_all = log_losses(predict_proba(L.values), gold)
    rows = []
    for j in range(len(L.lf_names)):
        gain = np.zeros(len(gold))
        voted = L.values[:, j] != ABSTAIN
        if voted.any():
            hidden = L.values[voted]
            hidden[:, j] = ABSTAIN
            gain[voted] = log_losses(predict_proba(hidden), gold[voted]) - with_all[voted]
        spread = 1.96 * gain.std(ddof=1) / np.sqrt(len(gold)) if len(gold) >= 10 else np.nan
        rows.append((gain.mean(), gain.mean() - spread, gain.mean() + spread))
    return pd.DataFrame(rows, columns=["value", "value_low", "value_high"], dtype=float)


def _classes_of(L: Votes) -> int:
    """How many classes there are, at least."""
    return int(L.max(initial=0)) + 1


def _measured(L: LabelMatrix, dev: tuple[LabelMatrix, Gold] | None) -> pd.DataFrame:
    rows = []
    for j in range(len(L.lf_names)):
        right, votes = (0, 0) if dev is None else _hits(dev[0].values[:, j], dev[1])
        accuracy = jeffreys(right, votes)
        rows.append(
            {
                "accuracy": accuracy.value if accuracy else np.nan,
                "accuracy_low": accuracy.low if accuracy else np.nan,
                "accuracy_high": accuracy.high if accuracy else np.nan,
                "support": votes,
            }
        )
    return pd.DataFrame(rows, columns=["accuracy", "accuracy_low", "accuracy_high", "support"])


def _hits(votes: Votes, gold: Gold) -> tuple[int, int]:
    return int((votes == gold).sum()), int((votes != ABSTAIN).sum())


def _share(mask: npt.NDArray[np.bool_]) -> Shares:
    return np.asarray(mask.mean(axis=0)) if len(mask) else np.zeros(mask.shape[1])
