"""Two runs side by side: their LFs, their soft labels, and their end models on the same gold.

Rows are matched by id, so that the data may have grown between the runs.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from weakft.config import Splits
from weakft.errors import DataError
from weakft.evaluation.paired import PairedScores, compare_predictions
from weakft.labels import ABSTAIN
from weakft.report import Report

LISTED_FLIPS = 1000
HELD_OUT: tuple[Splits, ...] = ("test", "valid")

Labels = npt.NDArray[np.integer]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class RunDiff:
    """What differs between two runs.

    Attributes:
        old: id of the old run.
        new: id of the new one.
        rows: training rows that both have; LFs and labels are compared on those.
        lfs_added: LFs that only the new run has.
        lfs_removed: LFs that only the old run has.
        lfs_changed: for each LF that votes otherwise, the rows on which it does.
        lfs_unchanged: how many LFs vote alike on all rows.
        flip_count: rows that both runs label, with different classes.
        labels_gained: rows that only the new run labels.
        labels_lost: rows that only the old run labels.
        flips: the first of the flipped rows: columns id, old, new (class names).
        scores: the end models, by split.
        notes: what could not be compared, and why.
    """

    old: str
    new: str
    rows: int
    lfs_added: tuple[str, ...]
    lfs_removed: tuple[str, ...]
    lfs_changed: dict[str, int]
    lfs_unchanged: int
    flip_count: int
    labels_gained: int
    labels_lost: int
    flips: pd.DataFrame = field(compare=False)
    scores: dict[Splits, PairedScores]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; flips are a list of rows."""
        return {**asdict(self), "flips": self.flips.to_dict("records")}


def compare_runs(old: Report, new: Report) -> RunDiff:
    """Compare two runs of the same classes.

    The end models are compared on test and valid, where both runs scored the same file and that
    file is still there. Of valid, mind that it chose both models' checkpoints.

    Raises:
        DataError: the runs have different classes.
    """
    if old.classes != new.classes:
        raise DataError(
            f"Runs of the same classes can be compared, but {old.run.id} has {list(old.classes)} "
            f"and {new.run.id} has {list(new.classes)}. Make a new run of one with `weakft run`."
        )
    scores, notes = _scores(old, new)
    return RunDiff(
        old=old.run.id,
        new=new.run.id,
        **_lf_moves(old, new),
        **_label_moves(old, new),
        scores=scores,
        notes=notes,
    )


def _lf_moves(old: Report, new: Report) -> dict[str, Any]:
    before, after = old.votes("train"), new.votes("train")
    rows_before, rows_after = _shared(pd.Index(before.ids), pd.Index(after.ids))
    columns = {name: j for j, name in enumerate(before.lf_names)}
    both = {name: (columns[name], j) for j, name in enumerate(after.lf_names) if name in columns}
    apart = {
        name: int((before.values[rows_before, i] != after.values[rows_after, j]).sum())
        for name, (i, j) in both.items()
    }
    changed = {name: rows for name, rows in apart.items() if rows}
    return {
        "rows": len(rows_after),
        "lfs_added": tuple(name for name in after.lf_names if name not in both),
        "lfs_removed": tuple(name for name in before.lf_names if name not in both),
        "lfs_changed": changed,
        "lfs_unchanged": len(both) - len(changed),
    }


def _label_moves(old: Report, new: Report) -> dict[str, Any]:
    before, after = _soft_classes(old), _soft_classes(new)
    rows_before, rows_after = _shared(before.index, after.index)
    was, now = before.to_numpy()[rows_before], after.to_numpy()[rows_after]
    flipped = np.flatnonzero((was != now) & (was != ABSTAIN) & (now != ABSTAIN))
    listed, names = flipped[:LISTED_FLIPS], np.array(new.classes, dtype=object)
    flips = {"id": after.index[rows_after[listed]], "old": names[was[listed]]}
    return {
        "flip_count": len(flipped),
        "labels_gained": int(((was == ABSTAIN) & (now != ABSTAIN)).sum()),
        "labels_lost": int(((was != ABSTAIN) & (now == ABSTAIN)).sum()),
        "flips": pd.DataFrame({**flips, "new": names[now[listed]]}, dtype="str"),
    }


def _soft_classes(report: Report) -> pd.Series:
    """The likeliest class of each training row by id, ABSTAIN where it has no label."""
    soft = pd.read_parquet(report.run.soft_labels)
    best = soft[_columns(report)].to_numpy().argmax(axis=1)
    return pd.Series(np.where(soft["covered"], best, ABSTAIN), index=soft["id"])


def _scores(old: Report, new: Report) -> tuple[dict[Splits, PairedScores], tuple[str, ...]]:
    scores: dict[Splits, PairedScores] = {}
    notes = []
    for split in HELD_OUT:
        try:
            if _scored_alike(old, new, split):
                scores[split] = _split_scores(old, new, split)
        except DataError as error:
            notes.append(f"{split} is left out: {error}")
    return scores, tuple(notes)


def _scored_alike(old: Report, new: Report, split: Splits) -> bool:
    """Whether both runs were scored on the same file; False if neither was scored at all."""
    unscored = [side.run.id for side in (old, new) if split not in side.metrics["end_model"]]
    if len(unscored) == 1:
        raise DataError(f"run {unscored[0]} was not scored on it.")
    if unscored:
        return False
    if old.manifest["data"][split]["sha256"] != new.manifest["data"][split]["sha256"]:
        raise DataError("the two runs were scored on different files.")
    return True


def _split_scores(old: Report, new: Report, split: Splits) -> PairedScores:
    gold = new.gold(split)
    assert gold is not None
    was, now = (_predicted(side, split, gold.index) for side in (old, new))
    return compare_predictions(gold.to_numpy(), was, now, len(new.classes))


def _predicted(report: Report, split: Splits, ids: pd.Index) -> Labels:
    """[n] the class the end model predicts for each of these rows."""
    table = pd.read_parquet(report.run.predictions(split))
    rows = pd.Index(table["id"]).get_indexer(ids)
    if (rows < 0).any():
        missing = ids[int(np.flatnonzero(rows < 0)[0])]
        raise DataError(f"run {report.run.id} has no prediction for row {missing!r}.")
    best: Labels = table[_columns(report)].to_numpy().argmax(axis=1)[rows]
    return best


def _columns(report: Report) -> list[str]:
    return [f"p_{name}" for name in report.classes]


def _shared(old: pd.Index, new: pd.Index) -> tuple[Rows, Rows]:
    """Positions of the rows that both have, on either side, in the new one's order."""
    position = old.get_indexer(new)
    found = np.flatnonzero(position >= 0)
    return position[found], found
