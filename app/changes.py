"""What changed between two runs, in words and small tables."""

import numpy as np
import pandas as pd

from weakft.config import Splits
from weakft.evaluation.paired import PairedScores
from weakft.run_diff import RunDiff
from weakft.tables import RowTable
from weakft.tables.rows import Positions

FEW_LABELS = 0.01
"""Less than this share of the labels: no reason to expect another model."""


def sentences(change: RunDiff, other: str) -> list[str]:
    """The most important first; test is left out, since looking at it is counted.

    Args:
        change: from the other run, the old one, to the run shown.
        other: what the other run is called.
    """
    told = []
    if "valid" in change.scores:
        told.append(_compared(change.scores["valid"], other) + _chance_in_training(change))
    else:
        told.append("No valid split that both were scored on says which model is better.")
    parts = {
        "added": change.lfs_added,
        "removed": change.lfs_removed,
        "changed": tuple(change.lfs_changed),
    }
    moved = [f"{len(names)} {how}" for how, names in parts.items() if names]
    told.append(f"LFs: {', '.join(moved)}." if moved else "LFs: none added, removed or changed.")
    told.append(
        f"{change.flip_count:,} of {change.rows:,} training rows have a label of another class."
    )
    return told


def cards(change: RunDiff) -> list[tuple[str, str, str]]:
    """For `shown.kpis`."""
    moved = len(change.lfs_added) + len(change.lfs_removed) + len(change.lfs_changed)
    of_rows = f"of {change.rows:,} train rows that both have"
    return [
        ("LFs moved", f"{moved}", f"{change.lfs_unchanged} vote alike"),
        ("Labels of another class", f"{change.flip_count:,}", of_rows),
        ("Labels gained", f"{change.labels_gained:,}", "only the run shown labels them"),
        ("Labels lost", f"{change.labels_lost:,}", "only the other run labels them"),
    ]


def lf_table(change: RunDiff) -> pd.DataFrame:
    """One row per LF that was added, removed or changed, the most moved first."""
    rows = [(name, "only in the run shown", None) for name in change.lfs_added]
    rows += [(name, "only in the other run", None) for name in change.lfs_removed]
    moved = sorted(change.lfs_changed.items(), key=lambda pair: -pair[1])
    rows += [(name, "votes otherwise", count) for name, count in moved]
    return pd.DataFrame(rows, columns=["LF", "how", "rows"])


def score_table(change: RunDiff, split: Splits) -> pd.DataFrame:
    """Both end models on the same rows of a split, with the paired difference."""
    scores, rows = change.scores[split], []
    for name, score in (("macro-F1", scores.macro_f1), ("accuracy", scores.accuracy)):
        difference, counts_rows = score.difference, name == "accuracy"
        rows.append(
            {
                "split": split,
                "score": name,
                "other run": f"{score.old.value:.1%}",
                "run shown": f"{score.new.value:.1%}",
                "difference": f"{100 * difference.value:+.1f}",
                "95% interval": f"{100 * difference.low:+.1f} to {100 * difference.high:+.1f}",
                "rows": scores.rows,
                "only other right": scores.only_old_right if counts_rows else None,
                "only shown right": scores.only_new_right if counts_rows else None,
                "McNemar's p": f"{scores.p_value:.3f}" if counts_rows else None,
            }
        )
    return pd.DataFrame(rows)


def flips_by_kind(change: RunDiff) -> dict[str, list[str]]:
    """Ids of the listed rows whose label flipped, by both classes, the most frequent first."""
    kinds = [f"{was} → {now}" for was, now in change.flips[["old", "new"]].to_numpy()]
    by_kind = change.flips["id"].groupby(kinds).agg(list)
    return dict(sorted(by_kind.items(), key=lambda pair: -len(pair[1])))


def won_and_lost(old: RowTable, new: RowTable) -> dict[str, Positions]:
    """Positions of the rows with gold that one of two models alone has right.

    Args:
        old: a split of the other run.
        new: the same rows in the run shown.
    """
    gold = new.column("gold")
    was, now = (gold == table.column("predicted") for table in (old, new))
    known = gold >= 0
    return {
        "only the other run": np.flatnonzero(known & was & ~now),
        "only the run shown": np.flatnonzero(known & ~was & now),
    }


def _chance_in_training(change: RunDiff) -> str:
    """What the intervals leave out, where it may be all there is."""
    moved = change.flip_count + change.labels_gained + change.labels_lost
    if moved >= FEW_LABELS * change.rows:
        return ""
    return (
        f" But only {moved:,} of {change.rows:,} labels changed: chance in training, which the "
        "interval leaves out, may be all of it (train.seeds = 3 shows how much that is)."
    )


def _compared(scores: PairedScores, other: str) -> str:
    difference = scores.macro_f1.difference
    evidence = (
        f"macro-F1 {100 * difference.value:+.1f} points ({100 * difference.low:+.1f} to "
        f"{100 * difference.high:+.1f}, {scores.rows:,} rows)"
    )
    if difference.low > 0:
        return f"On valid the run shown is better than {other}: {evidence}."
    if difference.high < 0:
        return f"On valid the run shown is worse than {other}: {evidence}."
    return f"On valid no difference can be measured between the run shown and {other}: {evidence}."
