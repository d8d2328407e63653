"""What is kept of each row beside its id and text: a few bytes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from weakft.labels import ABSTAIN, Probs, Votes, hard_labels

STATES = ("none", "agreed", "wrong", "conflicted")
"""What the LFs say of a row: nothing; one class (the gold one, where there is gold); one class,
and gold is another; several classes."""

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[Any]


@dataclass(frozen=True)
class Columns:
    """Of n rows.

    Attributes:
        gold: [n] int8 class positions, -1 without gold.
        votes: [n] int16 LFs that vote.
        state: [n] int8 positions in STATES.
        label: [n] int8 class of the soft label, -1 where no LF votes, -2 where classes tie.
        label_confidence: [n] float32 its probability, 0 where no LF votes.
        predicted: [n] int8 class by the end model, -1 without a prediction.
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
        known = np.full(n, ABSTAIN, dtype=np.int8) if gold is None else gold.astype(np.int8)
        labels, covered = soft
        predicted = np.full(n, ABSTAIN, dtype=np.int8)
        confidence = np.zeros(n, dtype=np.float32)
        loss = np.full(n, -1, dtype=np.float32)
        if probs is not None:
            predicted = probs.argmax(axis=1).astype(np.int8)
            confidence = probs.max(axis=1).astype(np.float32)
            of_gold = probs[np.arange(n), np.maximum(known, 0)]
            loss = np.where(known >= 0, -np.log(np.maximum(of_gold, 1e-9)), -1).astype(np.float32)
        return cls(
            gold=known,
            votes=(L != ABSTAIN).sum(axis=1).astype(np.int16),
            state=_states(L, known),
            label=np.where(covered, hard_labels(labels), ABSTAIN).astype(np.int8),
            label_confidence=np.where(covered, labels.max(axis=1), 0).astype(np.float32),
            predicted=predicted,
            confidence=confidence,
            loss=loss,
        )


def _states(L: Votes, gold: Column) -> Column:
    highest = L.max(axis=1, initial=ABSTAIN)
    lowest = np.where(L == ABSTAIN, np.int8(127), L).min(axis=1, initial=127)
    wrong = (gold >= 0) & (highest != gold)
    state = np.where(wrong, STATES.index("wrong"), STATES.index("agreed"))
    state = np.where(highest != lowest, STATES.index("conflicted"), state)
    return np.where(highest == ABSTAIN, STATES.index("none"), state).astype(np.int8)
