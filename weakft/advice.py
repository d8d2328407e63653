"""What would improve a run most: plain sentences from its tables."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from weakft.unknown_tokens import REMEDY, Unread

MOST = 4
ENOUGH_COVERAGE = 0.9
COVERAGE = "page Coverage of the app"


def next_steps(
    lf_table: pd.DataFrame,
    labels: Mapping[str, Any],
    scoreboard: pd.DataFrame,
    gaps: Sequence[Mapping[str, Any]] = (),
    reach: Sequence[Mapping[Any, Any]] = (),
    unread: Mapping[str, float] | None = None,
) -> list[str]:
    """At most four sentences, the most pressing first.

    Args:
        lf_table: as `weakft.analysis.lf_summary` gives it.
        labels: `metrics["labels"]` of the run.
        scoreboard: as `weakft.report.Report.scoreboard` gives it, on test.
        gaps: as `weakft.report.Report.gaps` gives them.
        reach: of the LFs into each class, as `weakft.report.Report.class_reach` gives it.
        unread: `metrics["end_model"]["unread"]`, where the model knows too little of the language.
            Where it cannot read many texts at all, its scores say nothing of LFs and gold.
    """
    found = None if unread is None else Unread.from_dict(unread)
    if found is not None and found.unread:
        steps = [_about_unread(found), *_about_classes(reach), *_about_coverage(labels, gaps)]
        return steps[:MOST]
    steps = [
        *([] if found is None else [_about_unread(found)]),
        *_about_lfs(lf_table, 1 / len(labels["class_shares"])),
        *_about_classes(reach),
        *_about_coverage(labels, gaps),
        *_about_rivals(scoreboard),
    ]
    return steps[:MOST]


def named_lfs(steps: Sequence[str], lf_names: Sequence[str]) -> list[str]:
    """The LFs that these sentences are about, in the order of the sentences.

    Example:
        >>> named_lfs(["Look at says_cash first."], ["cash", "says_cash"])
        ['says_cash']
    """
    words = [word for step in steps for word in re.findall(r"[\w.]*\w", step)]
    return [name for name in dict.fromkeys(words) if name in lf_names]


def _about_unread(unread: Unread) -> str:
    return (
        f"{REMEDY}: the present one knows too little of {unread.what}. Judge the LFs by "
        "the labels, not by this model."
    )


def _about_lfs(table: pd.DataFrame, chance: float) -> list[str]:
    if table["support"].sum() == 0:
        return ["Label some dev rows: without them, LF accuracies are guesses."]
    steps = _worse_than_chance(table, chance) + _better_without(table)
    wrong = (table["support"] * (1 - table["accuracy"].fillna(1))).round().astype(int)
    if wrong.max() > 0:
        worst = table.iloc[int(wrong.to_numpy().argmax())]
        steps.append(
            f"Most wrong votes are {worst['lf']}'s: {wrong.max()} of its {worst['support']} on "
            f"dev. {_worth(worst.to_dict())}"
        )
    return steps[:2]


def _worse_than_chance(table: pd.DataFrame, chance: float) -> list[str]:
    return [
        f"Fix or drop {row['lf']}, worse than chance: right on {row['accuracy']:.0%} of "
        f"{row['support']} dev votes ({row['accuracy_low']:.0%} to {row['accuracy_high']:.0%})."
        for row in table[table["accuracy_high"] < chance].sort_values("accuracy").to_dict("records")
    ]


def _better_without(table: pd.DataFrame) -> list[str]:
    """LFs that cost the labels something, the interval below zero, the costliest first."""
    if "value" not in table:
        return []
    harmful = table[(table["value_high"] < 0) & (table["support"] > 0)].sort_values("value")
    return [
        f"Fix or drop {row['lf']}: without it the labels are better, by {-row['value']:.3f} nats a "
        f"gold row ({-row['value_high']:.3f} to {-row['value_low']:.3f}); it is right on "
        f"{row['accuracy']:.0%} of {row['support']} dev votes."
        for row in harmful.to_dict("records")
    ]


def _worth(lf: Mapping[Any, Any]) -> str:
    """Many wrong votes are no verdict: an LF that votes often may be worth its mistakes."""
    if lf.get("value_low", 0) > 0:
        return "The labels are better with it all the same: mend it, don't drop it."
    return "Read them: one more condition may spare most."


def _about_classes(reach: Sequence[Mapping[Any, Any]]) -> list[str]:
    known = [each for each in reach if each["reached_support"]]
    if not known:
        return []
    least = min(known, key=lambda each: float(each["reached"]))
    if least["reached_high"] >= ENOUGH_COVERAGE:
        return []
    return [
        f"Write an LF for {least['class']}: on only {least['reached']:.0%} of its "
        f"{least['reached_support']} gold rows some LF votes for it ({least['reached_low']:.0%} to "
        f"{least['reached_high']:.0%}), the fewest of all classes ({COVERAGE})."
    ]


def _about_coverage(labels: Mapping[str, Any], gaps: Sequence[Mapping[str, Any]]) -> list[str]:
    if labels["coverage"] >= ENOUGH_COVERAGE:
        return []
    uncovered = labels["rows"] - labels["covered"]
    marked = [", ".join(gap["words"][:3]) for gap in gaps[:2] if gap["words"]]
    about = f" Many are about: {'; '.join(marked)}." if marked else ""
    return [
        f"Write LFs for the {uncovered} of {labels['rows']} training rows nobody votes on "
        f"({COVERAGE}).{about}"
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
