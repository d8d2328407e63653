"""A Dask cluster gives the same matrix and the same faults."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.apply.test_chunks import LF_FILE, LFS, assert_same, frame_of
from weakft import apply_lfs, keyword_lf
from weakft.apply import applier, apply_parquet, streaming
from weakft.errors import ConfigError, LFError
from weakft.labels import LabelMatrix
from weakft.lf import load_lfs

distributed = pytest.importorskip("distributed")

FRAME = frame_of([(f"hi {i % 7}" if i % 3 else "a b", i % 4) for i in range(50)])


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a cluster of two workers that many calls share."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applier, "CHUNK_ROWS", 4)
    monkeypatch.setattr(streaming, "CHUNK_ROWS", 4)


def test_a_cluster_does_not_show(scheduler: str, tmp_path: Path) -> None:
    file = tmp_path / "lfs.py"
    file.write_text(LF_FILE)
    lfs = [*load_lfs([file], tmp_path), *LFS]
    L = apply_lfs(lfs, FRAME, engine="dask", scheduler=scheduler)
    assert_same(L, apply_lfs(lfs, FRAME))
    assert {fault.lf_name for fault in L.faults} == {"hates_b", "fragile"}


def test_an_edited_file_is_read_anew_by_workers_that_stay(scheduler: str, tmp_path: Path) -> None:
    file = tmp_path / "lfs.py"
    for word in ("hi", "a"):
        file.write_text(LF_FILE.replace('"hi", "hello"', f'"{word}"'))
        lfs = load_lfs([file], tmp_path)[:1]
        L = apply_lfs(lfs, frame_of([("hi", 1), ("a", 1)]), engine="dask", scheduler=scheduler)
        assert L.values[:, 0].tolist() == ([0, -1] if word == "hi" else [-1, 0])


def test_streams_through_a_cluster_do_not_show(scheduler: str, tmp_path: Path) -> None:
    source, target = tmp_path / "rows.parquet", tmp_path / "votes.parquet"
    FRAME.to_parquet(source, index=False)
    done = apply_parquet(LFS, source, target, engine="dask", scheduler=scheduler)
    whole = apply_lfs(LFS, pd.read_parquet(source))
    assert (LabelMatrix.load(target).values == whole.values).all()
    assert [(f.lf_name, f.count) for f in done.faults] == [("fragile", 50)]


def test_a_worker_that_dies_is_an_error_not_a_vote(tmp_path: Path) -> None:
    file = tmp_path / "lfs.py"
    file.write_text(LF_FILE + "\n@labeling_function()\ndef exits(x):\n    os._exit(9)\n")
    with pytest.raises(LFError, match="A Dask worker that applies LFs died"):
        apply_lfs(load_lfs([file], tmp_path), FRAME[:3], engine="dask")


def test_no_scheduler_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    lfs = [keyword_lf("hi", ["hi"], 1)]
    with pytest.raises(ConfigError, match="scheduler: 'tcp://host:1' is a Dask scheduler, but"):
        apply_lfs(lfs, FRAME, scheduler="tcp://host:1")
    with pytest.raises(ConfigError, match=r"wanted the address of a running .* got 'nowhere://x'"):
        apply_lfs(lfs, FRAME, engine="dask", scheduler="nowhere://x")
    with pytest.raises(ConfigError, match="wanted 'processes' or 'dask', got 'spark'"):
        apply_lfs(lfs, FRAME, engine="spark")  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"pip install 'weakft\[dask\]'"):
        apply_lfs(lfs, FRAME, engine="dask")
