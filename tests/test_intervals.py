"""Intervals hold the value, cover what they claim, and need no luck at the ends."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from weakft.intervals import bootstrap, jeffreys


@given(st.integers(0, 500), st.integers(1, 500))
def test_jeffreys_holds_the_proportion(successes: int, trials: int) -> None:
    successes = min(successes, trials)
    estimate = jeffreys(successes, trials)
    assert estimate is not None
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert estimate.support == trials


def test_no_trial_is_no_evidence() -> None:
    assert jeffreys(0, 0) is None


def test_jeffreys_covers_about_95_percent() -> None:
    n, p = 60, 0.8
    covered = sum(
        stats.binom.pmf(s, n, p)
        for s in range(n + 1)
        if (e := jeffreys(s, n)) and e.low <= p <= e.high
    )
    assert 0.93 <= covered <= 0.97


def test_bootstrap_is_seeded_and_leaves_global_state_alone() -> None:
    gold, predicted = np.array([0, 1] * 20), np.array([0, 0, 1, 1] * 10)

    def accuracy(g: np.ndarray, p: np.ndarray) -> float:
        return float((g == p).mean())

    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first = bootstrap(accuracy, gold, predicted, seed=3)
    assert first == bootstrap(accuracy, gold, predicted, seed=3)
    assert first.low < first.value == 0.5 < first.high
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
