"""What changed between two runs, in words and small tables."""

import pandas as pd

from weakft.config import Splits
from weakft.evaluation.paired import PairedScores
from weakft.run_diff import RunDiff


def sentences(change: RunDiff) -> list[str]:
    """The most important first; test is left out, since looking at it is counted."""
    told = []
    if "valid" in change.scores:
        told.append(_compared(change.scores["valid"]))
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
    return [
        ("LFs moved", f"{moved}", f"{change.lfs_unchanged} as they were"),
        ("Labels flipped", f"{change.flip_count:,}", f"of {change.rows:,} rows in both"),
        ("Labels gained", f"{change.labels_gained:,}", "rows that only this run labels"),
        ("Labels lost", f"{change.labels_lost:,}", "rows that only the older run labels"),
    ]


def lf_table(change: RunDiff) -> pd.DataFrame:
    """One row per LF that was added, removed or changed."""
    rows = [(name, "added", None) for name in change.lfs_added]
    rows += [(name, "removed", None) for name in change.lfs_removed]
    rows += [(name, "votes otherwise", count) for name, count in change.lfs_changed.items()]
    return pd.DataFrame(rows, columns=["LF", "how", "rows"])


def score_table(change: RunDiff, splits: list[Splits]) -> pd.DataFrame:
    """Both end models on the same rows of each split, with the paired difference."""
    rows = []
    for split in splits:
        scores = change.scores[split]
        for name, score in (("macro-F1", scores.macro_f1), ("accuracy", scores.accuracy)):
            difference = score.difference
            rows.append(
                {
                    "split": split,
                    "score": name,
                    "older": f"{score.old.value:.3f}",
                    "this run": f"{score.new.value:.3f}",
                    "difference": f"{difference.value:+.3f}",
                    "95% interval": f"{difference.low:+.3f} to {difference.high:+.3f}",
                    "rows": scores.rows,
                    "only older right": scores.only_old_right,
                    "only this right": scores.only_new_right,
                    "McNemar's p": f"{scores.p_value:.3f}",
                }
            )
    return pd.DataFrame(rows)


def _compared(scores: PairedScores) -> str:
    difference = scores.macro_f1.difference
    if difference.low > 0:
        verdict = "better than it"
    elif difference.high < 0:
        verdict = "worse than it"
    else:
        verdict = "not told apart from it"
    return (
        f"On valid this run is {verdict}: macro-F1 {difference.value:+.3f} "
        f"({difference.low:+.3f} to {difference.high:+.3f}, {scores.rows:,} rows)."
    )
