"""Near copies in the summaries are those that the analysis finds, with numbers counted by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weakft.analysis import near_copies
from weakft.intervals import jeffreys
from weakft.labels import LabelMatrix
from weakft.tables.copies import near_copies_among
from weakft.tables.summaries import pairs


def found(L: np.ndarray, names: str) -> list[dict]:
    return near_copies_among(pairs(L.astype(np.int8), list(names)))


def test_overlap_and_agreement_are_counted() -> None:
    """Of 50 rows the first votes on 40, the second on 38 of those and 2 more; one vote differs."""
    L = np.full((50, 2), -1)
    L[:40, 0] = 1
    L[2:42, 1] = 1
    L[2, 1] = 0
    (pair,) = found(L, "ab")
    assert (pair["votes_first"], pair["votes_second"], pair["agree"]) == (40, 40, 37)
    assert (pair["overlap"], pair["overlap_support"]) == (38 / 42, 42)
    assert (pair["agreement"], pair["agreement_support"]) == (37 / 38, 38)
    share = jeffreys(37, 38)
    assert share is not None
    assert (pair["agreement_low"], pair["agreement_high"]) == (share.low, share.high)
    assert pair["expected_agree"] == pytest.approx(40 * 39 / 50, abs=0.01)


@pytest.mark.parametrize(("rows", "is_copy"), [(19, False), (20, True)])
def test_few_rows_are_no_evidence(rows: int, is_copy: bool) -> None:
    assert bool(found(np.ones((rows, 2)), "ab")) == is_copy


def test_those_that_agree_on_most_rows_come_first() -> None:
    L = np.full((100, 4), -1)
    L[:30, :2] = 1
    L[:, 2:] = 0
    assert [(pair["first"], pair["second"]) for pair in found(L, "abcd")] == [
        ("c", "d"),
        ("a", "b"),
    ]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), kept=st.floats(0.7, 1), told=st.floats(0.9, 1))
def test_they_are_those_of_the_analysis(seed: int, kept: float, told: float) -> None:
    """Two LFs and a copy of each that abstains or differs now and then."""
    rng = np.random.default_rng(seed)
    L = rng.integers(-1, 3, (120, 2))
    copy = np.where(rng.random(L.shape) < kept, L, -1)
    differs = (rng.random(L.shape) > told) & (copy >= 0)
    L = np.hstack([L, np.where(differs, (copy + 1) % 3, copy)])
    expected = near_copies(LabelMatrix.from_array(L))
    among = near_copies_among(pairs(L.astype(np.int8), ["lf_0", "lf_1", "lf_2", "lf_3"]))
    assert {(c["first"], c["second"], c["agreement"], c["agreement_support"]) for c in among} == {
        (c.first, c.second, c.agreement, c.rows) for c in expected
    }
