"""Whatever an LF raises or returns: its votes, its fault on that row, or a refusal by name."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from snorkel.preprocess import preprocessor

from weakft import ABSTAIN, LabelingFunction, apply_lfs, labeling_function, regex_lf
from weakft.apply import VoteCache, apply_parquet
from weakft.errors import FaultBudgetExceeded, InvalidVote, LFError
from weakft.labels import Fault
from weakft.lf import ColumnLF, load_lfs
from weakft.runs import write_json

FRAME = pd.DataFrame({"id": ["a", "b", "c"], "text": ["x", "y", "z"], "n": [1, 2, 3]})


class Base(BaseException):
    pass


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise KeyboardInterrupt

    __repr__ = __str__


class Falsy(Exception):
    def __bool__(self) -> bool:
        raise RuntimeError("no truth")


class Disguised(Exception):
    @property
    def __class__(self) -> Any:  # noqa: ANN401
        raise RuntimeError("no class")


def chained() -> BaseException:
    first, second = ValueError(1), ValueError(2)
    first.__cause__, second.__cause__ = second, first
    return first


def deep() -> BaseException:
    error = ValueError(0)
    for number in range(3000):
        following = ValueError(number)
        following.__cause__, error = error, following
    return error


ERRORS: dict[str, Callable[[], BaseException]] = {
    "base": lambda: Base("boom"),
    "cancelled": asyncio.CancelledError,
    "generator_exit": GeneratorExit,
    "keyboard_interrupt": KeyboardInterrupt,
    "system_exit": lambda: SystemExit(3),
    "stop_iteration": lambda: StopIteration("s"),
    "stop_async_iteration": StopAsyncIteration,
    "unspeakable": Unspeakable,
    "falsy": Falsy,
    "disguised": Disguised,
    "surrogate": lambda: ValueError("bad \ud800 text"),
    "control": lambda: ValueError("\x00\x1b[31mred\r\nfake line"),
    "huge": lambda: ValueError("x" * 10**7),
    "group": lambda: ExceptionGroup("g", [ValueError(1), Unspeakable()]),
    "deep": deep,
    "chained": chained,
    "recursion": RecursionError,
}


def raising(make: Callable[[], BaseException], row: str = "") -> LabelingFunction:
    def odd(x: Any) -> int:  # noqa: ANN401
        if not row or x.text == row:
            raise make()
        return 1

    return LabelingFunction("odd", odd)


def assert_plain(fault: Fault, folder: Path) -> None:
    assert fault.traceback.strip() and len(fault.traceback) < 60_000
    assert not set(fault.traceback) & set("\x00\x1b\r\ud800")
    write_json(folder / "faults.json", {"faults": [vars(fault)]})
    assert Fault(**json.loads((folder / "faults.json").read_text())["faults"][0]) == fault


@pytest.mark.parametrize("kind", ERRORS)
def test_whatever_an_lf_raises_is_its_fault_on_that_row(kind: str, tmp_path: Path) -> None:
    cache = VoteCache(tmp_path / "votes.sqlite")
    lf = raising(ERRORS[kind], row="y")
    for _ in range(2):
        L = apply_lfs([lf], FRAME, cache=cache)
        assert L.values.ravel().tolist() == [1, ABSTAIN, 1]
        (fault,) = L.faults
        assert (fault.lf_name, fault.count, fault.row_id) == ("odd", 1, "b")
        assert_plain(fault, tmp_path)
    always = apply_lfs([raising(ERRORS[kind])], FRAME)
    assert always.values.ravel().tolist() == [ABSTAIN] * 3
    assert (always.faults[0].count, always.faults[0].row_id) == (3, "a")


@pytest.mark.parametrize("kind", ERRORS)
def test_whatever_a_preprocessor_raises_is_the_lfs_fault(kind: str) -> None:
    @preprocessor()
    def odd(x: Any) -> Any:  # noqa: ANN401
        if x.text == "y":
            raise ERRORS[kind]()
        return x

    @labeling_function(pre=[odd])
    def votes(x: Any) -> int:  # noqa: ANN401
        return 1

    L = apply_lfs([votes], FRAME)
    assert L.values.ravel().tolist() == [1, ABSTAIN, 1]
    assert [(f.lf_name, f.count, f.row_id) for f in L.faults] == [("votes", 1, "b")]


@pytest.mark.parametrize("kind", ["stop_iteration", "keyboard_interrupt", "base"])
def test_whatever_the_votes_of_a_column_raise_is_a_fault(kind: str) -> None:
    def votes(cells: Any) -> Any:  # noqa: ANN401
        if "y" in cells:
            raise ERRORS[kind]()
        return [1] * len(cells)

    L = apply_lfs([ColumnLF("column", "text", votes)], FRAME)
    assert L.values.ravel().tolist() == [1, ABSTAIN, 1]
    assert L.faults[0].row_id == "b"


def test_next_without_a_default_spreads_no_vote() -> None:
    @labeling_function()
    def first_tag(x: Any) -> int:  # noqa: ANN401
        return 1 if next(t for t in x["tags"].split()) == "cash" else 0

    @labeling_function()
    def first_word(x: Any) -> int:  # noqa: ANN401
        return 1 if next(t for t in x.text.split() if t == "win") else 0

    tags, texts = ["cash", "", "", "low", "", ""], ["win x", "y", "z", "q", "win", "s"]
    frame = pd.DataFrame({"id": list("abcdef"), "text": texts, "tags": tags})
    L = apply_lfs([first_tag, first_word], frame, cardinality=2)
    assert L.values.T.tolist() == [[1, -1, -1, 0, -1, -1], [1, -1, -1, -1, 1, -1]]
    assert [(f.lf_name, f.count, f.row_id) for f in L.faults] == [
        ("first_tag", 4, "b"),
        ("first_word", 4, "b"),
    ]


ODD_FILE = """
import asyncio
from weakft import labeling_function

@labeling_function()
def stops(x):
    return next(w for w in x.text.split() if w == "x") and 1

@labeling_function()
def interrupts(x):
    if x.text == "y":
        raise KeyboardInterrupt
    return 0

@labeling_function()
def cancels(x):
    raise asyncio.CancelledError
"""


def test_processes_outlive_what_lfs_raise(tmp_path: Path) -> None:
    file = tmp_path / "lfs.py"
    file.write_text(ODD_FILE)
    lfs = load_lfs([file], tmp_path)
    one, two = (apply_lfs(lfs, FRAME, workers=workers) for workers in (1, 2))
    assert one.values.tolist() == [[1, 0, -1], [-1, -1, -1], [-1, 0, -1]]
    assert two.values.tolist() == one.values.tolist()
    counts = [{f.lf_name: (f.count, f.row_id) for f in L.faults} for L in (one, two)]
    assert counts[0] == {"stops": (2, "b"), "interrupts": (1, "b"), "cancels": (3, "a")}
    assert counts[1] == counts[0]


class OddInt(int):
    def _raise(self, *_: Any) -> Any:  # noqa: ANN401
        raise RuntimeError("no")

    __int__ = __index__ = __repr__ = __str__ = __eq__ = __lt__ = __hash__ = _raise


class OddNumber(np.int64):
    def _raise(self, *_: Any) -> Any:  # noqa: ANN401
        raise KeyboardInterrupt

    __int__ = __index__ = __repr__ = __str__ = _raise


class Opaque:
    def __repr__(self) -> str:
        raise SystemExit(0)

    @property
    def __class__(self) -> Any:  # noqa: ANN401
        raise RuntimeError("no class")


class OddKind(type):
    def _raise(cls, *_: Any) -> Any:  # noqa: ANN401
        raise RuntimeError("no")

    __hash__ = __eq__ = __repr__ = _raise
    __name__ = property(_raise)


class Nameless(metaclass=OddKind):
    pass


@pytest.mark.parametrize("kind", [OddInt, OddNumber])
def test_numbers_that_misbehave_are_votes(kind: type) -> None:
    L = apply_lfs([LabelingFunction("odd", lambda x: kind(1))], FRAME, cardinality=2)
    assert L.values.ravel().tolist() == [1, 1, 1]


def generates(x: Any) -> Iterator[int]:  # noqa: ANN401
    yield 1


async def waits(x: Any) -> int:  # noqa: ANN401
    return 1


@pytest.mark.parametrize(
    "make",
    [
        lambda x: OddInt(500),
        lambda x: OddNumber(-7),
        lambda x: Opaque(),
        lambda x: Nameless(),
        lambda x: np.timedelta64(1, "s"),
        lambda x: np.timedelta64(1, "ns"),
        lambda x: "\ud800\x00" * 10**6,
        lambda x: 10**400,
        lambda x: 10**5000,
        generates,
        waits,
    ],
)
def test_what_is_no_vote_is_refused_with_lf_and_row(make: Callable[[Any], Any]) -> None:
    with pytest.raises(InvalidVote, match=r"LF 'odd' returned .* on row 'a'") as refused:
        apply_lfs([LabelingFunction("odd", make)], FRAME, cardinality=2)
    assert (refused.value.lf_name, refused.value.row_id) == ("odd", "a")
    str(refused.value).encode()
    assert len(str(refused.value)) < 3000


@pytest.mark.parametrize("workers", [1, 2])
def test_without_memory_an_lf_is_refused_by_name_and_row(workers: int, tmp_path: Path) -> None:
    file = tmp_path / "lfs.py"
    file.write_text(
        "from weakft import labeling_function\n\n\n@labeling_function()\ndef big(x):\n"
        "    if x.text == 'y':\n        raise MemoryError\n    return 1\n"
    )
    with pytest.raises(LFError, match="'big' ran out of memory on row 'b'"):
        apply_lfs(load_lfs([file], tmp_path), FRAME, workers=workers)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("swallows", [False, True])
def test_a_signal_ends_the_run_whatever_the_lf_catches(number: int, swallows: bool) -> None:
    seen = []

    def signalled(x: Any) -> int:  # noqa: ANN401
        seen.append(x.text)
        try:
            os.kill(os.getpid(), number)
        except BaseException:
            if not swallows:
                raise
        return 1

    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(number, end)
    try:
        with pytest.raises(KeyboardInterrupt):
            apply_lfs([LabelingFunction("signalled", signalled)], FRAME)
    finally:
        signal.signal(number, before)
    assert seen == ["x"]


def test_a_time_limit_cannot_be_caught() -> None:
    def stubborn(x: Any) -> int:  # noqa: ANN401
        try:
            while x.text == "y":
                pass
        except BaseException:
            return 0
        return 1

    L = apply_lfs([LabelingFunction("stubborn", stubborn)], FRAME, time_limit=0.2)
    assert L.values.ravel().tolist() == [1, ABSTAIN, 1]
    assert L.faults[0].row_id == "b" and "no vote within" in L.faults[0].traceback


ROWS = pd.DataFrame({"id": [f"r{n}" for n in range(20)], "text": [f"t{n}" for n in range(20)]})


def hanging(calls: list[str]) -> LabelingFunction:
    def hangs(x: Any) -> int:  # noqa: ANN401
        calls.append(x.text)
        try:
            while x.text not in ("t0", "t2"):
                pass
        except Exception:
            pass
        return 1

    return LabelingFunction("hangs", hangs)


def test_an_lf_that_hangs_ends_the_run_when_its_budget_is_used_up() -> None:
    calls: list[str] = []
    message = r"'hangs' passed its time limit \(0\.2 seconds .* 3 of 20 train rows, in .* seconds"
    with pytest.raises(FaultBudgetExceeded, match=message) as refused:
        apply_lfs([hanging(calls)], ROWS, time_limit=0.2, max_fault_rate=0.1, what="train")
    assert calls == ["t0", "t1", "t2", "t3", "t4"]
    assert (refused.value.lf_name, refused.value.row_id) == ("hangs", "r1")
    assert refused.value.exit_code == 4


def test_an_lf_within_its_budget_goes_on() -> None:
    L = apply_lfs([hanging([])], ROWS[:5], time_limit=0.2, max_fault_rate=0.6)
    assert L.values.ravel().tolist() == [1, ABSTAIN, 1, ABSTAIN, ABSTAIN]


def test_the_budget_holds_over_chunks_and_for_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    terms: dict[str, Any] = {"time_limit": 0.2, "max_fault_rate": 0.15}
    for module in ("applier", "streaming"):
        monkeypatch.setattr(sys.modules[f"weakft.apply.{module}"], "CHUNK_ROWS", 3)
    with pytest.raises(FaultBudgetExceeded, match="4 of 20 rows"):
        apply_lfs([hanging(calls)], ROWS, **terms)
    assert len(calls) == 6
    ROWS.to_parquet(tmp_path / "rows.parquet")
    calls.clear()
    with pytest.raises(FaultBudgetExceeded, match=r"4 of 20 rows\.parquet rows"):
        apply_parquet([hanging(calls)], tmp_path / "rows.parquet", tmp_path / "votes", **terms)
    assert len(calls) == 6 and not (tmp_path / "votes").exists()


def test_a_repeated_text_counts_once_for_each_row() -> None:
    calls: list[str] = []
    frame = pd.DataFrame({"id": list("abcdef"), "text": ["t0", "t1", "t1", "t1", "t5", "t6"]})
    with pytest.raises(FaultBudgetExceeded, match="3 of 6 rows"):
        apply_lfs([hanging(calls)], frame, time_limit=0.2, max_fault_rate=0.4)
    assert calls == ["t0", "t1"]


def test_a_pattern_that_hangs_ends_the_run_early() -> None:
    texts = [f"{'a' * 40}!{n}" for n in range(20)]
    frame = pd.DataFrame({"id": [f"r{n}" for n in range(20)], "text": texts})
    hangs = regex_lf("hangs", r"^(a+)+(?=b)", 1)
    with pytest.raises(FaultBudgetExceeded, match=r"'hangs' .* 2 of 20 rows"):
        apply_lfs([hangs], frame, time_limit=0.2, max_fault_rate=0.05)


def test_other_faults_are_counted_to_the_end() -> None:
    with pytest.raises(FaultBudgetExceeded, match="'odd' raised on 20 of 20 train rows"):
        apply_lfs([raising(ValueError)], ROWS, max_fault_rate=0.05, what="train")
