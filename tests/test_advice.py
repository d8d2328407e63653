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
    assert second.startswith("Look at bad first: 16 of its 20 dev votes")
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
    assert second.startswith("Look at bad first")


def test_gaps_say_what_to_write_about() -> None:
    gaps = [{"rows": 30, "words": ["battery", "charge", "life", "day"]}, {"rows": 9, "words": []}]
    steps = next_steps(table(), {**LABELS, "coverage": 0.4, "covered": 40}, BOARD, gaps)
    assert any(step.endswith("Many are about: battery, charge, life.") for step in steps)
