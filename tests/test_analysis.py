"""LF statistics on a matrix that can be counted by hand."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from snorkel.labeling import LFAnalysis

from weakft import LabelMatrix
from weakft.analysis import (
    lf_conflicts,
    lf_coverages,
    lf_overlaps,
    lf_polarities,
    lf_summary,
    near_copies,
)
from weakft.labels import Fault

L = np.array(
    [
        [-1, 0, 1, 0],
        [1, -1, 1, 0],
        [-1, -1, 1, -1],
        [-1, -1, -1, -1],
        [1, 1, 1, -1],
        [0, -1, -1, -1],
    ],
    dtype=np.int8,
)
GOLD = np.array([0, 1, 1, 0, 1, 1])


def test_statistics_counted_by_hand() -> None:
    assert lf_coverages(L).tolist() == pytest.approx([3 / 6, 2 / 6, 4 / 6, 2 / 6])
    assert lf_overlaps(L).tolist() == pytest.approx([2 / 6, 2 / 6, 3 / 6, 2 / 6])
    assert lf_conflicts(L).tolist() == pytest.approx([1 / 6, 1 / 6, 2 / 6, 2 / 6])
    assert lf_polarities(L) == [[0, 1], [0, 1], [1], [0]]


@pytest.mark.filterwarnings("ignore::FutureWarning")  # snorkel's use of scipy
@given(
    hnp.arrays(
        np.int8, st.tuples(st.integers(1, 9), st.integers(1, 5)), elements=st.integers(-1, 2)
    )
)
def test_statistics_are_snorkels(values: np.ndarray) -> None:
    theirs = LFAnalysis(values.astype(int))
    assert lf_coverages(values).tolist() == pytest.approx(theirs.lf_coverages().tolist())
    assert lf_overlaps(values).tolist() == pytest.approx(theirs.lf_overlaps().tolist())
    assert lf_conflicts(values).tolist() == pytest.approx(theirs.lf_conflicts().tolist())


def test_the_summary_measures_on_dev_and_says_where_there_is_no_evidence() -> None:
    silent = np.full((6, 1), -1, dtype=np.int8)
    values = np.hstack([L, silent])
    names = ("a", "b", "c", "d", "silent")
    matrix = LabelMatrix(values, names, tuple("uvwxyz"), (Fault("b", 2, "u", "..."),))
    table = lf_summary(matrix, ["no", "yes"], dev=(matrix, GOLD)).set_index("lf")
    assert table.loc["a", "accuracy"] == pytest.approx(2 / 3)
    assert table.loc["a", "accuracy_low"] < 2 / 3 < table.loc["a", "accuracy_high"]
    assert table["support"].tolist() == [3, 2, 4, 2, 0]
    assert pd.isna(table.loc["silent", "accuracy"])
    assert table.loc["silent", "votes_for"] == ""
    assert table["faults"].tolist() == [0, 2, 0, 0, 0]


def test_near_copies_are_found_and_others_are_not() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(-1, 2, size=200).astype(np.int8)
    other = rng.integers(-1, 2, size=200).astype(np.int8)
    copy = first.copy()
    copy[np.flatnonzero(first >= 0)[:2]] = -1
    matrix = LabelMatrix.from_array(np.stack([first, other, copy], axis=1))
    assert [(c.first, c.second) for c in near_copies(matrix)] == [("lf_0", "lf_2")]
