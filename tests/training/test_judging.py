"""The favourite is left for another only where that is better beyond the noise."""

import numpy as np
import pytest

from weakft.training.judging import judge

GOLD = np.array([0, 1] * 50)


def wrong_on(rows: range) -> np.ndarray:
    """[100, 2] predictions, right but on these rows."""
    right = ~np.isin(np.arange(100), rows)
    return np.where((GOLD == 0) == right, 0.9, 0.1)[:, None] * [1, -1] + [0, 1]


@pytest.mark.parametrize(
    ("wrong", "taken"),
    [
        (range(20), "mix"),
        (range(18), "mix"),  # two rows ahead, behind on none: one in seven samples has neither
        (range(14), "other"),  # six rows ahead, behind on none
        (range(80, 94), "mix"),  # six rows ahead: right on 20 others, wrong on 14
    ],
)
def test_what_counts_is_on_how_many_rows_they_differ(wrong: range, taken: str) -> None:
    opinions = {"other": wrong_on(wrong), "mix": wrong_on(range(20))}
    verdict = judge(opinions, GOLD, unless_beaten="mix")
    assert verdict.taken == taken
    accuracies = {c.recipe: c.accuracy for c in verdict.candidates}
    assert accuracies == {"other": pytest.approx(1 - len(wrong) / 100), "mix": pytest.approx(0.8)}
    assert ("left for another only" in verdict.reason) == (taken == "mix")


def test_rare_classes_are_not_sold_for_rows_of_a_frequent_one() -> None:
    """20 rows of 200 are rare: one recipe finds none of them, the other makes 30 mistakes."""
    gold = np.repeat([0, 1], [180, 20])
    all_frequent = np.tile([0.9, 0.1], (200, 1))
    finds_rare = np.eye(2)[np.where(np.arange(200) < 30, 1, gold)]
    for favourite in ("blind", "fair"):
        opinions = {"blind": all_frequent, "fair": finds_rare}
        verdict = judge(opinions, gold, unless_beaten=favourite)
        assert verdict.taken == "fair"
    accuracies = {c.recipe: c.accuracy for c in verdict.candidates}
    assert accuracies == {"blind": 0.9, "fair": 0.85}
    assert verdict.candidates[0].macro_f1 == pytest.approx((300 / 330 + 40 / 70) / 2)


def test_a_tie_is_told_by_likelihood_and_goes_to_the_favourite() -> None:
    sure, unsure = wrong_on(range(0)), wrong_on(range(0)) * 0.2 + 0.4
    verdict = judge({"mix": unsure, "other": sure}, GOLD, unless_beaten="mix")
    assert [c.recipe for c in verdict.candidates] == ["other", "mix"]
    assert verdict.taken == "mix"
