"""What is kept of each row beside its id and text: a few bytes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from weakft.labels import ABSTAIN, Probs, Votes, hard_labels, vote_dtype, vote_range

STATES = ("none", "agreed", "wrong", "conflicted")
"""What the LFs say of a row: nothing; one class (the gold one, where there is gold); one class,
and gold is another; several classes."""

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[Any]


@dataclass(frozen=True)
class Columns:
    """Of n rows.

    Attributes:
        gold: [n] class positions, of the type of votes, -1 without gold.
        votes: [n] int16 LFs that vote.
        state: [n] int8 positions in STATES.
        label: [n] class of the soft label, -1 where no LF votes, -2 where classes tie.
        label_confidence: [n] float32 its probability, 0 where no LF votes.
        predicted: [n] class by the end model, -1 without a prediction.
        confidence: [n] float32 its probability.
        loss: [n] float32 negative log-probability of gold by the end model; -1 without gold.
    """

    gold: Column
    votes: Column
    state: Column
    label: Column
    label_confidence: Column
    predicted: Column
    confidence: Column
    loss: Column

    @classmethod
    def of(
        cls,
        L: Votes,
        gold: Ints | None,
        soft: tuple[Probs, npt.NDArray[np.bool_]],
        probs: Probs | None,
    ) -> "Columns":
        """Work them out.

        Args:
            L: [n, m] votes.
            gold: [n] class positions, -1 for rows without; None: no row has gold.
            soft: [n, k] soft labels, and [n] whether there is one.
            probs: [n, k] by the end model.
        """
        n = len(L)
        labels, covered = soft
        dtype = vote_dtype(labels.shape[1])
        known = np.full(n, ABSTAIN, dtype=dtype) if gold is None else gold.astype(dtype)
        predicted = np.full(n, ABSTAIN, dtype=dtype)
        confidence = np.zeros(n, dtype=np.float32)
        loss = np.full(n, -1, dtype=np.float32)
        if probs is not None:
            predicted = probs.argmax(axis=1).astype(dtype)
            confidence = probs.max(axis=1).astype(np.float32)
            of_gold = probs[np.arange(n), np.maximum(known, 0)]
            loss = np.where(known >= 0, -np.log(np.maximum(of_gold, 1e-9)), -1).astype(np.float32)
        return cls(
            gold=known,
            votes=(L != ABSTAIN).sum(axis=1).astype(np.int16),
            state=_states(L, known),
            label=np.where(covered, hard_labels(labels), ABSTAIN).astype(dtype),
            label_confidence=np.where(covered, labels.max(axis=1), 0).astype(np.float32),
            predicted=predicted,
            confidence=confidence,
            loss=loss,
        )


def _states(L: Votes, gold: Column) -> Column:
    lowest, highest = vote_range(L)
    wrong = (gold >= 0) & (highest != gold)
    state = np.where(wrong, STATES.index("wrong"), STATES.index("agreed"))
    state = np.where(highest != lowest, STATES.index("conflicted"), state)
    return np.where(highest == ABSTAIN, STATES.index("none"), state).astype(np.int8)
