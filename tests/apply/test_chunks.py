"""Any way of computing the matrix gives the same matrix."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from snorkel.preprocess import Preprocessor, preprocessor

from weakft import (
    ABSTAIN,
    LabelingFunction,
    apply_lfs,
    keyword_lf,
    labeling_function,
    lookup_lf,
    model_lf,
    regex_lf,
    threshold_lf,
)
from weakft.apply import applier
from weakft.data.cells import to_columns
from weakft.errors import InvalidVote, LFError
from weakft.labels import LabelMatrix
from weakft.lf import ColumnLF, load_lfs

LF_FILE = """
import os, time
from weakft import keyword_lf, labeling_function

hails = keyword_lf("hails", ["hi", "hello"], 0)

@labeling_function()
def long(x):
    return 1 if len(x.text) > 4 else None

@labeling_function()
def hates_b(x):
    if "b" in x.text:
        raise ValueError(x.text)
    return 0
"""


class Vowels:
    def predict_proba(self, texts: list[str]) -> Any:  # noqa: ANN401
        return [[p := sum(c in "aeiou" for c in t) / (len(t) or 1), 1 - p] for t in texts]


@labeling_function()
def fragile(x: Any) -> int:  # noqa: ANN401
    return {"a": 0, "ab": 1}[x.text]


@labeling_function()
def cheap(x: Any) -> int | None:  # noqa: ANN401
    return 0 if x.text.startswith("a") and x.price else None


@labeling_function()
def priced(x: Any) -> int:  # noqa: ANN401
    return 1 if x["price"] is not None and x.get("price") > 1 else ABSTAIN


LFS = [
    keyword_lf("greets", ["hi", "a b"], 1),
    regex_lf("starts_with_a", "^A", 0, flags=re.IGNORECASE),
    regex_lf("anything", "x*", 1),
    lookup_lf("mood", {"a": 0, "b": 1}),
    lookup_lf("exactly_ab", ["ab"], 1, whole_cell=True),
    threshold_lf("dear", "price", 1, at_least=2),
    model_lf("vowels", Vowels(), labels=[1, 0], at_least=0.6),
    fragile,
    cheap,
    priced,
]

rows = st.lists(
    st.tuples(st.text("ab hiAé", max_size=5), st.none() | st.integers(0, 3)), max_size=30
)


def frame_of(cells: list[tuple[str, int | None]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [f"r{i}" for i in range(len(cells))],
            "text": pd.Series([text for text, _ in cells], dtype=object),
            "price": pd.Series([price for _, price in cells], dtype=object),
        }
    )


def one_by_one(lfs: list[LabelingFunction], frame: pd.DataFrame) -> tuple[Any, dict[str, int]]:
    """The matrix by calling each LF on each row, and how often each raised."""
    votes = np.full((len(frame), len(lfs)), ABSTAIN)
    raised: dict[str, int] = {}
    for i, row in enumerate(pd.DataFrame(to_columns(frame), dtype=object).itertuples()):
        record = type("Record", (), {**row._asdict(), "get": row._asdict().get})
        record.__class_getitem__ = lambda name, row=row: getattr(row, name)  # type: ignore[attr-defined]
        for j, lf in enumerate(lfs):
            try:
                votes[i, j] = lf(record)
            except Exception:
                raised[lf.name] = raised.get(lf.name, 0) + 1
    return votes, raised


def assert_same(one: LabelMatrix, other: LabelMatrix) -> None:
    assert (one.values == other.values).all()
    assert one.ids == other.ids and one.lf_names == other.lf_names
    counts = [{f.lf_name: (f.count, f.row_id) for f in L.faults} for L in (one, other)]
    assert counts[0] == counts[1]


@settings(deadline=None)
@given(rows)
def test_the_matrix_is_that_of_one_call_a_row(cells: list[tuple[str, int | None]]) -> None:
    L = apply_lfs(LFS, frame_of(cells))
    votes, raised = one_by_one(LFS, frame_of(cells))
    assert L.values.tolist() == votes.tolist()
    assert {fault.lf_name: fault.count for fault in L.faults} == raised


@settings(deadline=None)
@given(rows, st.integers(1, 9))
def test_chunks_do_not_show(cells: list[tuple[str, int | None]], size: int) -> None:
    whole = apply_lfs(LFS, frame_of(cells))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(applier, "CHUNK_ROWS", size)
        assert_same(apply_lfs(LFS, frame_of(cells)), whole)


def test_processes_do_not_show(tmp_path: Path) -> None:
    file = tmp_path / "lfs.py"
    file.write_text(LF_FILE)
    lfs = [*load_lfs([file], tmp_path), *LFS[:7]]
    texts = [f"hi {i % 7}" if i % 3 else "a b" for i in range(50)]
    frame = frame_of([(text, i % 4) for i, text in enumerate(texts)])
    frame.index = [0] * 50
    assert_same(apply_lfs(lfs, frame, workers=2), apply_lfs(lfs, frame))


def test_an_edited_file_is_read_anew_by_processes(tmp_path: Path) -> None:
    file = tmp_path / "lfs.py"
    for word in ("hi", "a"):
        file.write_text(LF_FILE.replace('"hi", "hello"', f'"{word}"'))
        frame = frame_of([("hi", 1), ("a", 1)])
        L = apply_lfs(load_lfs([file], tmp_path)[:1], frame, workers=2)
        assert L.values[:, 0].tolist() == ([0, -1] if word == "hi" else [-1, 0])


def test_a_process_that_dies_is_an_error_not_a_vote(tmp_path: Path) -> None:
    file = tmp_path / "lfs.py"
    file.write_text(LF_FILE + "\n@labeling_function()\ndef exits(x):\n    os._exit(9)\n")
    with pytest.raises(LFError, match="One of 2 processes"):
        apply_lfs(load_lfs([file], tmp_path), frame_of([("hi", 1)] * 9), workers=2)


def test_a_slow_row_is_a_fault_and_the_others_vote() -> None:
    @labeling_function()
    def hangs_on_b(x: Any) -> int:  # noqa: ANN401
        while x.text == "b":
            pass
        return 0

    L = apply_lfs([hangs_on_b], frame_of([("a", 1), ("b", 1), ("c", 1)]), time_limit=0.05)
    assert L.values.tolist() == [[0], [-1], [0]]
    assert "no vote within 0.05 seconds" in L.faults[0].traceback


def test_a_slow_row_is_a_fault_in_processes_too(tmp_path: Path) -> None:
    file = tmp_path / "lfs.py"
    file.write_text(
        LF_FILE
        + "\n@labeling_function()\ndef hangs(x):\n    while x.text == 'b': pass\n    return 1"
    )
    frame = frame_of([(text, i) for i, text in enumerate("abcde" * 3)])
    L = apply_lfs(load_lfs([file], tmp_path), frame, workers=2, time_limit=0.05)
    assert L.values[:, -1].tolist() == [1, -1, 1, 1, 1] * 3
    assert {f.lf_name: f.count for f in L.faults} == {"hates_b": 3, "hangs": 3}


def test_repeated_texts_are_looked_at_once() -> None:
    calls: list[str] = []
    frame = frame_of([("a", 1), ("b", 2), ("a", 3), ("b", 1), ("a", 0)])
    once = LabelingFunction("once", lambda x: calls.append(x.text))
    apply_lfs([once], frame)
    assert calls == ["a", "b"]


@pytest.mark.parametrize("pure", [True, False])
def test_impure_lfs_see_every_row(pure: bool) -> None:
    calls: list[str] = []
    lf = LabelingFunction("counts", lambda x: calls.append(x.text), pure=pure)
    apply_lfs([lf], frame_of([("a", 1)] * 5))
    assert len(calls) == (1 if pure else 5)


@pytest.mark.parametrize(
    "reads",
    [
        lambda x: list(x)[2],
        lambda x: x["price"],
        lambda x: x.get("price"),
        lambda x: x.price,
        lambda x: swallowing(x),
    ],
)
def test_repeated_texts_of_different_rows_are_told_apart(reads: Any) -> None:  # noqa: ANN401
    frame = frame_of([("a", 1), ("a", 2), ("a", 3)])
    assert apply_lfs([LabelingFunction("p", reads)], frame).values.tolist() == [[1], [2], [3]]


def swallowing(x: Any) -> int:  # noqa: ANN401
    try:
        return int(x.price)
    except:  # noqa: E722
        return ABSTAIN


def test_columns_called_like_methods_of_tuples_are_columns() -> None:
    frame = frame_of([("a", 1), ("a", 2)]).assign(count=[0, 1], index=[1, 1])
    lf = LabelingFunction("counts", lambda x: x.index if x.count > 0 else None)
    assert apply_lfs([lf], frame).values.tolist() == [[-1], [1]]


def test_preprocessors_run_once_a_row_for_all_lfs_that_share_them() -> None:
    calls: list[str] = []

    @preprocessor()
    def shout(x: Any) -> Any:  # noqa: ANN401
        calls.append(x.text)
        x.text = x.text.upper()
        return x

    lfs = [
        LabelingFunction(f"lf_{j}", lambda x: 1 if x.text.isupper() else 0, pre=[shout])
        for j in range(3)
    ]
    frame = frame_of([("a", 1), ("b", 1)])
    assert apply_lfs(lfs, frame).values.tolist() == [[1, 1, 1]] * 2
    assert calls == ["a", "b"] and frame["text"].tolist() == ["a", "b"]


class Parser:
    """What spaCy's Language does for a preprocessor."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, text: str) -> list[str]:
        self.calls.append(text)
        if text == "odd":
            raise ValueError(text)
        return text.split()

    def pipe(self, texts: list[str]) -> Any:  # noqa: ANN401
        self.calls.append("pipe")
        return (text.split() if text != "odd" else [][0] for text in texts)


class Parsing(Preprocessor):
    def __init__(self, nlp: Parser) -> None:
        super().__init__("parsing", {"text": "text"}, {"doc": "words"})
        self._nlp = nlp

    def run(self, text: str) -> Any:  # noqa: ANN401
        return {"doc": self._nlp(text)}


@pytest.mark.parametrize("odd", [True, False])
def test_parsers_see_all_texts_at_once(odd: bool) -> None:
    @preprocessor()
    def count(x: Any) -> Any:  # noqa: ANN401
        x.count = len(x.words)
        return x

    nlp = Parser()
    lf = LabelingFunction("several", lambda x: 1 if x.count > 1 else 0, pre=[Parsing(nlp), count])
    texts = ["a b", "odd" if odd else "c", "d e f"]
    L = apply_lfs([lf], frame_of([(text, 1) for text in texts]))
    assert L.values.ravel().tolist() == [1, -1 if odd else 0, 1]
    assert nlp.calls == (["pipe", *texts] if odd else ["pipe"])
    assert [fault.row_id for fault in L.faults] == (["r1"] if odd else [])


def test_votes_of_declarative_lfs_are_checked_too() -> None:
    frame = frame_of([("a", 1), ("hi", 2)])
    with pytest.raises(InvalidVote, match=r"'greets' returned 7 .* on row 'r1'"):
        apply_lfs([keyword_lf("greets", ["hi"], 7)], frame, cardinality=2)
    with pytest.raises(InvalidVote, match=r"'half' returned 0\.5 .* on row 'r0'"):
        apply_lfs([ColumnLF("half", "text", lambda cells: [0.5] * len(cells))], frame)  # type: ignore[list-item]


def test_rows_are_read_only() -> None:
    @labeling_function()
    def writes(x: Any) -> int:  # noqa: ANN401
        x.text = "spam"
        return 0

    assert apply_lfs([writes], frame_of([("a", 1)])).faults[0].count == 1


def test_what_each_lf_cost_is_measured() -> None:
    assert len(apply_lfs(LFS, frame_of([("a", 1)])).seconds) == len(LFS)


@pytest.mark.parametrize("copies", [1, 3])
def test_a_pattern_that_hangs_is_a_fault_on_that_row_only(copies: int) -> None:
    texts = ["aab", "a" * 40 + "!", "x"] * copies
    hangs = regex_lf("hangs", r"^(a+)+(?=b)", 1)
    L = apply_lfs([hangs], frame_of([(text, 1) for text in texts]), time_limit=0.05)
    assert L.values.ravel().tolist() == [1, -1, -1] * copies
    assert L.faults[0].count == copies and L.faults[0].row_id == "r1"


def test_lfs_found_in_one_scan_share_its_time() -> None:
    L = apply_lfs([keyword_lf(w, [w], 1) for w in "abc"], frame_of([("a", 1)] * 9))
    assert all(seconds > 0 for seconds in L.seconds)
