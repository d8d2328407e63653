"""Training sets hold covered rows only."""

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


def test_hardened_rows_whose_classes_tie_stay_soft() -> None:
    probs = np.array([[0.5, 0.5], [0.4, 0.6]])
    rows = TrainingSet(("a", "b"), probs, np.ones(2)).hardened()
    assert rows.probs.tolist() == [[0.5, 0.5], [0, 1]]
