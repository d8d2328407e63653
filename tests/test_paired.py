"""Two models on the same rows, counted by hand and against a bootstrap that draws rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weakft.evaluation.metrics import macro_f1, scores
from weakft.evaluation.paired import bounded_losses, compare_predictions
from weakft.intervals import jeffreys

TRIPLES = st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=40)


def test_four_rows_by_hand() -> None:
    gold, old, new = np.array([1, 1, 0, 0]), np.array([1, 1, 1, 1]), np.array([1, 0, 0, 0])
    paired = compare_predictions(gold, old, new, 2)
    assert (paired.rows, paired.only_old_right, paired.only_new_right) == (4, 1, 2)
    assert paired.p_value == 1.0
    assert (paired.accuracy.old, paired.accuracy.new) == (jeffreys(2, 4), jeffreys(3, 4))
    assert paired.accuracy.difference.value == pytest.approx(1 / 4)
    f1 = paired.macro_f1
    assert f1.old.value == pytest.approx((0 + 2 / 3) / 2)
    assert f1.new.value == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert f1.difference.value == pytest.approx(f1.new.value - f1.old.value)


def test_ten_discordant_rows_on_one_side_are_no_luck() -> None:
    gold = np.zeros(30, dtype=int)
    old = np.repeat([0, 1], [20, 10])
    paired = compare_predictions(gold, old, gold, 2)
    assert (paired.only_old_right, paired.only_new_right) == (0, 10)
    assert paired.p_value == pytest.approx(2 / 2**10)
    assert paired.accuracy.difference.low > 0


@settings(deadline=None)
@given(TRIPLES)
def test_values_are_those_of_each_model_alone(triples: list[tuple[int, int, int]]) -> None:
    gold, old, new = np.array(triples).T
    paired = compare_predictions(gold, old, new, 4, resamples=20)
    for predicted, side in ((old, "old"), (new, "new")):
        alone = scores(gold, predicted, 4, resamples=1)
        assert getattr(paired.accuracy, side).as_dict() == alone["accuracy"]
        f1 = getattr(paired.macro_f1, side)
        assert f1.value == pytest.approx(macro_f1(gold, predicted, 4))
    right = paired.only_new_right - paired.only_old_right
    assert paired.accuracy.difference.value * len(gold) == pytest.approx(right)


@settings(deadline=None)
@given(TRIPLES)
def test_a_model_is_no_better_than_itself(triples: list[tuple[int, int, int]]) -> None:
    gold, same, _ = np.array(triples).T
    paired = compare_predictions(gold, same, same, 4, resamples=20)
    for gain in (paired.accuracy.difference, paired.macro_f1.difference):
        assert (gain.low, gain.value, gain.high) == (0, 0, 0)
    assert paired.p_value == 1


@settings(deadline=None)
@given(TRIPLES)
def test_which_of_two_is_the_old_one_does_not_matter(triples: list[tuple[int, int, int]]) -> None:
    gold, old, new = np.array(triples).T
    assert compare_predictions(gold, old, new, 4, resamples=50) == (
        compare_predictions(gold, new, old, 4, resamples=50).mirrored()
    )


def test_the_interval_is_that_of_drawing_rows() -> None:
    rng = np.random.default_rng(5)
    gold = rng.integers(0, 3, 300)
    old, new = (
        np.where(rng.random(300) < share, gold, rng.integers(0, 3, 300)) for share in (0.6, 0.7)
    )
    paired = compare_predictions(gold, old, new, 3)
    draws = rng.integers(0, 300, size=(2000, 300))
    f1s = [[macro_f1(gold[d], side[d], 3) for side in (old, new)] for d in draws]
    gains = {
        "accuracy": ((new == gold)[draws].mean(axis=1) - (old == gold)[draws].mean(axis=1)),
        "macro_f1": np.diff(f1s, axis=1)[:, 0],
    }
    for name, drawn in gains.items():
        gain = getattr(paired, name).difference
        low, high = np.quantile(drawn, [0.025, 0.975])
        assert (gain.low, gain.high) == pytest.approx((low, high), abs=0.01)
        assert gain.high - gain.low > 0.1


def test_the_bootstrap_is_seeded_whatever_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    gold, old, new = np.random.default_rng(1).integers(0, 2, size=(3, 50))
    whole = compare_predictions(gold, old, new, 2, seed=3)
    assert compare_predictions(gold, old, new, 2, seed=4) != whole
    monkeypatch.setattr("weakft.evaluation.paired.CHUNK", 100)
    assert compare_predictions(gold, old, new, 2, seed=3) == whole


def test_a_class_without_gold_rows_has_no_recall() -> None:
    losses = bounded_losses(np.array([0, 0, 1]), np.array([0, 0, 1]), np.array([0, 2, 1]), 3)
    assert [recall is None for recall in losses.recalls] == [False, False, True]
    assert losses.accuracy.value == pytest.approx(-1 / 3)
    assert losses.accuracy.low < losses.accuracy.value <= losses.accuracy.high
