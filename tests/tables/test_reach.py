"""How far LFs reach into each class, against a plain loop."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from weakft.tables.columns import Columns
from weakft.tables.reach import class_reach

CLASSES = ("ham", "spam", "other")


@given(
    st.lists(
        st.tuples(st.integers(-1, 2), st.lists(st.integers(-1, 2), min_size=3, max_size=3)),
        min_size=1,
        max_size=20,
    )
)
def test_every_share_is_that_of_a_loop(rows: list[tuple[int, list[int]]]) -> None:
    gold = np.array([of_row for of_row, _ in rows])
    L = np.array([votes for _, votes in rows], dtype=np.int8)
    soft = np.eye(3)[np.maximum(L[:, 0], 0)]
    told = class_reach(Columns.of(L, gold, (soft, L[:, 0] >= 0), None), L, CLASSES)
    for k, each in enumerate(told):
        of_class = [votes for of_row, votes in rows if of_row == k]
        said = [of_row for of_row, votes in rows if of_row >= 0 for vote in votes if vote == k]
        assert each["class"] == CLASSES[k]
        assert each["lfs"] == sum(any(votes[j] == k for _, votes in rows) for j in range(3))
        assert each["reached_support"] == each["labelled_support"] == len(of_class)
        assert each["votes"] == each["right_support"] == len(said)
        if of_class:
            assert each["reached"] == sum(k in votes for votes in of_class) / len(of_class)
            assert each["labelled"] == sum(votes[0] == k for votes in of_class) / len(of_class)
        if said:
            assert each["right"] == said.count(k) / len(said)
        else:
            assert each["right"] is None
