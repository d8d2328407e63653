"""Two runs side by side: their LFs, their soft labels, and their end models on the same gold.

Rows are matched by id, so that the data may have grown between the runs.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from weakft.config import Splits
from weakft.errors import DataError
from weakft.evaluation.paired import PairedScores, compare_predictions
from weakft.labels import ABSTAIN, hard_labels, vote_dtype
from weakft.report import Report
from weakft.verify import intact
from weakft.visible import HIDDEN

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
    before, after = (_Table.of(side, side.run.votes("train")) for side in (old, new))
    names = {side: [name for name in side.names if name != "id"] for side in (before, after)}
    both = [name for name in names[after] if name in names[before]]
    rows = before.shared_with(after)
    apart = {
        name: int((before.array(name)[rows.old] != after.array(name)[rows.new]).sum())
        for name in both
    }
    changed = {name: count for name, count in apart.items() if count}
    return {
        "rows": rows.count,
        "lfs_added": tuple(name for name in names[after] if name not in both),
        "lfs_removed": tuple(name for name in names[before] if name not in both),
        "lfs_changed": changed,
        "lfs_unchanged": len(both) - len(changed),
    }


def _label_moves(old: Report, new: Report) -> dict[str, Any]:
    before, after = (_Table.of(side, side.run.soft_labels) for side in (old, new))
    rows = before.shared_with(after)
    was, now = _soft_classes(old, before)[rows.old], _soft_classes(new, after)[rows.new]
    flipped = np.flatnonzero((was != now) & (was != ABSTAIN) & (now != ABSTAIN))
    listed, names = flipped[:LISTED_FLIPS], np.array(new.classes, dtype=object)
    flips = {"id": after.ids_at(listed, rows.new), "old": names[was[listed]]}
    return {
        "flip_count": len(flipped),
        "labels_gained": int(((was == ABSTAIN) & (now != ABSTAIN)).sum()),
        "labels_lost": int(((was != ABSTAIN) & (now == ABSTAIN)).sum()),
        "flips": pd.DataFrame({**flips, "new": names[now[listed]]}, dtype="str"),
    }


@dataclass(frozen=True)
class _Shared:
    """Rows that two tables have, in the order of the new one: positions on either side."""

    old: Rows | slice
    new: Rows | slice
    count: int


@dataclass(frozen=True, eq=False)
class _Table:
    """A table by id of which single columns are read; ids stay where Arrow has them."""

    file: pq.ParquetFile
    ids: pa.ChunkedArray

    @classmethod
    def of(cls, report: Report, path: Path) -> "_Table":
        file = pq.ParquetFile(intact(report.run, path))
        return cls(file, file.read(columns=["id"]).column("id"))

    @property
    def names(self) -> list[str]:
        return list(self.file.schema_arrow.names)

    def array(self, name: str) -> npt.NDArray[Any]:
        return np.asarray(self.file.read(columns=[name]).column(name).to_numpy())

    def shared_with(self, new: "_Table") -> _Shared:
        if self.ids.equals(new.ids):
            return _Shared(slice(None), slice(None), len(new.ids))
        old_ids, new_ids = (side.ids.cast(pa.large_string()) for side in (self, new))
        position = pc.index_in(new_ids, value_set=old_ids).fill_null(-1).to_numpy()
        found = np.flatnonzero(position >= 0)
        return _Shared(position[found], found, len(found))

    def ids_at(self, places: Rows, rows: Rows | slice) -> list[str]:
        """Ids of the shared rows at these places."""
        positions = places if isinstance(rows, slice) else rows[places]
        return list(self.ids.take(pa.array(positions)).to_pylist())


def _soft_classes(report: Report, soft: _Table) -> Labels:
    """[n] the likeliest class of each training row; ABSTAIN without votes, and at a tie."""
    probs = np.stack([soft.array(name) for name in _columns(report)], axis=1)
    labels = np.where(soft.array("covered"), hard_labels(probs), ABSTAIN)
    return np.maximum(labels, ABSTAIN).astype(vote_dtype(probs.shape[1]))


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
    table = pd.read_parquet(intact(report.run, report.run.predictions(split)))
    rows = pd.Index(table["id"]).get_indexer(ids)
    if (rows < 0).any():
        missing = HIDDEN if "id" in report.hidden else repr(ids[int(np.flatnonzero(rows < 0)[0])])
        raise DataError(f"run {report.run.id} has no prediction for row {missing}.")
    best: Labels = table[_columns(report)].to_numpy().argmax(axis=1)[rows]
    return best


def _columns(report: Report) -> list[str]:
    return [f"p_{name}" for name in report.classes]
