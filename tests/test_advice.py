"""Advice names the LF, the rows and the rival it is about."""

import numpy as np
import pandas as pd

from weakft.advice import next_steps

LABELS = {
    "coverage": 0.95,
    "rows": 100,
    "covered": 95,
    "class_shares": {"no": 0.5, "yes": 0.5},
}
BOARD = pd.DataFrame({"key": ["gold_only", "weak_only"], "macro_f1": [0.8, 0.6]})


def table(**changes: list) -> pd.DataFrame:
    rows = {
        "lf": ["good", "bad"],
        "accuracy": [0.9, 0.2],
        "accuracy_low": [0.8, 0.1],
        "accuracy_high": [0.95, 0.35],
        "support": [40, 20],
    }
    return pd.DataFrame({**rows, **changes})


def test_the_worst_lf_comes_first() -> None:
    first, second, third = next_steps(table(), LABELS, BOARD)
    assert first.startswith("Fix or drop bad, worse than chance: right on 20% of 20 dev votes")
    assert second.startswith("Most wrong votes are bad's: 16 of its 20 on dev.")
    assert third.startswith("Gold alone beats weak labels alone")


def test_no_evidence_asks_for_some() -> None:
    nothing = table(accuracy=[np.nan] * 2, support=[0, 0])
    steps = next_steps(nothing, {**LABELS, "coverage": 0.4, "covered": 40}, pd.DataFrame())
    assert steps[0].startswith("Label some dev rows")
    assert "60 of 100 training rows" in steps[1]
    assert steps[2].startswith("Label a test split")


def test_an_lf_that_costs_the_labels_something_is_named_before_the_busiest() -> None:
    valued = table(
        accuracy=[0.9, 0.6],
        accuracy_high=[0.95, 0.8],
        value=[0.02, -0.05],
        value_low=[0.01, -0.08],
        value_high=[0.03, -0.02],
    )
    first, second, _ = next_steps(valued, LABELS, BOARD)
    assert first.startswith("Fix or drop bad: without it the labels are better, by 0.050 nats")
    assert second.startswith("Most wrong votes are bad's")


def test_gaps_say_what_to_write_about() -> None:
    gaps = [{"rows": 30, "words": ["battery", "charge", "life", "day"]}, {"rows": 9, "words": []}]
    steps = next_steps(table(), {**LABELS, "coverage": 0.4, "covered": 40}, BOARD, gaps)
    assert any(step.endswith("Many are about: battery, charge, life.") for step in steps)


def test_a_class_that_lfs_rarely_find_is_named() -> None:
    bounds = {"reached_low": 0.2, "reached_high": 0.5, "reached_support": 40}
    reach = [
        {"class": "rare", "reached": 0.3, **bounds},
        {"class": "known", "reached": 0.9, **bounds, "reached_high": 0.95},
        {"class": "without gold", "reached": None, **bounds, "reached_support": 0},
    ]
    said = next_steps(table(), LABELS, BOARD, reach=reach)
    assert [step for step in said if step.startswith("Write an LF for rare: on only 30% of its 40")]
    assert not [
        step for step in next_steps(table(), LABELS, BOARD, reach=reach[1:]) if "known" in step
    ]


def test_an_lf_that_helps_in_spite_of_its_mistakes_is_not_to_be_dropped() -> None:
    valued = table(value=[0.1, 0.2], value_low=[0.05, 0.1], value_high=[0.2, 0.3])
    assert any("mend it, don't drop it" in step for step in next_steps(valued, LABELS, BOARD))
