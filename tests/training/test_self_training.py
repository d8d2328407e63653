"""A teacher's sure opinions, and no others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from weakft.errors import DataError
from weakft.training.self_training import LEAST_WEIGHT, self_taught

SCORES = arrays(float, st.tuples(st.integers(1, 20), st.just(3)), elements=st.floats(-6, 6))


@given(SCORES)
def test_targets_are_distributions_of_sure_rows(scores: np.ndarray) -> None:
    probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    texts = tuple(str(row) for row in range(len(probs)))
    try:
        rows = self_taught(texts, probs)
    except DataError:
        return
    assert (rows.weights > LEAST_WEIGHT).all() and (rows.weights <= 1).all()
    assert np.allclose(rows.probs.sum(axis=1), 1)
    chosen = [int(text) for text in rows.texts]
    assert (probs[chosen].max(axis=1) > 0.6).all()


def test_a_class_that_is_rare_in_the_pool_is_raised() -> None:
    probs = np.array([[0.95, 0.05], [0.95, 0.05], [0.95, 0.05], [0.05, 0.95]])
    rows = self_taught(("a", "b", "c", "d"), probs)
    assert rows.probs[3, 1] > rows.probs[0, 0]


def test_a_teacher_who_is_sure_of_nothing_teaches_nothing() -> None:
    with pytest.raises(DataError, match="sure of no row"):
        self_taught(("a",), np.array([[0.5, 0.5]]))
