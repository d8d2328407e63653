"""What an edit moved: the votes of the labeling functions before and after it.

The label of a row is here what most LFs say. That needs no label model to be fitted, and tells
of an edit within a second; a tie counts as no label.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from weakft.analysis import lf_conflicts, lf_coverages, lf_polarities
from weakft.config import Splits
from weakft.intervals import Estimate, jeffreys
from weakft.label_models.votes import hits, vote_counts
from weakft.labels import ABSTAIN, NO_LABEL, LabelMatrix, Votes, hard_labels

SHOWN_FLIPS = 20


@dataclass(frozen=True)
class LFStanding:
    """How one LF stands.

    Attributes:
        votes_for: the classes it votes for.
        coverage: share of the training rows it votes on.
        conflicts: share of the training rows on which another LF contradicts it.
        accuracy: on dev; None where it casts no vote there.
    """

    votes_for: tuple[str, ...]
    coverage: float
    conflicts: float
    accuracy: Estimate | None


@dataclass(frozen=True)
class LFChange:
    """An LF that is new, gone, or votes otherwise than it did on train or dev.

    Attributes:
        name: of the LF.
        before: how it stood; None for a new one.
        after: how it stands; None for one that is gone.
        rows: training rows on which its vote differs, an abstain being a vote too.
    """

    name: str
    before: LFStanding | None
    after: LFStanding | None
    rows: int

    @property
    def kind(self) -> str:
        """added, removed or changed."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


@dataclass(frozen=True)
class Flip:
    """A training row whose majority label changed; labels are class names or in `NO_LABEL`."""

    id: str
    text: str
    before: str
    after: str


@dataclass(frozen=True)
class Comparison:
    """What moved between two label matrices, on the rows that both have.

    Attributes:
        lfs: how many LFs there are after.
        changes: LFs added, removed and changed: those there are in their order, then the gone.
        coverage_before: share of the shared training rows with a vote.
        coverage_after: the same, after.
        flip_count: training rows whose majority label, or its absence, changed.
        flips: the first of them.
        rows: training rows that both sides have; all numbers are about those.
        rows_new: training rows that only the side after has.
        rows_gone: training rows that only the side before has.
    """

    lfs: int
    changes: tuple[LFChange, ...]
    coverage_before: float
    coverage_after: float
    flip_count: int
    flips: tuple[Flip, ...]
    rows: int
    rows_new: int
    rows_gone: int

    def count(self, kind: str) -> int:
        """How many LFs were added, removed or changed."""
        return sum(change.kind == kind for change in self.changes)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; each change says its kind."""
        changes = [{"kind": change.kind, **asdict(change)} for change in self.changes]
        return {**asdict(self), "changes": changes}


def compare_votes(
    before: Mapping[Splits, LabelMatrix],
    after: Mapping[Splits, LabelMatrix],
    classes: Sequence[str],
    *,
    texts: Mapping[str, str],
    gold: Mapping[str, int],
    shown: int = SHOWN_FLIPS,
) -> Comparison:
    """Compare two sets of votes, row by row of the same id.

    Args:
        before: votes on train, and on dev if there is such a split.
        after: the same, after.
        classes: k class names, those of both sides.
        texts: of the training rows after, by id.
        gold: class positions of the dev rows, by id; other dev rows are left out.
        shown: flips to list at most.

    Example:
        >>> votes = [LabelMatrix.from_array(rows) for rows in ([[0], [-1]], [[0], [1]])]
        >>> moved = compare_votes(
        ...     {"train": votes[0]}, {"train": votes[1]}, ["ham", "spam"],
        ...     texts={"0": "See you", "1": "Win!"}, gold={},
        ... )
        >>> moved.flips
        (Flip(id='1', text='Win!', before='(uncovered)', after='spam'),)
    """
    old, new = _on_shared_rows(before["train"], after["train"])
    labels = [majority_labels(L.values, len(classes)) for L in (old, new)]
    flipped = np.flatnonzero(labels[0] != labels[1])
    names = NO_LABEL | dict(enumerate(classes))
    return Comparison(
        lfs=len(new.lf_names),
        changes=_changes((old, new), _on_dev(before, after, gold), classes, gold),
        coverage_before=_share(old.covered),
        coverage_after=_share(new.covered),
        flip_count=len(flipped),
        flips=tuple(
            Flip(new.ids[row], texts[new.ids[row]], *(names[int(side[row])] for side in labels))
            for row in flipped[:shown]
        ),
        rows=len(new.ids),
        rows_new=len(after["train"].ids) - len(new.ids),
        rows_gone=len(before["train"].ids) - len(new.ids),
    )


def majority_labels(L: Votes, cardinality: int) -> npt.NDArray[np.int64]:
    """[n] the class with the most votes, TIE where two have as many, ABSTAIN without a vote.

    Example:
        >>> L = np.array([[0, 1, 1], [0, 1, -1], [-1, -1, -1]], dtype=np.int8)
        >>> majority_labels(L, 2).tolist()
        [1, -2, -1]
    """
    counts = vote_counts(L, cardinality)
    return np.where(counts.any(axis=1), hard_labels(counts), ABSTAIN)


Pair = tuple[LabelMatrix, LabelMatrix]


def _on_shared_rows(before: LabelMatrix, after: LabelMatrix) -> Pair:
    if before.ids == after.ids:
        return before, after
    position = {row_id: row for row, row_id in enumerate(before.ids)}
    shared = [row for row, row_id in enumerate(after.ids) if row_id in position]
    old = [position[after.ids[row]] for row in shared]
    return before.take(np.array(old, dtype=np.intp)), after.take(np.array(shared, dtype=np.intp))


def _on_dev(
    before: Mapping[Splits, LabelMatrix],
    after: Mapping[Splits, LabelMatrix],
    gold: Mapping[str, int],
) -> Pair | None:
    if "dev" not in before or "dev" not in after:
        return None
    old, new = _on_shared_rows(before["dev"], after["dev"])
    known = np.array([row for row, row_id in enumerate(new.ids) if row_id in gold], dtype=np.intp)
    return old.take(known), new.take(known)


def _changes(
    train: Pair, dev: Pair | None, classes: Sequence[str], gold: Mapping[str, int]
) -> tuple[LFChange, ...]:
    before, after = (
        _standings(train[side], None if dev is None else dev[side], classes, gold)
        for side in (0, 1)
    )
    rows = _rows_apart(train)
    moved = {name for name, count in rows.items() if count}
    moved |= {name for name, count in _rows_apart(dev).items() if count} if dev else set()
    names = [name for name in after if name in moved or name not in before]
    names += [name for name in before if name not in after]
    return tuple(LFChange(name, before.get(name), after.get(name), rows[name]) for name in names)


def _standings(
    train: LabelMatrix, dev: LabelMatrix | None, classes: Sequence[str], gold: Mapping[str, int]
) -> dict[str, LFStanding]:
    accuracies: list[Estimate | None] = [None] * len(train.lf_names)
    if dev is not None:
        right, votes = hits(dev.values, np.array([gold[row_id] for row_id in dev.ids], dtype=int))
        accuracies = [jeffreys(int(r), int(n)) for r, n in zip(right, votes, strict=True)]
    columns = zip(
        train.lf_names,
        lf_polarities(train.values),
        lf_coverages(train.values).tolist(),
        lf_conflicts(train.values).tolist(),
        accuracies,
        strict=True,
    )
    return {
        name: LFStanding(tuple(classes[k] for k in votes), coverage, conflicts, accuracy)
        for name, votes, coverage, conflicts, accuracy in columns
    }


def _rows_apart(pair: Pair) -> dict[str, int]:
    """Rows on which each LF's two votes differ; one that is not there abstains."""
    sides = [dict(zip(L.lf_names, L.values.T, strict=True)) for L in pair]
    silent = np.full(len(pair[0].ids), ABSTAIN)
    return {
        name: int((sides[0].get(name, silent) != sides[1].get(name, silent)).sum())
        for name in sides[0] | sides[1]
    }


def _share(mask: npt.NDArray[np.bool_]) -> float:
    return float(mask.mean()) if len(mask) else 0.0
