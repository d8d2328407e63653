"""One reader: the same rows and the same cells in every command."""

import codecs
import json
import math
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from weakft import keyword_lf, labeling_function, lookup_lf, threshold_lf
from weakft.apply import apply_lfs, apply_parquet
from weakft.config import Config
from weakft.config.sections import DataConfig
from weakft.data import parquet, reading
from weakft.data.cells import frame_of, to_columns
from weakft.data.reading import frames_of, read_frame
from weakft.dataset import read_dataset, read_split
from weakft.errors import DataError, LFImportError
from weakft.lf.lookup import project_root
from weakft.lf.rules import load_rules
from weakft.prediction.reading import Source

COLUMNS = DataConfig(train="x")


def rows_of(path: Path) -> list[tuple[str, str]]:
    """The ids and texts that training reads, which prediction reads as well."""
    split = read_split(path, "train", COLUMNS, ("neg", "pos"))
    chunks = list(Source(path, "id", "text", 2).chunks())
    assert [row_id for chunk in chunks for row_id in chunk.ids] == list(split.ids)
    assert [text for chunk in chunks for text in chunk.contents] == list(split.texts)
    return list(zip(split.ids, split.texts, strict=True))


def test_carriage_returns_in_cells_do_not_end_rows(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    for quote in ("", '"'):
        for end in ("\n", "\r\n", "\r\r\n"):
            row = f"1,{quote}great\rlove it{quote}{end}"
            file.write_bytes(f"id,text{end}{row}2,fine{end}".encode())

            assert rows_of(file) == [("1", "great\rlove it"), ("2", "fine")]


def test_carriage_returns_end_rows_where_there_are_no_newlines(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(b'id,text\r1,"a,b"\r2,fine')

    assert rows_of(file) == [("1", "a,b"), ("2", "fine")]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"id,text\n1,a,b\n", "line 2 has 3 cells, the header has 2"),
        (b'id,text\n1,"never closed\n2,b\n', "unexpected end of data"),
        (b"id,text,text\n1,a,b\n", "'text' is there twice"),
    ],
)
def test_a_csv_file_of_odd_shape_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(content)

    with pytest.raises(DataError, match=complaint):
        rows_of(file)


def test_cells_of_a_csv_file_may_be_long_or_lacking(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(f"id,text,title\n1,{'x' * 200_000},\n\n2,short\n", encoding="utf-8")

    assert [len(text) for _, text in rows_of(file)] == [200_000, 5]
    assert read_frame(file)["title"].isna().all()


def test_ids_are_the_text_that_the_file_holds(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    ids = ["0.1234567890123456789", "123456789012345678901234567890", '"007"', "true", "1.0", "7"]
    file.write_text("".join(f'{{"id":{i},"text":"t"}}\n' for i in ids), encoding="utf-8")
    csv = tmp_path / "rows.csv"
    csv.write_text("id,text\n007,t\n1.0,t\n123456789012345678901234567890,t\n", encoding="utf-8")
    arrow = tmp_path / "rows.parquet"
    numbers = pa.array([2**64 - 1, 1], pa.uint64())
    pq.write_table(pa.table({"id": numbers, "text": ["a", "b"]}), arrow)

    assert [i for i, _ in rows_of(file)] == [
        *("0.12345678901234568", "123456789012345678901234567890", "007", "True", "1.0", "7")
    ]
    assert [i for i, _ in rows_of(csv)] == ["007", "1.0", "123456789012345678901234567890"]
    assert [i for i, _ in rows_of(arrow)] == ["18446744073709551615", "1"]


@pytest.mark.parametrize(
    "line", ['{"id":"b","text":"x\\ud800y"}', '{"id":"b","text":"t","note":["\\udc00"]}']
)
def test_half_characters_are_refused_by_all(tmp_path: Path, line: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(f'{{"id":"a","text":"\\ud83d\\ude00"}}\n{line}\n', encoding="utf-8")

    for read in (lambda: read_frame(file), Source(file, "id", "text", 9).count):
        with pytest.raises(DataError, match=r"line 2 holds half a character"):
            read()


@pytest.mark.parametrize("line", ["1", "[]", "null", "[" * 100_000, '{"a":' * 100_000, "9" * 5000])
def test_lines_that_are_no_rows_are_refused_by_all(tmp_path: Path, line: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(f'{{"id":"a","text":"x"}}\n{line}\n', encoding="utf-8")

    for read in (lambda: read_frame(file), Source(file, "id", "text", 9).count):
        with pytest.raises(DataError, match="line 2"):
            read()


def test_columns_called_dates_stay_what_they_are(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"id":"a","text":"x","created_at":"2020-01-01"}\n', encoding="utf-8")

    assert to_columns(read_frame(file))["created_at"] == ["2020-01-01"]


def test_a_column_twice_is_refused_by_all(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    pq.write_table(pa.table([["a"], ["x"], ["y"]], names=["id", "text", "text"]), file)

    with pytest.raises(DataError, match=r"distinct names, got 'text' twice"):
        read_frame(file)
    with pytest.raises(DataError, match=r"distinct names, got 'text' twice"):
        Source(file, "id", "text", 9).count()
    with pytest.raises(DataError, match=r"distinct names, got 'text' twice"):
        apply_parquet([keyword_lf("a", ["a"], 1)], file, tmp_path / "votes.parquet")


def test_the_index_of_a_pandas_frame_is_a_column(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["007", "008", "009"], "text": ["good", "bad", "good x"]})
    file, target = tmp_path / "train.parquet", tmp_path / "votes.parquet"
    frame.set_index("id").to_parquet(file)

    assert rows_of(file) == [("007", "good"), ("008", "bad"), ("009", "good x")]
    apply_parquet([keyword_lf("good", ["good"], 1)], file, target)
    assert pd.read_parquet(target)["id"].tolist() == ["007", "008", "009"]


def test_the_numbered_index_of_a_pandas_frame_is_a_column_if_it_has_a_name(tmp_path: Path) -> None:
    file, target = tmp_path / "train.parquet", tmp_path / "votes.parquet"
    frame = pd.DataFrame({"text": list("abcde")}, index=pd.RangeIndex(10, 20, 2, name="id"))
    frame.to_parquet(file)

    assert [i for i, _ in rows_of(file)] == ["10", "12", "14", "16", "18"]
    apply_parquet([keyword_lf("a", ["a"], 1)], file, target)
    assert pd.read_parquet(target)["id"].tolist() == ["10", "12", "14", "16", "18"]


def test_an_index_without_a_name_is_no_column(tmp_path: Path) -> None:
    file = tmp_path / "train.parquet"
    frame = pd.DataFrame({"id": ["a", "b"], "text": ["x", "y"]}, index=["p", "q"])
    frame.to_parquet(file)

    assert list(read_frame(file).columns) == ["id", "text"]


def typed_rows(n: int) -> pa.Table:
    """Columns of many types, with a hole in every third row."""
    holes = [i % 3 == 0 for i in range(n)]

    def column(kind: pa.DataType, cell: Any) -> pa.Array:  # noqa: ANN401
        cells = [None if hole else cell(i) for i, hole in enumerate(holes)]
        return pa.array(cells, kind)

    return pa.table(
        {
            "id": [str(i) for i in range(n)],
            "text": [f"text {i}" for i in range(n)],
            "stars": column(pa.int64(), lambda i: i % 6),
            "score": column(pa.float64(), lambda i: i / 3),
            "member": column(pa.bool_(), lambda i: i % 2 == 0),
            "title": column(pa.string(), lambda i: f"title {i}"),
            "kind": column(pa.dictionary(pa.int8(), pa.string()), lambda i: f"kind {i % 2}"),
            "rank": column(pa.dictionary(pa.int8(), pa.int64()), lambda i: i % 2),
            "price": column(pa.decimal128(9, 2), lambda i: Decimal(i)),
            "seen": column(pa.timestamp("us", "UTC"), lambda i: pd.Timestamp(2020, 1, 1, i)),
        }
    )


def described(cells: list[Any]) -> list[str]:
    return [f"{type(cell).__name__} {cell}" for cell in cells]


def test_cells_are_the_same_at_once_and_in_pieces(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    pq.write_table(typed_rows(20), file, row_group_size=5)

    whole = to_columns(read_frame(file))
    for rows in (1, 2, 7, 16):
        pieces = [to_columns(frame) for frame in frames_of(file, rows)]
        for name, cells in whole.items():
            cut = [cell for piece in pieces for cell in piece[name]]
            assert described(cut) == described(cells), name


def test_missing_cells_are_nan_or_none_by_the_type_of_their_column(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    pq.write_table(typed_rows(4), file)

    cells = {name: cells[0] for name, cells in to_columns(read_frame(file)).items()}

    assert all(math.isnan(cells[name]) for name in ("stars", "score", "title", "kind", "rank"))
    assert cells["member"] is None and cells["price"] is None and cells["seen"] is pd.NaT
    assert described(to_columns(read_frame(file))["stars"]) == [
        *("float nan", "int 1", "int 2", "float nan")
    ]


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "int64[pyarrow]", "object", "float64"])
def test_missing_numbers_abstain_whatever_holds_them(tmp_path: Path, dtype: str) -> None:
    stars = [None if i % 4 == 0 else i % 6 for i in range(20)]
    ids = [str(i) for i in range(20)]
    frame = pd.DataFrame({"id": ids, "text": ids, "stars": pd.array(stars, dtype=dtype)})
    file, target = tmp_path / "rows.parquet", tmp_path / "votes.parquet"
    frame.to_parquet(file)
    lines = [
        json.dumps(dict(zip(("id", "text", "stars"), row, strict=True)))
        for row in zip(ids, ids, stars, strict=True)
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines), encoding="utf-8")

    @labeling_function()
    def is_missing(x: Any) -> int:  # noqa: ANN401
        return 1 if x.stars != x.stars else -1

    lfs = [threshold_lf("many_stars", "stars", 1, at_least=4), is_missing]
    wanted = [[1 if (s or 0) >= 4 else -1, 1 if s is None else -1] for s in stars]
    for rows in (frame, read_frame(file), read_frame(tmp_path / "rows.jsonl")):
        L = apply_lfs(lfs, rows)
        assert not L.faults
        assert L.values.tolist() == wanted
    assert not apply_parquet(lfs, file, target).faults
    assert pd.read_parquet(target)[["many_stars", "is_missing"]].to_numpy().tolist() == wanted


def test_missing_booleans_are_none_and_missing_texts_are_nan() -> None:
    frame = pd.DataFrame(
        {
            "member": pd.array([True, None], dtype="boolean"),
            "title": pd.array(["a", None], dtype="string"),
            "mixed": pd.Series(["a", pd.NA], dtype=object),
        }
    )

    assert to_columns(frame)["member"] == [True, None]
    assert described(to_columns(frame)["title"]) == ["str a", "float nan"]
    assert pd.NA not in {type(cell) for cell in to_columns(frame)["mixed"]}


def test_threshold_abstains_on_what_snorkel_shows_of_missing_cells() -> None:
    row = pd.Series({"stars": pd.NA})

    assert threshold_lf("few", "stars", 0, at_most=2)(row) == -1


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_byte_order_mark_is_no_part_of_the_rows(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"rows{suffix}"
    text = "id,text\n1,a\n" if suffix == ".csv" else '{"id":"1","text":"a"}\n'
    file.write_text(text, encoding="utf-8-sig")

    assert rows_of(file) == [("1", "a")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_other_unicode_encodings_are_named(tmp_path: Path, suffix: str, encoding: str) -> None:
    file = tmp_path / f"rows{suffix}"
    file.write_text("id,text\n1,a\n", encoding=encoding)

    with pytest.raises(DataError, match=r"not UTF-8 but UTF-(16|32).*`iconv -f UTF-"):
        rows_of(file)


def test_word_lists_tables_and_rules_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("excellent\nsuperb\n", encoding="utf-8-sig")
    (tmp_path / "table.csv").write_text("awful,0\nfine,1\n", encoding="utf-8-sig")
    (tmp_path / "table.tsv").write_text("awful\t0\nfine\t1\n", encoding="utf-8-sig")
    (tmp_path / "table.json").write_text('{"awful": 0, "fine": 1}', encoding="utf-8-sig")
    (tmp_path / "rules.tsv").write_text("class\tpattern\npos\tfine\n", encoding="utf-8-sig")
    rows = pd.DataFrame({"text": ["It is excellent", "superb thing", "awful", "fine then"]})
    token = project_root.set(tmp_path)
    tables = [f"table.{suffix}" for suffix in ("csv", "tsv", "json")]
    lfs = [lookup_lf("good", "good.txt", 1), *(lookup_lf(t, t) for t in tables)]
    project_root.reset(token)

    votes = apply_lfs([*lfs, *load_rules(tmp_path / "rules.tsv", ("neg", "pos"))], rows).values

    assert votes[:, 0].tolist() == [1, 1, -1, -1]
    assert (votes[:, 1:4] == np.array([[-1], [-1], [0], [1]])).all()
    assert votes[:, 4].tolist() == [-1, -1, -1, 1]


@pytest.mark.parametrize("name", ["words.txt", "words.csv", "words.tsv", "words.json"])
def test_a_word_list_of_another_encoding_is_refused_with_advice(tmp_path: Path, name: str) -> None:
    for encoding, advised in (("utf-16", "UTF-16"), ("cp1252", "WINDOWS-1252")):
        (tmp_path / name).write_text("don’t", encoding=encoding)

        with pytest.raises(LFImportError, match=f"iconv -f {advised} -t UTF-8"):
            lookup_lf("words", tmp_path / name, 1)


def test_settings_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "weakft.toml"
    settings = '[project]\nclasses = ["a", "b"]\n[data]\ntrain = "t.csv"\n'
    file.write_text(settings, encoding="utf-8-sig")

    assert Config.load(file, environ={}).classes == ("a", "b")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_the_advised_conversion_gives_the_right_characters(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"rows{suffix}"
    lines = {
        ".csv": "id,text\n1,I don’t like it\n2,café\n",
        ".jsonl": '{"id": "1", "text": "I don’t like it"}\n{"id": "2", "text": "café"}\n',
    }
    file.write_bytes(lines[suffix].encode("cp1252"))

    with pytest.raises(DataError) as refused:
        rows_of(file)
    found = re.search(r"`(iconv -f (\S+) -t UTF-8 \S+ > (\S+))`", str(refused.value))
    assert found is not None
    command, encoding, target = found.groups()
    converted = tmp_path / target
    if shutil.which("iconv"):
        subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    else:
        converted.write_text(file.read_bytes().decode(codecs.lookup(encoding).name), "utf-8")

    assert rows_of(converted) == [("1", "I don’t like it"), ("2", "café")]
    dont = keyword_lf("dont", ["don’t"], 0)
    assert apply_lfs([dont], read_frame(converted)).values.tolist() == [[0], [-1]]


def test_no_encoding_is_advised_where_it_cannot_be_known(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(b"id,text\n1," + b"\x81\x8d" + b"\n")
    with pytest.raises(DataError, match=r"line 2.*Find out which encoding"):
        rows_of(file)

    file.write_bytes("id,text\n1,café\n2,".encode() + b"\xe9\n")
    with pytest.raises(DataError, match=r"line 3.*Other lines hold UTF-8: correct this one"):
        rows_of(file)


def labelled(root: Path, **labels: list[object]) -> Config:
    """A project of three classes whose splits have these labels."""
    (root / "train.csv").write_text("id,text\nt,pool\n", encoding="utf-8")
    for name, column in labels.items():
        rows = "".join(f"{name}{i},{name} {i},{label}\n" for i, label in enumerate(column))
        (root / f"{name}.csv").write_text(f"id,text,label\n{rows}", encoding="utf-8")
    splits = "\n".join(f'{name} = "{name}.csv"' for name in ("train", *labels))
    settings = f'[project]\nclasses = ["neg", "pos", "neu"]\n[data]\n{splits}\n'
    (root / "weakft.toml").write_text(settings, encoding="utf-8")
    return Config.load(root / "weakft.toml", environ={})


def test_labels_that_count_from_one_are_refused(tmp_path: Path) -> None:
    config = labelled(tmp_path, dev=[1, 2, 1, 2], test=[2, 1])

    with pytest.raises(DataError, match=r"dev and test: .* none of them is 0.*count from 1\?"):
        read_dataset(config, tmp_path)


def test_labels_up_to_the_number_of_classes_are_refused_with_advice(tmp_path: Path) -> None:
    config = labelled(tmp_path, dev=[1, 2, 3])

    with pytest.raises(DataError, match=r"first '3'.*Do your labels count from 1\?"):
        read_dataset(config, tmp_path)


def test_one_split_without_the_first_class_is_a_warning(tmp_path: Path) -> None:
    config = labelled(tmp_path, dev=[1, 2, 0], test=[2, 1])

    warnings = read_dataset(config, tmp_path).warnings

    assert [w for w in warnings if "count from 1?" in w and w.startswith("test:")]
    assert not [w for w in warnings if w.startswith("dev:")]


def test_class_names_need_not_all_occur(tmp_path: Path) -> None:
    config = labelled(tmp_path, dev=["pos", "neu"])

    dev = read_dataset(config, tmp_path)["dev"]
    assert dev.gold is not None and dev.gold.tolist() == [1, 2]


def repeated(path: Path, *, rows: int, size: int, dictionary: bool) -> Path:
    """A small file of one long text many times over."""
    codes = pa.array(np.zeros(rows, dtype=np.int32))
    texts: pa.Array = pa.DictionaryArray.from_arrays(codes, ["x" * size])
    if not dictionary:
        texts = texts.cast(pa.string())
    pq.write_table(pa.table({"id": [str(i) for i in range(rows)], "text": texts}), path)
    assert path.stat().st_size < rows * size / 20
    return path


@pytest.mark.parametrize("dictionary", [True, False])
def test_rows_beyond_the_memory_are_refused_before_they_fill_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dictionary: bool
) -> None:
    file = repeated(tmp_path / "rows.parquet", rows=4000, size=10_000, dictionary=dictionary)
    monkeypatch.setattr(reading, "memory_limit", lambda: 20_000_000)
    monkeypatch.setattr(parquet, "BATCH_BYTES", 1_000_000)

    before = pa.total_allocated_bytes()
    with pytest.raises(DataError, match="4000 rows of 2 columns, which need more than"):
        read_split(file, "train", COLUMNS, ("neg", "pos"))
    assert pa.total_allocated_bytes() - before < 25_000_000


def test_rows_that_no_memory_holds_are_refused_by_their_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"id": pa.nulls(100_000), "text": pa.nulls(100_000)}), file)
    monkeypatch.setattr(reading, "memory_limit", lambda: 1_000_000)
    monkeypatch.setattr(reading, "batches_of", lambda *_: iter(()))

    with pytest.raises(DataError, match="100000 rows of 2 columns, which need more than"):
        read_frame(file)


@pytest.mark.parametrize("dictionary", [True, False])
def test_chunks_end_early_where_cells_are_very_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dictionary: bool
) -> None:
    file = repeated(tmp_path / "rows.parquet", rows=400, size=100_000, dictionary=dictionary)
    monkeypatch.setattr(parquet, "BATCH_BYTES", 1_000_000)

    source = Source(file, "id", "text", 256)
    chunks = list(source.chunks())

    assert source.count() == sum(len(chunk.ids) for chunk in chunks) == 400
    assert max(len(chunk.ids) for chunk in chunks) <= 16


def test_a_file_broken_in_a_column_that_prediction_does_not_need_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    years = pa.array([10**8, 1], pa.date32())  # the year 275,760
    pq.write_table(pa.table({"id": ["a", "b"], "text": ["x", "y"], "day": years}), file)

    with pytest.raises(DataError):
        read_frame(file)
    with pytest.raises(DataError):
        Source(file, "id", "text", 9).count()


def test_batches_show_the_same_cells_as_files() -> None:
    batch = typed_rows(5).to_batches()[0]

    assert described(to_columns(frame_of(batch))["stars"]) == [
        *("float nan", "int 1", "int 2", "float nan", "int 4")
    ]
