"""From Parquet to Parquet, chunk by chunk: the same votes, whole or not at all."""

import logging
import re
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.apply.test_chunks import LF_FILE, LFS, frame_of
from weakft import LabelingFunction, apply_lfs, keyword_lf
from weakft.apply import Streamed, apply_parquet, arrow_votes, processes, streaming
from weakft.config.sections import DataConfig
from weakft.dataset import read_split
from weakft.errors import DataError, FaultBudgetExceeded, InvalidVote, LFError
from weakft.labels import LabelMatrix
from weakft.lf import load_lfs

README = Path(__file__).parents[2] / "README.md"

rows = st.lists(
    st.tuples(st.text("ab hiAé", max_size=5), st.none() | st.integers(0, 3)),
    min_size=1,
    max_size=30,
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Fifty rows, on seventeen of which `hates_b` and `fragile` have something to raise about."""
    texts = [f"hi {i % 7}" if i % 3 else "a b" for i in range(50)]
    frame = frame_of([(text, i % 4) for i, text in enumerate(texts)])
    frame.to_parquet(tmp_path / "rows.parquet", index=False)
    return tmp_path / "rows.parquet"


def assert_streamed(done: Streamed, target: Path, whole: LabelMatrix) -> None:
    L = LabelMatrix.load(target)
    assert (L.values == whole.values).all()
    assert L.ids == whole.ids and L.lf_names == whole.lf_names == tuple(done.votes)
    assert done.rows == len(L.ids) and done.covered == whole.covered.sum()
    assert list(done.votes.values()) == (whole.values >= 0).sum(axis=0).tolist()
    assert [vars(f) for f in done.faults] == [vars(f) for f in whole.faults]


@settings(deadline=None, max_examples=25)
@given(rows, st.integers(1, 9))
def test_streams_do_not_show(cells: list[tuple[str, int | None]], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(streaming, "CHUNK_ROWS", size)
        patch.setattr(streaming, "CHUNKS_PER_ROW_GROUP", 2)
        source, target = Path(folder) / "rows.parquet", Path(folder) / "votes.parquet"
        frame_of(cells).to_parquet(source, row_group_size=7, index=False)
        frame = pd.read_parquet(source)
        done = apply_parquet(LFS, source, target)
        assert_streamed_but_for_tracebacks(done, target, apply_lfs(LFS, frame))


def assert_streamed_but_for_tracebacks(done: Streamed, target: Path, whole: LabelMatrix) -> None:
    """Whether an LF is tried on distinct texts depends on the chunk, and shows in tracebacks."""
    L = LabelMatrix.load(target)
    assert (L.values == whole.values).all() and L.ids == whole.ids
    counts = [
        {f.lf_name: (f.count, f.row_id) for f in faults} for faults in (done.faults, whole.faults)
    ]
    assert counts[0] == counts[1]
    assert done.covered == whole.covered.sum()


def test_streams_through_processes_do_not_show(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "CHUNK_ROWS", 4)
    file = source.with_name("lfs.py")
    file.write_text(LF_FILE)
    lfs = [*load_lfs([file], source.parent), *LFS[:7]]
    target = source.with_name("votes.parquet")
    done = apply_parquet(lfs, source, target, workers=2)
    whole = apply_lfs(lfs, pd.read_parquet(source))
    assert_streamed_but_for_tracebacks(done, target, whole)
    assert pq.read_schema(target).field("hails").type == pa.int8()


def test_few_chunks_are_on_their_way_at_a_time() -> None:
    drawn: list[int] = []

    class Done:
        def result(self) -> Any:  # noqa: ANN401
            return None

    chunks = (drawn.append(i) or ([], {}, []) for i in range(99))
    results = processes.in_order(lambda *chunk: Done(), chunks, 4)
    for taken in range(1, 96):
        next(results)
        assert len(drawn) == taken + 3


def test_hidden_columns_are_not_shown(source: Path) -> None:
    peeks = LabelingFunction("peeks", lambda x: x.price)
    done = apply_parquet([peeks], source, source.with_name("votes"), hidden=["price"])
    assert done.faults[0].count == 50 and "no column 'price'" in done.faults[0].traceback


def test_lfs_see_the_ids_of_a_split(tmp_path: Path) -> None:
    source, target = tmp_path / "rows.parquet", tmp_path / "votes"
    index = pd.RangeIndex(7, 13, 2, name="id")
    pd.DataFrame({"text": ["x", "y", "z"]}, index=index).to_parquet(source)
    named = LabelingFunction("named", lambda x: 1 if x.id == "9" else -1)

    apply_parquet([named], source, target)

    split = read_split(source, "train", DataConfig(train="rows.parquet"), ("a", "b"))
    matrix = apply_lfs([named], split.frame)
    assert pd.read_parquet(target)["named"].tolist() == [-1, 1, -1]
    assert matrix.values.ravel().tolist() == [-1, 1, -1]


def fails_late(x: Any) -> int:  # noqa: ANN401
    return "no vote" if x.id == "r49" else 1  # type: ignore[return-value]


@pytest.mark.parametrize("error", [InvalidVote, KeyboardInterrupt])
def test_a_failure_leaves_what_was_there(
    source: Path, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "CHUNK_ROWS", 9)
    monkeypatch.setattr(streaming, "CHUNKS_PER_ROW_GROUP", 1)
    target = source.with_name("votes.parquet")
    target.write_text("of yesterday")

    def interrupted(x: Any) -> int:  # noqa: ANN401
        if x.id == "r49":
            assert target.with_name(".votes.parquet.partial").exists()
            signal.raise_signal(signal.SIGINT)
        return 1

    body = fails_late if error is InvalidVote else interrupted
    with pytest.raises(error):
        apply_parquet([LabelingFunction("late", body)], source, target)
    assert target.read_text() == "of yesterday"
    assert sorted(p.name for p in source.parent.iterdir()) == ["rows.parquet", "votes.parquet"]


def test_faults_over_budget_are_refused_at_the_end(source: Path) -> None:
    target = source.with_name("votes.parquet")
    with pytest.raises(FaultBudgetExceeded, match=r"'fragile' raised on 50 of 50 rows\.parquet"):
        apply_parquet(LFS, source, target, max_fault_rate=0.9)
    assert not target.exists()


def test_a_process_that_dies_leaves_nothing(source: Path) -> None:
    file = source.with_name("lfs.py")
    file.write_text(LF_FILE + "\n@labeling_function()\ndef exits(x):\n    os._exit(9)\n")
    target = source.with_name("votes.parquet")
    with pytest.raises(LFError, match="One of 2 processes"):
        apply_parquet(load_lfs([file], source.parent), source, target, workers=2)
    assert not list(source.parent.glob("*votes*"))


def test_what_is_no_source_or_no_target_is_refused(source: Path) -> None:
    lfs, target = [keyword_lf("hi", ["hi"], 1)], source.with_name("votes.parquet")
    linked, empty, text = (source.with_name(name) for name in ("linked", "empty", "text.parquet"))
    linked.symlink_to(source)
    frame_of([]).to_parquet(empty, index=False)
    text.write_text("id,text\n1,hi\n")
    for refused, wanted in (
        ((source, source), "wanted another file"),
        ((source, linked), "wanted another file"),
        ((source, source.parent), "wanted a file to write"),
        ((source, source / "no" / "votes"), "in a folder that exists"),
        ((source.with_name("none"), target), "none: no such file"),
        ((empty, target), "has no rows"),
        ((text, target), "cannot be read as parquet"),
    ):
        with pytest.raises(DataError, match=wanted):
            apply_parquet(lfs, *refused)
    with pytest.raises(DataError, match=r"wanted column 'key', got \['id', 'text', 'price'\]"):
        apply_parquet(lfs, source, target, id_column="key")
    with pytest.raises(DataError, match="13 of 50 in a batch have no 'price'"):
        frame = pd.read_parquet(source)
        frame.assign(price=frame["price"].where(frame["price"] > 0)).to_parquet(linked)
        apply_parquet(lfs, linked, target, id_column="price")
    assert not target.exists()


def test_a_file_that_breaks_off_is_refused(source: Path) -> None:
    content = bytearray(source.read_bytes())
    content[4:60] = bytes(56)
    source.write_bytes(content)
    target = source.with_name("votes.parquet")
    with pytest.raises(DataError, match=r"rows\.parquet cannot be read as parquet"):
        apply_parquet([keyword_lf("hi", ["hi"], 1)], source, target)
    assert not list(source.parent.glob("*votes*"))


def test_faults_in_batches_are_logged(source: Path, caplog: pytest.LogCaptureFixture) -> None:
    batches = pq.ParquetFile(source).iter_batches(7)
    with caplog.at_level(logging.WARNING, "weakft"):
        list(arrow_votes(LFS)(batches))
    (message,) = caplog.messages
    assert message.startswith("LF 'fragile' raised on 50 rows, first 'r0':\nTraceback")


def test_batches_need_ids() -> None:
    vote = arrow_votes([keyword_lf("hi", ["hi"], 1)])
    with pytest.raises(DataError, match="wanted a column 'id' of ids, got"):
        list(vote([pa.RecordBatch.from_pydict({"text": ["hi"]})]))


@pytest.mark.filterwarnings("default")
def test_the_recipe_for_spark_gives_the_same_votes(source: Path) -> None:
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    file = source.with_name("lfs.py")
    file.write_text(LF_FILE)
    lfs = [*load_lfs([file], source.parent), *LFS[:7]]
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    spark = builder.getOrCreate()
    try:
        (recipe,) = re.findall(r"```py\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
        found: dict[str, Any] = {"lfs": lfs, "rows": spark.read.parquet(str(source)).repartition(3)}
        exec(compile(recipe, "README.md", "exec"), found)
        votes = found["votes"].toPandas().set_index("id")
    finally:
        spark.stop()
    whole = apply_lfs(lfs, pd.read_parquet(source))
    assert votes.loc[list(whole.ids), list(whole.lf_names)].to_numpy().tolist() == (
        whole.values.tolist()
    )
