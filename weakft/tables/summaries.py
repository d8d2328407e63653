"""Sums over all rows of a run: as small for a million rows as for a hundred."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from weakft.cast_votes import column_counts, shared_votes
from weakft.config import Splits
from weakft.labels import NO_LABEL, TIE, Votes
from weakft.tables.columns import STATES, Columns
from weakft.tables.copies import near_copies_among
from weakft.tables.estimates import named_share
from weakft.tables.reach import class_reach
from weakft.tables.slices import Sliced, slices_by_columns, slices_by_votes

BINS = 20
CALIBRATION_BINS = 10
THRESHOLDS = 50

Json = dict[str, Any]
Mask = npt.NDArray[np.bool_]


def summaries(
    columns: Mapping[Splits, Columns],
    votes: Mapping[Splits, Votes],
    classes: Sequence[str],
    lf_names: Sequence[str],
    sliced: Mapping[Splits, Sliced] | None = None,
) -> Json:
    """All that is shown of a run beside single rows.

    Args:
        columns: of each split.
        votes: [n, m] of each split.
        classes: k class names.
        lf_names: m names.
        sliced: by split, what its rows are parted by, see `weakft.tables.slices`.

    Returns:
        rows (of each split: how many, covered, conflicting, with gold), pairs (how every two LFs
        get on in train), near_copies (pairs that say the same), reach (of each split with gold but
        test: see `weakft.tables.reach`), labels (histogram and calibration), model (of each split
        with gold: confusion, classes, calibration, accept, slices (by votes and LFs), columns
        (slices by columns of the data), states, blame).
    """
    met = pairs(votes["train"], lf_names)
    return {
        "rows": {split: _counts(each) for split, each in columns.items()},
        "pairs": met,
        "near_copies": near_copies_among(met),
        "reach": {
            split: class_reach(columns[split], votes[split], classes)
            for split in ("dev", "valid")
            if split in columns and (columns[split].gold >= 0).any()
        },
        "labels": {
            "histogram": _histogram(columns["train"], classes),
            "calibration": {
                split: calibration(each.label_confidence, each.label == each.gold, _judged(each))
                for split, each in columns.items()
                if _judged(each).any()
            },
        },
        "model": {
            split: _about_model(
                each, votes[split], classes, lf_names, (sliced or {}).get(split, {})
            )
            for split, each in columns.items()
            if split != "train" and ((each.gold >= 0) & (each.predicted >= 0)).any()
        },
    }


def pairs(L: Votes, lf_names: Sequence[str]) -> list[Json]:
    """How every two LFs that meet get on, and how they would if each voted without the other.

    Returns:
        Objects first, second, both, agree, conflict (rows), expected_agree, expected_conflict
        (rows, under independence of the two), votes_first, votes_second.

    Example:
        >>> L = np.array([[0, 0], [0, 1], [-1, 1], [-1, -1]], dtype=np.int8)
        >>> told = pairs(L, ["a", "b"])[0]
        >>> told["agree"], told["conflict"], told["expected_agree"], told["expected_conflict"]
        (1, 1, 0.5, 1.0)
    """
    n, k = len(L), int(L.max(initial=0)) + 1
    agree, both = shared_votes(L, k)
    by_class = column_counts(L, k).astype(float)
    votes = both.diagonal()
    expected = np.outer(votes, votes).astype(float) / max(n, 1)
    agreed = (by_class @ by_class.T) / max(n, 1)
    return [
        {
            "first": lf_names[i],
            "second": lf_names[j],
            "both": int(both[i, j]),
            "agree": int(agree[i, j]),
            "conflict": int(both[i, j] - agree[i, j]),
            "expected_agree": round(float(agreed[i, j]), 2),
            "expected_conflict": round(float(expected[i, j] - agreed[i, j]), 2),
            "votes_first": int(votes[i]),
            "votes_second": int(votes[j]),
        }
        for i, j in zip(*np.nonzero(np.triu(both, k=1)), strict=True)
    ]


def calibration(confidence: Any, right: Mask, judged: Mask) -> list[Json]:  # noqa: ANN401
    """Confidence against accuracy, in ten bins of equal width (Guo et al., ICML 2017).

    Returns:
        Objects low, high (of the bin), confidence (mean), accuracy with its interval, rows; bins
        without rows are left out.

    Example:
        >>> confidence, right = np.array([0.95, 0.97]), np.array([True, False])
        >>> calibration(confidence, right, np.array([True, True]))[0]["accuracy"]
        0.5
    """
    confidence, right = np.asarray(confidence)[judged], right[judged]
    place = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    told = []
    for bin_ in np.unique(place):
        inside = place == bin_
        told.append(
            {
                "low": bin_ / CALIBRATION_BINS,
                "high": (bin_ + 1) / CALIBRATION_BINS,
                "confidence": float(confidence[inside].mean()),
                **named_share("accuracy", int(right[inside].sum()), int(inside.sum())),
            }
        )
    return told


def _counts(columns: Columns) -> Json:
    states = np.bincount(np.asarray(columns.state, dtype=int), minlength=len(STATES))
    return {
        "rows": len(columns.gold),
        "covered": int((columns.votes > 0).sum()),
        "conflicting": int(states[STATES.index("conflicted")]),
        "gold": int((columns.gold >= 0).sum()),
    }


def _judged(columns: Columns) -> Mask:
    return np.asarray((columns.gold >= 0) & (columns.label >= 0))


def _histogram(columns: Columns, classes: Sequence[str]) -> list[Json]:
    """Rows by label and confidence of the label."""
    place = np.minimum((np.asarray(columns.label_confidence) * BINS).astype(int), BINS - 1)
    told = []
    for k, name in [*enumerate(classes), (TIE, NO_LABEL[TIE])]:
        counts = np.bincount(place[columns.label == k], minlength=BINS)
        told += [
            {"label": name, "low": b / BINS, "high": (b + 1) / BINS, "rows": int(counts[b])}
            for b in np.flatnonzero(counts)
        ]
    return told


def _about_model(
    columns: Columns,
    L: Votes,
    classes: Sequence[str],
    lf_names: Sequence[str],
    sliced: Sliced,
) -> Json:
    judged = np.asarray(columns.gold >= 0)
    gold = np.asarray(columns.gold, dtype=int)[judged]
    predicted = np.asarray(columns.predicted, dtype=int)[judged]
    k = len(classes)
    confusion = np.bincount(gold * k + predicted, minlength=k * k).reshape(k, k)
    right = gold == predicted
    state = np.asarray(columns.state, dtype=int)[judged]
    return {
        "rows": len(gold),
        "confusion": confusion.tolist(),
        "classes": [_about_class(confusion, c, name) for c, name in enumerate(classes)],
        "calibration": calibration(columns.confidence, columns.gold == columns.predicted, judged),
        "accept": _accept(np.asarray(columns.confidence)[judged], right),
        "slices": slices_by_votes(
            np.asarray(columns.votes)[judged], state, L[judged], right, lf_names
        ),
        "columns": slices_by_columns(sliced, judged, right),
        "states": [
            {"state": name, "rows": int((state == s).sum()), "wrong": int(wrong)}
            for s, name in enumerate(STATES)
            for wrong in [(~right[state == s]).sum()]
        ],
        "blame": _blame(L[judged], gold, predicted, lf_names),
    }


def _about_class(confusion: npt.NDArray[np.int64], k: int, name: str) -> Json:
    hits = int(confusion[k, k])
    found = 2 * hits / max(int(confusion[k].sum() + confusion[:, k].sum()), 1)
    return {
        "class": name,
        "f1": found,
        **named_share("precision", hits, int(confusion[:, k].sum())),
        **named_share("recall", hits, int(confusion[k].sum())),
    }


def _accept(confidence: npt.NDArray[np.floating], right: Mask) -> list[Json]:
    """What share of rows is at least so sure, and how right the model is there."""
    order = np.argsort(-confidence, kind="stable")
    hits, n, falling = np.cumsum(right[order]), len(order), -confidence[order]
    ends = np.linspace(1, n, min(n, THRESHOLDS)).round().astype(int)
    ends = np.unique(np.searchsorted(falling, falling[ends - 1], side="right"))  # ties together
    told = []
    for end in ends:
        told.append(
            {
                "threshold": float(confidence[order[end - 1]]),
                "accepted": end / n,
                **named_share("precision", int(hits[end - 1]), int(end)),
            }
        )
    return told


def _blame(
    L: Votes,
    gold: npt.NDArray[np.integer],
    predicted: npt.NDArray[np.integer],
    lf_names: Sequence[str],
) -> list[Json]:
    """LFs that vote for the wrong class the model predicts, on its mistakes."""
    mistakes = gold != predicted
    to_blame = (L[mistakes] == predicted[mistakes, None]).sum(axis=0)
    right = (L[mistakes] == gold[mistakes, None]).sum(axis=0)
    return [
        {"lf": lf_names[j], "like_the_model": int(to_blame[j]), "right": int(right[j])}
        for j in np.argsort(-to_blame, kind="stable")
        if to_blame[j] or right[j]
    ]
