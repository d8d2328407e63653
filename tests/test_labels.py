"""LabelMatrix and SoftLabels: checked when made, unchanged by a round trip."""

from pathlib import Path

import hypothesis.extra.numpy as hnp
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weakft import ABSTAIN, LabelMatrix, SoftLabels, apply_lfs, keyword_lf, make_label_model
from weakft.errors import DataError
from weakft.labels import TIE, hard_labels

matrices = hnp.arrays(
    np.int8,
    hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6),
    elements=st.integers(-1, 3),
)


def test_covered_rows_have_a_vote() -> None:
    L = LabelMatrix.from_array([[0, -1], [-1, -1], [-1, 1]])
    assert L.covered.tolist() == [True, False, True]


@pytest.mark.parametrize(
    "values",
    [[0, 1], [[0.0, 1.0]], [[-2]], [[1000]], [[True]], [["0"]]],
    ids=["one dimension", "floats", "below abstain", "too large", "booleans", "strings"],
)
def test_what_is_no_label_matrix_is_refused(values: object) -> None:
    with pytest.raises(DataError, match=r"[Vv]ote|dimensions"):
        LabelMatrix.from_array(values)  # type: ignore[arg-type]


def test_repeated_lf_names_are_refused() -> None:
    with pytest.raises(DataError, match="same"):
        LabelMatrix(np.zeros((1, 2), np.int8), ("same", "same"), ("a",))


def test_votes_cannot_be_changed_afterwards() -> None:
    L = LabelMatrix.from_array([[0]])
    with pytest.raises(ValueError, match="read-only"):
        L.values[0, 0] = 1


@given(values=matrices)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_a_matrix_survives_the_disk(values: np.ndarray, tmp_path: Path) -> None:
    L = LabelMatrix.from_array(values)
    L.save(tmp_path / "votes.parquet")
    loaded = LabelMatrix.load(tmp_path / "votes.parquet")
    assert (loaded.values == L.values).all()
    assert (loaded.lf_names, loaded.ids) == (L.lf_names, L.ids)
    assert loaded.values.dtype == np.int8


@pytest.mark.parametrize(
    "column", [[65_536, 0], [-2, 0], [0.5, 0.0], ["0", "1"], pd.array([0, None], dtype="Int8")]
)
def test_votes_on_disk_are_checked_before_they_are_narrowed(column: object, tmp_path: Path) -> None:
    path = tmp_path / "votes.parquet"
    pd.DataFrame({"id": ["a", "b"], "lf": column}).to_parquet(path, index=False)
    with pytest.raises(DataError, match="'lf'"):
        LabelMatrix.load(path)


def test_votes_on_disk_have_one_row_an_id(tmp_path: Path) -> None:
    path = tmp_path / "votes.parquet"
    pd.DataFrame({"id": ["a", "a"], "lf": [0, 1]}).to_parquet(path, index=False)
    with pytest.raises(DataError, match="'a' occurs more than once"):
        LabelMatrix.load(path)


def test_no_lf_is_called_id() -> None:
    with pytest.raises(DataError, match="cannot be called 'id'"):
        LabelMatrix(np.zeros((1, 1), np.int8), ("id",), ("a",))


def test_soft_labels_survive_the_disk(tmp_path: Path) -> None:
    soft = SoftLabels(np.array([[0.2, 0.8]]), np.array([True]), ("a",), ("no", "yes"))
    soft.save(tmp_path / "soft.parquet")
    loaded = SoftLabels.load(tmp_path / "soft.parquet", ("no", "yes"))
    assert (loaded.probs == soft.probs).all()
    assert loaded.ids == soft.ids


@pytest.mark.parametrize("row", [[0.5, 0.6], [np.nan, 1.0], [-0.1, 1.1]])
def test_a_row_that_is_no_distribution_is_named(row: list[float]) -> None:
    with pytest.raises(DataError, match="'bad-row'"):
        SoftLabels(np.array([row]), np.array([True]), ("bad-row",), ("no", "yes"))


def test_abstain_is_minus_one() -> None:
    assert ABSTAIN == -1


@given(st.integers(2, 5), st.integers(0, 10_000))
def test_a_hard_label_does_not_hang_on_the_order_of_the_classes(k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(4, np.full(k, 1 / k), 30)
    probs = counts / 4 + rng.uniform(-1e-10, 1e-10, (30, k))
    order = rng.permutation(k)
    labels, turned = hard_labels(probs), hard_labels(probs[:, order])
    tied = np.array([(row == row.max()).sum() > 1 for row in counts])
    assert (labels == np.where(tied, TIE, counts.argmax(axis=1))).all()
    assert (np.where(turned == TIE, TIE, order[turned]) == labels).all()


def test_rows_on_which_votes_contradict_each_other_evenly_have_no_label() -> None:
    texts = [f"{['alpha beta', 'alpha', 'beta', 'gamma'][i % 4]} word{i}" for i in range(120)]
    frame = pd.DataFrame({"id": [f"t{i}" for i in range(120)], "text": texts})
    L = apply_lfs([keyword_lf("a", ["alpha"], 1), keyword_lf("b", ["beta"], 0)], frame)
    for name in ("majority_vote", "one_coin", "auto"):
        probs = make_label_model(name, 2).fit(L).predict_proba(L)
        soft = SoftLabels(probs, L.covered, L.ids, ("neg", "pos"))
        assert soft.hard.tolist() == [TIE, 1, 0, ABSTAIN] * 30
