"""The favourite is left for another only where that is better beyond the noise."""

import numpy as np
import pytest

from weakft.training.judging import judge

GOLD = np.array([0, 1] * 50)


def right_but_for(wrong: int) -> np.ndarray:
    """[100, 2] predictions, the last `wrong` of them wrong."""
    right = np.arange(100) < 100 - wrong
    return np.where((GOLD == 0) == right, 0.9, 0.1)[:, None] * [1, -1] + [0, 1]


@pytest.mark.parametrize(("wrong", "taken"), [(20, "mix"), (19, "mix"), (18, "other")])
def test_one_row_ahead_is_noise_and_two_are_not(wrong: int, taken: str) -> None:
    verdict = judge(
        {"other": right_but_for(wrong), "mix": right_but_for(20)}, GOLD, unless_beaten="mix"
    )
    assert verdict.taken == taken
    accuracies = {c.recipe: c.accuracy for c in verdict.candidates}
    assert accuracies == {"other": pytest.approx(1 - wrong / 100), "mix": pytest.approx(0.8)}
    assert ("left for another only" in verdict.reason) == (taken == "mix")


def test_a_tie_is_told_by_likelihood_and_goes_to_the_favourite() -> None:
    sure, unsure = right_but_for(0), right_but_for(0) * 0.2 + 0.4
    verdict = judge({"mix": unsure, "other": sure}, GOLD, unless_beaten="mix")
    assert [c.recipe for c in verdict.candidates] == ["other", "mix"]
    assert verdict.taken == "mix"
