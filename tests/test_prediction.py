"""Files of rows in, files of predictions out: any size, any chunk, after any kill."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.conftest import FILLER, NEGATIVE, POSITIVE
from tests.faults import truncated
from weakft.config import DataConfig
from weakft.data.reading import read_frame
from weakft.end_model import EndModel
from weakft.errors import DataError, LockedError, ModelNotFound
from weakft.prediction import Predicted, predict_file
from weakft.prediction.parts import Parts, parts_of
from weakft.prediction.reading import Source

FORMATS = (".parquet", ".csv", ".jsonl")
COLUMNS = DataConfig(train="unused")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    folder = tmp_path_factory.mktemp("served")
    EndModel.from_pretrained(str(tiny_model), ("bad", "good"), max_length=16, seed=3).save(folder)
    return folder


@pytest.fixture
def rows() -> pd.DataFrame:
    """Ten rows; lengths differ, so that batches are padded differently in each chunk."""
    words = [*POSITIVE, *NEGATIVE, *FILLER]
    texts = [" ".join(words[i % 7 : i % 7 + 1 + 3 * i % 11]) for i in range(10)]
    return pd.DataFrame({"id": [f"r{i}" for i in range(10)], "text": texts})


def write(frame: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False, row_group_size=3)
    elif path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_json(path, orient="records", lines=True)
    return path


def predict(model: Path, source: Path, target: Path, chunk_rows: int = 4) -> Predicted:
    return predict_file(model, source, target, COLUMNS, chunk_rows=chunk_rows)


def test_of_classes_equally_likely_the_first_is_predicted(
    model: Path, rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = np.array([[0.5, 0.5], [0.25, 0.75]])
    monkeypatch.setattr(EndModel, "predict_proba", lambda *_, **__: shares)
    target = tmp_path / "out.csv"
    assert predict(model, write(rows[:2], tmp_path / "in.csv"), target).counts == {
        "bad": 1,
        "good": 1,
    }
    assert pd.read_csv(target)["predicted"].tolist() == ["bad", "good"]


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("end", FORMATS)
@pytest.mark.parametrize("begin", FORMATS)
def test_every_format_in_and_out(
    model: Path, rows: pd.DataFrame, tmp_path: Path, begin: str, end: str
) -> None:
    source, target = write(rows, tmp_path / f"in{begin}"), tmp_path / f"out{end}"
    done = predict(model, source, target)
    probs = EndModel.load(model).predict_proba(list(rows["text"]))
    written = read_frame(target)
    assert list(written.columns) == ["id", "predicted", "p_bad", "p_good"]
    assert list(written["id"]) == list(rows["id"])
    assert list(written["predicted"]) == [("bad", "good")[k] for k in probs.argmax(axis=1)]
    assert written[["p_bad", "p_good"]].to_numpy(float) == pytest.approx(probs, abs=1e-6)
    assert done == Predicted(10, dict(written["predicted"].value_counts()), 0)
    assert left_in(tmp_path) == {source.name, target.name}


@settings(max_examples=15, deadline=None)
@given(
    texts=st.lists(
        st.lists(st.sampled_from([*POSITIVE, *NEGATIVE, *FILLER, "unheard"]), min_size=1).map(
            " ".join
        ),
        min_size=1,
        max_size=20,
    ),
    chunk_rows=st.integers(1, 21),
    begin=st.sampled_from(FORMATS),
)
def test_the_chunk_size_changes_no_answer(
    model: Path, texts: list[str], chunk_rows: int, begin: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        frame = pd.DataFrame({"id": range(len(texts)), "text": texts})
        source = write(frame, Path(folder) / f"in{begin}")
        answers = []
        for size in (chunk_rows, 1_000):
            target = Path(folder) / f"{size}.parquet"
            predict(model, source, target, size)
            answers.append(pd.read_parquet(target))
    chunked, whole = answers
    assert list(chunked["id"]) == list(whole["id"]) == [str(i) for i in range(len(texts))]
    assert list(chunked["predicted"]) == list(whole["predicted"])
    assert chunked["p_good"].to_numpy() == pytest.approx(whole["p_good"].to_numpy(), abs=1e-6)


def test_csv_cells_are_those_of_the_other_commands(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text('id,text,more\n007,NA,\n1.50,"two\nlines, and a comma",x\nnan," =1+1 ",\n')
    frame = read_frame(source)
    (first, second) = Source(source, "id", "text", 2).chunks()
    assert first.ids + second.ids == list(frame["id"]) == ["007", "1.50", "nan"]
    assert first.contents + second.contents == list(frame["text"])


def test_csv_probabilities_have_six_digits(model: Path, rows: pd.DataFrame, tmp_path: Path) -> None:
    predict(model, write(rows, tmp_path / "in.csv"), tmp_path / "out.csv")
    header, *lines = (tmp_path / "out.csv").read_text().splitlines()
    assert header == "id,predicted,p_bad,p_good"
    assert all(len(cell) == len("0.123456") for line in lines for cell in line.split(",")[2:])


class Stopped(Exception):
    """Power cut."""


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Stops at the third chunk; holds where each chunk written began."""
    written: list[int] = []
    write_part = Parts.write

    def stop(self: Parts, first: int, table: object) -> None:
        if len(written) == 2:
            raise Stopped
        written.append(first)
        write_part(self, first, table)

    with monkeypatch.context() as patch:
        patch.setattr(Parts, "write", stop)
        yield written


def test_a_stopped_call_goes_on_behind_its_last_chunk(
    model: Path,
    rows: pd.DataFrame,
    tmp_path: Path,
    stopped: list[int],
) -> None:
    source, target = write(rows, tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    predict(model, source, tmp_path / "undisturbed.jsonl", 6)
    stopped.clear()
    with pytest.raises(Stopped):
        predict(model, source, target, 3)
    assert stopped == [0, 3]
    assert not target.exists()
    stopped.clear()
    done = predict(model, source, target, 3)
    assert (stopped, done.resumed) == ([6, 9], 6)
    again, whole = (read_frame(tmp_path / name) for name in ("out.jsonl", "undisturbed.jsonl"))
    assert list(again["id"]) == list(whole["id"])
    assert list(again["predicted"]) == list(whole["predicted"])
    assert left_in(tmp_path) == {"in.jsonl", "out.jsonl", "undisturbed.jsonl"}


@pytest.mark.parametrize("changed", ["source", "model", "chunk_rows", "torn"])
def test_parts_of_other_inputs_are_thrown_away(
    model: Path,
    tiny_model: Path,
    rows: pd.DataFrame,
    tmp_path: Path,
    stopped: list[int],
    changed: str,
) -> None:
    source, target = write(rows, tmp_path / "in.csv"), tmp_path / "out.csv"
    with pytest.raises(Stopped):
        predict(model, source, target, 3)
    stopped.clear()
    size = 3
    if changed == "source":
        write(rows.assign(text="great"), source)
    elif changed == "model":
        other = EndModel.from_pretrained(str(tiny_model), ("no", "yes"), max_length=16, seed=9)
        other.save(model := tmp_path / "other")
    elif changed == "chunk_rows":
        size = 5
    else:
        first = tmp_path / ".out.csv.parts" / "000000000000.parquet"
        first.write_bytes(first.read_bytes()[:-9])
    with pytest.raises(Stopped) if size == 3 else _nothing():
        predict(model, source, target, size)
    assert stopped == ([0, 3] if size == 3 else [0, 5])


@pytest.fixture(scope="module")
def interrupted(
    model: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, bytes], bytes]:
    """A folder with rows, what an interrupted prediction leaves beside them, and the answers."""
    folder = tmp_path_factory.mktemp("interrupted")
    source, target = folder / "in.csv", folder / "out.csv"
    frame = pd.DataFrame({"id": range(8), "text": [f"great {i}" for i in range(8)]})
    write(frame, source)
    predict(model, source, target, 2)
    answers = target.read_bytes()
    write_part = Parts.write

    def stop(self: Parts, first: int, table: object) -> None:
        if first == 6:
            raise Stopped
        write_part(self, first, table)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Parts, "write", stop)
        with pytest.raises(Stopped):
            predict(model, source, target, 2)
    parts = {part.name: part.read_bytes() for part in (folder / ".out.csv.parts").iterdir()}
    assert len(parts) == 4
    return folder, parts, answers


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_part_is_made_again(
    model: Path, interrupted: tuple[Path, dict[str, bytes], bytes], data: st.DataObject
) -> None:
    """Any bit flipped, or any length cut off, in any file that is kept, but for a last newline."""
    folder, parts, answers = interrupted
    (folder / ".out.csv.parts").mkdir(exist_ok=True)
    for name, content in parts.items():
        (folder / ".out.csv.parts" / name).write_bytes(content)
    name = data.draw(st.sampled_from(sorted(parts)))
    damaged = bytearray(parts[name])
    at = data.draw(st.integers(0, len(damaged) - 1))
    if data.draw(st.booleans()):
        damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del damaged[at:]
    assume(bytes(damaged).strip() != parts[name].strip())
    (folder / ".out.csv.parts" / name).write_bytes(damaged)
    done = predict(model, folder / "in.csv", folder / "out.csv", 2)
    assert (folder / "out.csv").read_bytes() == answers
    assert done.resumed == (0 if name == "about.json" else int(name[:12]))
    assert left_in(folder) == {"in.csv", "out.csv"}


def test_a_part_damaged_while_the_others_are_made_is_refused(
    model: Path, rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = write(rows, tmp_path / "in.csv"), tmp_path / "out.csv"
    write_part = Parts.write

    def damage(self: Parts, first: int, table: object) -> None:
        write_part(self, first, table)
        if first == 8:
            truncated(self.folder / "000000000004.parquet")

    with monkeypatch.context() as patch:
        patch.setattr(Parts, "write", damage)
        with pytest.raises(DataError, match="answers for 10 rows, got 4"):
            predict(model, source, target)
    assert not target.exists()
    assert predict(model, source, target).resumed == 4


def _nothing() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory()


def test_kill_nine_loses_no_complete_chunk(model: Path, rows: pd.DataFrame, tmp_path: Path) -> None:
    source, target = write(rows, tmp_path / "in.parquet"), tmp_path / "out.parquet"
    target.write_text("the old answers")
    script = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from weakft.config import DataConfig\n"
        "from weakft.prediction import predict_file\n"
        "from weakft.prediction.parts import Parts\n"
        "write = Parts.write\n"
        "def killed(self, first, table):\n"
        "    write(self, first, table)\n"
        "    if first == 4: os.kill(os.getpid(), signal.SIGKILL)\n"
        "Parts.write = killed\n"
        f"predict_file(Path({str(model)!r}), Path({str(source)!r}), Path({str(target)!r}),\n"
        "             DataConfig(train='unused'), chunk_rows=4)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert target.read_text() == "the old answers"
    assert predict(model, source, target).resumed == 8
    assert list(pd.read_parquet(target)["id"]) == list(rows["id"])
    assert left_in(tmp_path) == {"in.parquet", "out.parquet"}


def test_two_at_once_are_refused(model: Path, rows: pd.DataFrame, tmp_path: Path) -> None:
    source, target = write(rows, tmp_path / "in.csv"), tmp_path / "out.csv"
    with parts_of(target, {}), pytest.raises(LockedError, match="Another weakft"):
        predict(model, source, target)


@pytest.mark.parametrize("end", FORMATS)
def test_an_id_that_comes_again_in_another_chunk_is_refused(
    model: Path, rows: pd.DataFrame, tmp_path: Path, end: str
) -> None:
    rows.loc[9, "id"] = "r1"
    source = write(rows, tmp_path / f"in{end}")
    with pytest.raises(DataError, match=r"'r1' occurs again in row 9"):
        predict(model, source, tmp_path / "out.csv", 2)
    assert left_in(tmp_path) == {source.name}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["id,text", "a,x", ",y"], "row 1 .* has no 'id'"),
        (["id,text", "a,x", "b, "], "row 'b' has no 'text'"),
        (["id,body", "a,x"], "wanted column 'text', got"),
        (["id,text"], "has no rows"),
        ([], "has no rows"),
        (["id,text", "a,x", "b,y,z"], "cannot be read as csv"),
    ],
)
def test_broken_csv_is_refused(model: Path, tmp_path: Path, lines: list[str], message: str) -> None:
    source = tmp_path / "in.csv"
    source.write_text("\n".join(lines))
    with pytest.raises(DataError, match=message):
        predict(model, source, tmp_path / "out.csv", 1)
    assert left_in(tmp_path) == {"in.csv"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"id": 1, "text": "x"}\n\n{"id": 2}\n', "row '2' has no 'text'"),
        (b'{"id": 1, "text": 5}', "holds 5 .int"),
        (b'{"id": 1, "text": "x"}\n[1]', "line 2: wanted a JSON object"),
        (b'{"id": 1, "text": "x"}\n{"id"', "cannot be read as jsonl"),
        (b'{"id": 1, "text": "\\ud83d"}', "half a character"),
        (b'{"id": 1, "text": "\xe4"}', "not UTF-8"),
        (b"", "has no rows"),
    ],
)
def test_broken_jsonl_is_refused(model: Path, tmp_path: Path, content: bytes, message: str) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(content)
    with pytest.raises(DataError, match=message):
        predict(model, source, tmp_path / "out.csv")


def test_impossible_targets_are_refused(model: Path, rows: pd.DataFrame, tmp_path: Path) -> None:
    source = write(rows, tmp_path / "in.csv")
    for target in (source, tmp_path / "out.xls", tmp_path / "missing" / "out.csv"):
        with pytest.raises(DataError, match="wanted"):
            predict(model, source, target)
    with pytest.raises(DataError, match="No such file"):
        predict(model, tmp_path / "none.csv", tmp_path / "out.csv")
    with pytest.raises(ModelNotFound):
        predict(tmp_path / "no-model", source, tmp_path / "out.csv")
    assert left_in(tmp_path) == {"in.csv"}


def test_a_source_that_changes_meanwhile_is_refused(
    model: Path, rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(rows, tmp_path / "in.jsonl")
    write_part = Parts.write

    def append(self: Parts, first: int, table: object) -> None:
        write_part(self, first, table)
        with source.open("a") as file:
            file.write(json.dumps({"id": f"new{first}", "text": "late"}) + "\n")

    monkeypatch.setattr(Parts, "write", append)
    with pytest.raises(DataError, match="changed while it was read"):
        predict(model, source, tmp_path / "out.csv", 10)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("end", FORMATS)
def test_a_chunk_is_read_when_it_is_asked_for(tmp_path: Path, end: str) -> None:
    random = np.random.default_rng(0)
    texts = [random.bytes(200).hex() for _ in range(12_000)]
    frame = pd.DataFrame({"id": range(len(texts)), "text": texts})
    source = tmp_path / f"in{end}"
    if end == ".parquet":
        frame.to_parquet(source, index=False, row_group_size=1_000)
    else:
        write(frame, source)
    with source.open("r+b") as file:  # the middle is broken, the beginning is not
        file.seek(os.path.getsize(source) // 2)
        file.write(b"\xff" * 4_000)
    chunks = Source(source, "id", "text", 1_000).chunks()
    assert next(chunks).ids[-1] == "999"
    with pytest.raises(DataError):
        list(chunks)
