"""Training sets hold covered rows only."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weakft import SoftLabels
from weakft.errors import DataError
from weakft.training import TrainingSet

SOFT = SoftLabels(
    np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]]),
    np.array([True, False, True]),
    ("a", "b", "c"),
    ("no", "yes"),
)


def test_rows_nobody_voted_on_stay_out() -> None:
    rows = TrainingSet.from_soft_labels(["one", "two", "three"], SOFT)
    assert rows.texts == ("one", "three")
    assert rows.probs.tolist() == [[0.9, 0.1], [0.2, 0.8]]


def test_nothing_covered_is_refused() -> None:
    nobody = SoftLabels(SOFT.probs, np.zeros(3, bool), SOFT.ids, SOFT.classes)
    with pytest.raises(DataError, match="None of the 3 rows"):
        TrainingSet.from_soft_labels(["one", "two", "three"], nobody)


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan])
def test_weights_are_above_zero(weight: float) -> None:
    with pytest.raises(DataError, match="above 0"):
        TrainingSet(("a",), np.array([[1.0, 0.0]]), np.array([weight]))


def test_parts_add_up() -> None:
    gold = TrainingSet.from_gold(["four"], np.array([1]), 2).weighted(3.0)
    both = TrainingSet.concat([TrainingSet.from_soft_labels(["one", "two", "three"], SOFT), gold])
    assert both.texts == ("one", "three", "four")
    assert both.weights.tolist() == [1, 1, 3]
    assert both.take(np.array([2])).probs.tolist() == [[0, 1]]


@given(st.integers(0, 1000), st.integers(1, 30))
def test_a_text_that_stands_once_weighs_as_much_as_all_its_copies(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    texts = tuple(rng.choice(list("abcdef"), size).tolist())
    rows = TrainingSet(texts, rng.dirichlet([1, 1, 1], size), rng.uniform(0.1, 2, size))
    once = rows.merged()
    assert sorted(once.texts) == sorted(set(texts))
    says = {text: np.log(rng.dirichlet([1, 1, 1])) for text in "abcdef"}

    def loss(of: TrainingSet) -> float:
        logs = np.array([says[text] for text in of.texts])
        return float(-(of.weights[:, None] * of.probs * logs).sum())

    assert loss(once) == pytest.approx(loss(rows))


@given(
    hnp.arrays(np.float64, (12, 3), elements=st.floats(0.01, 1)),
    hnp.arrays(np.float64, 12, elements=st.floats(0.1, 10)),
    st.sampled_from([0.0, 0.5, 1.0]),
)
def test_balanced_rows_weigh_the_loss_of_each_class(
    mass: np.ndarray, weights: np.ndarray, power: float
) -> None:
    """Soft cross-entropy of other targets and row weights is that with a weight for each class."""
    probs = mass / mass.sum(axis=1, keepdims=True)
    rows = TrainingSet(tuple(map(str, range(12))), probs, weights)
    balanced = rows.balanced(power)
    share = weights @ probs / weights.sum()
    of_class = (share + 0.1 / 3) ** -power
    logs = np.log(np.random.default_rng(0).dirichlet(np.ones(3), size=12))
    by_class = -(weights[:, None] * probs * of_class * logs).sum()
    by_row = -(balanced.weights[:, None] * balanced.probs * logs).sum()
    scale = balanced.weights.sum() / (weights[:, None] * probs * of_class).sum()
    assert by_row == pytest.approx(by_class * scale)
    assert balanced.weights.mean() == pytest.approx(1)


def test_a_class_of_one_row_in_a_hundred_is_raised_but_not_all_the_way() -> None:
    probs = np.eye(2)[[0] * 99 + [1]]
    balanced = TrainingSet(tuple(map(str, range(100))), probs, np.ones(100)).balanced()
    share = balanced.weights[-1] / balanced.weights.sum()
    assert share == pytest.approx((1 / 0.06) / (1 / 0.06 + 99 / 1.04))
