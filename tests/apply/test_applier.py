"""Applying LFs: the order of the rows, honest votes, counted faults."""

from enum import IntEnum
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from snorkel.preprocess import preprocessor

from weakft import ABSTAIN, LabelingFunction, apply_lfs, keyword_lf, labeling_function
from weakft.apply import applier
from weakft.errors import ConfigError, InvalidVote, LFError

FRAME = pd.DataFrame({"id": ["a", "b", "c"], "text": ["one", "two", "three"]})


class Label(IntEnum):
    HAM = 0
    SPAM = 1


def returning(vote: Any) -> LabelingFunction:  # noqa: ANN401
    return LabelingFunction("returns", lambda x: vote)


@given(st.lists(st.text(max_size=5), max_size=20), st.randoms(use_true_random=False))
def test_order_is_the_inputs_for_any_index(texts: list[str], random: Any) -> None:  # noqa: ANN401
    lf = LabelingFunction("length", lambda x: min(len(x.text), 3))
    index = [random.choice("xyz") for _ in texts]
    frame = pd.DataFrame({"text": pd.Series(texts, dtype="str").to_numpy()}, index=index)
    assert apply_lfs([lf], frame).values[:, 0].tolist() == [min(len(t), 3) for t in texts]


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    lf = LabelingFunction("digit", lambda x: int(x.id) % 3)
    frame = pd.DataFrame({"id": [str(i) for i in range(10)]})
    whole = apply_lfs([lf], frame)
    monkeypatch.setattr(applier, "CHUNK_ROWS", 3)
    assert (apply_lfs([lf], frame).values == whole.values).all()


@pytest.mark.parametrize("vote", [0, np.int64(0), np.int8(0), Label.HAM])
def test_integers_of_any_kind_are_votes(vote: Any) -> None:  # noqa: ANN401
    assert apply_lfs([returning(vote)], FRAME).values.tolist() == [[0], [0], [0]]


def test_none_abstains() -> None:
    assert apply_lfs([returning(None)], FRAME).values.tolist() == [[ABSTAIN]] * 3


@pytest.mark.parametrize("vote", ["0", 0.0, 0.9, float("nan"), -2, 2, 300, True, np.bool_(True)])
def test_anything_else_is_refused_by_name(vote: Any) -> None:  # noqa: ANN401
    with pytest.raises(InvalidVote, match=r"'returns' returned .* on row 'a'"):
        apply_lfs([returning(vote)], FRAME, cardinality=2)


def test_faults_are_counted_with_the_first_row_and_traceback() -> None:
    @labeling_function()
    def fragile(x: Any) -> int:  # noqa: ANN401
        return {"one": 1}[x.text]

    L = apply_lfs([fragile, keyword_lf("twos", ["two"], 0)], FRAME)
    assert L.values.tolist() == [[1, -1], [-1, 0], [-1, -1]]
    (fault,) = L.faults
    assert (fault.lf_name, fault.count, fault.row_id) == ("fragile", 2, "b")
    assert "KeyError: 'two'" in fault.traceback


def test_any_column_name_works() -> None:
    frame = pd.DataFrame({"name": ["n"], "size": [7]})
    lf = LabelingFunction("both", lambda x: 1 if (x.name, x["size"], x.get("no", 0)) else 0)
    assert apply_lfs([lf], frame).values.tolist() == [[1]]


def test_a_missing_column_is_named_in_the_fault() -> None:
    lf = LabelingFunction("typo", lambda x: 1 if x.txt else 0)
    assert "no column 'txt'" in apply_lfs([lf], FRAME).faults[0].traceback


def test_snorkel_preprocessors_run_on_a_copy() -> None:
    @preprocessor()
    def shout(x: Any) -> Any:  # noqa: ANN401
        x.text = x.text.upper()
        return x

    @labeling_function(pre=[shout])
    def shouts(x: Any) -> int:  # noqa: ANN401
        return 1 if x.text.isupper() else 0

    quiet = LabelingFunction("quiet", lambda x: 0 if x.text.islower() else 1)
    assert apply_lfs([shouts, quiet], FRAME).values.tolist() == [[1, 0]] * 3


def test_ids_come_from_the_column_or_the_index() -> None:
    assert apply_lfs([returning(0)], FRAME).ids == ("a", "b", "c")
    assert apply_lfs([returning(0)], FRAME.drop(columns="id")).ids == ("0", "1", "2")


def test_no_rows_give_an_empty_matrix() -> None:
    assert apply_lfs([returning(0)], FRAME.iloc[:0]).values.shape == (0, 1)


def test_no_lf_and_no_lf_object_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least one"):
        apply_lfs([], FRAME)
    with pytest.raises(LFError, match="got function"):
        apply_lfs([lambda x: 0], FRAME)  # type: ignore[list-item]
    with pytest.raises(LFError, match="twice"):
        apply_lfs([returning(0), returning(1)], FRAME)
