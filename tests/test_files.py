"""Files that appear whole, from one writer at a time, with the mode of any other file."""

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weakft import keyword_lf
from weakft.apply import apply_parquet
from weakft.errors import DataError, LockedError
from weakft.files import give_default_mode, lock_of, replacing, sealed, unsealed
from weakft.interop.labels import WeakLabels, export_labels


@pytest.fixture(params=[0o022, 0o077, 0o002])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """The umask of this process, for the test."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def labels_of(letter: str, rows: int = 1000) -> WeakLabels:
    frame = pd.DataFrame({"id": [f"{letter}{i}" for i in range(rows)], "text": letter})
    frame = frame.assign(label="no", p_no=0.75, p_yes=0.25, covered=True)
    return WeakLabels(f"run-{letter}", ("no", "yes"), frame)


@given(st.binary(max_size=300), st.data())
def test_a_flipped_or_missing_bit_breaks_the_seal(content: bytes, data: st.DataObject) -> None:
    whole = sealed(content)
    assert unsealed(whole) == content
    at = data.draw(st.integers(0, 8 * len(whole) - 1))
    flipped = bytearray(whole)
    flipped[at // 8] ^= 1 << at % 8
    assert unsealed(bytes(flipped)) is None
    assert unsealed(whole[: at // 8]) is None


def test_a_draft_takes_the_target_s_place_or_none(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(target) as draft:
        draft.write_text("half")
        raise ZeroDivisionError
    assert (target.read_text(), os.listdir(tmp_path)) == ("old", ["out.csv"])
    with replacing(target) as draft:
        draft.write_text("new")
        assert target.read_text() == "old"
    assert (target.read_text(), os.listdir(tmp_path)) == ("new", ["out.csv"])


def test_what_a_killed_writer_left_is_in_nobody_s_way(tmp_path: Path) -> None:
    for left in (".out.csv.partial", ".out.csv.partial.lock"):
        (tmp_path / left).write_text("half")
    with replacing(tmp_path / "out.csv") as draft:
        draft.write_text("new")
    assert os.listdir(tmp_path) == ["out.csv"]


@pytest.mark.parametrize("target", ["folder", "missing/out.csv"])
def test_targets_that_cannot_be_are_refused(target: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="wanted a file to write"), replacing(tmp_path / target):
        pass


def test_new_files_have_the_mode_that_the_umask_gives(tmp_path: Path, umask: int) -> None:
    with replacing(tmp_path / "out.csv") as draft:
        os.close(os.open(draft, os.O_CREAT, 0o600))  # as `mkstemp` makes it
    assert mode(tmp_path / "out.csv") == 0o666 & ~umask
    assert os.umask(umask) == umask


def test_no_right_that_is_there_is_taken_away(tmp_path: Path) -> None:
    file = tmp_path / "script"
    file.touch()
    file.chmod(0o775)
    give_default_mode(file)
    assert mode(file) == 0o775


def write_slowly(target: Path, letter: str, started: "threading.Barrier") -> str:
    """Write so many lines of a letter, while others try to."""
    started.wait()
    try:
        with replacing(target) as draft, draft.open("w") as file:
            for _ in range(2000):
                file.write(letter)
                file.flush()
    except LockedError:
        return "refused"
    return "written"


def test_of_many_at_once_each_writes_all_or_is_refused(tmp_path: Path) -> None:
    target, outcomes = tmp_path / "out.csv", []
    started = threading.Barrier(6)
    writers = [
        threading.Thread(target=lambda k=k: outcomes.append(write_slowly(target, k, started)))
        for k in "abcdef"
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(outcomes) == 6 and "written" in outcomes
    content = target.read_text()
    assert len(content) == 2000 and len(set(content)) == 1
    assert os.listdir(tmp_path) == ["out.csv"]


HOLD = """
import sys
from filelock import FileLock
locks = [FileLock(file) for file in sys.argv[1:]]
for lock in locks:
    lock.acquire()
print("held", flush=True)
sys.stdin.readline()
"""


@contextmanager
def held_by_another_process(*targets: Path) -> Iterator[None]:
    command = [sys.executable, "-c", HOLD, *map(str, map(lock_of, targets))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield
        process.communicate("\n")


def votes(letter: str, folder: Path, target: Path) -> None:
    rows = pd.DataFrame({"id": [f"{letter}{i}" for i in range(50)], "text": "good"})
    rows.to_parquet(folder / f"{letter}.parquet", index=False)
    apply_parquet([keyword_lf("good", ["good"], 1)], folder / f"{letter}.parquet", target)


def test_a_target_that_another_process_writes_is_refused(tmp_path: Path) -> None:
    targets = [tmp_path / name for name in ("out.parquet", "out.csv", "out.json", "dataset")]
    with held_by_another_process(*targets):
        for target in targets:
            with pytest.raises(LockedError, match="Another weakft writes"):
                export_labels(labels_of("a", 3), target)
        with pytest.raises(LockedError):
            votes("a", tmp_path, tmp_path / "out.parquet")
    assert not any(target.exists() for target in targets)
    votes("a", tmp_path, tmp_path / "out.parquet")
    assert ids_in(tmp_path / "out.parquet") == [f"a{i}" for i in range(50)]


@pytest.mark.parametrize("name", ["out.parquet", "out.csv", "out.json", "dataset", "votes"])
def test_two_at_once_never_mix(name: str, tmp_path: Path) -> None:
    """As many rows as were written, all of one of the two."""
    target = tmp_path / ("votes.parquet" if name == "votes" else name)
    started = threading.Barrier(2)

    def write(letter: str) -> None:
        started.wait()
        try:
            if name == "votes":
                votes(letter, tmp_path, target)
            else:
                export_labels(labels_of(letter), target)
        except LockedError:
            pass

    for _ in range(3):
        writers = [threading.Thread(target=write, args=(letter,)) for letter in "ab"]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        ids = ids_in(target)
        assert len(ids) == (50 if name == "votes" else 1000)
        assert len({row_id[0] for row_id in ids}) == 1
    assert not list(tmp_path.rglob(".*"))


def ids_in(target: Path) -> list[str]:
    if target.suffix == ".parquet":
        return pq.read_table(target)["id"].to_pylist()
    if target.suffix == ".csv":
        return list(pd.read_csv(target)["id"])
    if target.suffix == ".json":
        return [task["data"]["id"] for task in json.loads(target.read_text())]
    return pq.read_table(target / "data")["id"].to_pylist()


@pytest.mark.parametrize("name", ["out.parquet", "out.csv", "out.json", "dataset"])
def test_exports_have_the_mode_that_the_umask_gives(name: str, tmp_path: Path, umask: int) -> None:
    export_labels(labels_of("a", 3), tmp_path / name)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {mode(path) for path in files} == {0o666 & ~umask}
