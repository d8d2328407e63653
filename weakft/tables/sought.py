"""What is asked of the rows of a run, and what comes back."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

LFRows = Literal["votes", "right", "wrong", "conflict", "alone"]


@dataclass(frozen=True)
class Sought:
    """Which rows, in which order; what is None does not matter.

    Attributes:
        lf: name of an LF that votes on them.
        lf_rows: which of its rows: all, those where it is right or wrong by gold, where another
            LF votes for another class, or where no other votes.
        other_lf: name of a second LF that votes on them too.
        pair: whether `lf` and `other_lf` agree or not.
        unvoted: class that no LF votes for on them.
        among: positions that alone matter.
        states: of the LFs, see STATES.
        label: class of the soft label.
        gold: class by gold.
        predicted: class by the end model.
        mistakes: True: the end model is wrong by gold; False: right.
        label_mistakes: True: the soft label is wrong by gold.
        disagreeing: the end model and the soft label differ.
        label_below: the soft label is less sure than this.
        confidence: range of the end model's confidence.
        text: what the text contains, capitals ignored.
        slice: column of the data and its value, see `weakft.tables.slices`; None: has none.
        order: column to sort by, greatest first, or "row".
        ascending: least first.
    """

    lf: str | None = None
    lf_rows: LFRows = "votes"
    other_lf: str | None = None
    pair: Literal["agree", "conflict"] | None = None
    unvoted: str | None = None
    among: tuple[int, ...] | None = None
    states: tuple[str, ...] = ()
    label: str | None = None
    gold: str | None = None
    predicted: str | None = None
    mistakes: bool | None = None
    label_mistakes: bool | None = None
    disagreeing: bool = False
    label_below: float | None = None
    confidence: tuple[float, float] | None = None
    text: str | None = None
    slice: tuple[str, str | None] | None = None
    order: str = "row"
    ascending: bool = False

    @property
    def tells_gold(self) -> bool:
        """Whether the rows found, or their order, tell what their gold is."""
        return (
            self.lf_rows in ("right", "wrong")
            or self.gold is not None
            or self.mistakes is not None
            or self.label_mistakes is not None
            or self.order == "loss"
        )


@dataclass(frozen=True)
class Page:
    """Some of the rows sought.

    Attributes:
        rows: columns id, text, gold, label, label_confidence, predicted, confidence, loss,
            votes, state and "LF votes", at most as many rows as a page has; label is
            "(tie)" where classes tie; label_confidence is missing where there is no label.
        total: how many rows are sought in all.
        number: of this page, from 0.
        pages: how many there are, at least 1.
    """

    rows: pd.DataFrame
    total: int
    number: int
    pages: int
