"""What would improve a run most: plain sentences from its tables."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

MOST = 4
ENOUGH_COVERAGE = 0.9


def next_steps(
    lf_table: pd.DataFrame, labels: Mapping[str, Any], scoreboard: pd.DataFrame
) -> list[str]:
    """At most four sentences, the most pressing first.

    Args:
        lf_table: as `weakft.analysis.lf_summary` gives it.
        labels: `metrics["labels"]` of the run.
        scoreboard: as `weakft.report.Report.scoreboard` gives it, on test.
    """
    steps = [
        *_about_lfs(lf_table, 1 / len(labels["class_shares"])),
        *_about_coverage(labels),
        *_about_rivals(scoreboard),
    ]
    return steps[:MOST]


def _about_lfs(table: pd.DataFrame, chance: float) -> list[str]:
    if table["support"].sum() == 0:
        return ["Label some dev rows: without them, LF accuracies are guesses."]
    steps = [
        f"Fix or drop {row['lf']}, worse than chance: right on {row['accuracy']:.0%} of "
        f"{row['support']} dev votes ({row['accuracy_low']:.0%} to {row['accuracy_high']:.0%})."
        for row in table[table["accuracy_high"] < chance].sort_values("accuracy").to_dict("records")
    ]
    wrong = (table["support"] * (1 - table["accuracy"].fillna(1))).round().astype(int)
    if wrong.max() > 0:
        worst = table.iloc[int(wrong.to_numpy().argmax())]
        steps.append(
            f"Look at {worst['lf']} first: {wrong.max()} of its {worst['support']} dev votes are "
            "wrong, more than of any other LF (weakft app shows the rows)."
        )
    return steps[:2]


def _about_coverage(labels: Mapping[str, Any]) -> list[str]:
    if labels["coverage"] >= ENOUGH_COVERAGE:
        return []
    uncovered = labels["rows"] - labels["covered"]
    return [
        f"Write LFs for the {uncovered} of {labels['rows']} training rows nobody votes on: "
        "weakft app, page Labels, filter uncovered."
    ]


def _about_rivals(scoreboard: pd.DataFrame) -> list[str]:
    if scoreboard.empty:
        return ["Label a test split: without one there is no honest score."]
    f1 = dict(zip(scoreboard["key"], scoreboard["macro_f1"], strict=True))
    if "gold_only" not in f1:
        return ["Label a few dozen valid rows: they choose the model and can be trained on."]
    if f1["gold_only"] > f1.get("weak_only", 0.0):
        return ["Gold alone beats weak labels alone here: better LFs or more gold pay most."]
    return ["Weak labels alone beat gold alone here: more rows for the LFs pay most."]
