"""Data is checked at the door: wanted, got, where."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from weakft.config import DataConfig
from weakft.dataset import read_dataset, read_split
from weakft.errors import DataError
from weakft.project import Project

COLUMNS = DataConfig(train="unused")
GOOD = pd.DataFrame({"id": ["a", "b"], "text": ["one", "two"], "label": ["no", "yes"]})


def read(frame: pd.DataFrame, folder: Path, name: str = "dev"):  # noqa: ANN201
    path = folder / "rows.parquet"
    frame.to_parquet(path, index=False)
    return read_split(path, name, COLUMNS, ("no", "yes"))  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_every_format_reads_the_same(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"rows.{suffix}"
    frame = GOOD.assign(id=["007", "008"], text=["zero", "NA"])
    if suffix == "parquet":
        frame.to_parquet(path, index=False)
    elif suffix == "csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_json(path, orient="records", lines=True)
    split = read_split(path, "dev", COLUMNS, ("no", "yes"))
    assert (split.ids, split.texts) == (("007", "008"), ("zero", "NA"))
    assert split.gold is not None
    assert split.gold.tolist() == [0, 1]


def test_lfs_never_see_the_label(tmp_path: Path) -> None:
    assert list(read(GOOD, tmp_path).frame.columns) == ["id", "text"]
    assert read(GOOD, tmp_path, "train").gold is None


def test_class_positions_are_labels_too(tmp_path: Path) -> None:
    gold = read(GOOD.assign(label=[1, 0]), tmp_path).gold
    assert gold is not None
    assert gold.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": ["a", "a"]}, "distinct.*'a'"),
        ({"id": ["a", None]}, "row 1 .*no 'id'"),
        ({"id": ["a", " "]}, "row 1 .*no 'id'"),
        ({"text": ["one", " "]}, "'b' has no 'text'"),
        ({"text": ["one", None]}, "'b' has no 'text'"),
        ({"text": [1, 2]}, "holds texts.*'a'"),
        ({"label": ["no", "maybe"]}, "'maybe' on row 'b'.*Classes"),
        ({"label": ["no", None]}, "on row 'b'"),
        ({"label": [0, 2]}, "'2' on row 'b'"),
    ],
)
def test_bad_cells_are_named(tmp_path: Path, change: dict[str, list], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(GOOD.assign(**change), tmp_path)


@pytest.mark.parametrize("column", ["id", "text", "label"])
def test_missing_columns_are_named(tmp_path: Path, column: str) -> None:
    with pytest.raises(DataError, match=f"wanted column '{column}'"):
        read(GOOD.drop(columns=column), tmp_path)


def test_empty_and_unreadable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no rows"):
        read(GOOD.iloc[:0], tmp_path)
    for name, content in {
        "empty.csv": b"",
        "latin.csv": "id,text,label\na,caf\xe9,no\n".encode("latin1"),
        "broken.jsonl": b'{"id": ',
        "latin.jsonl": '{"id": "a", "text": "caf\xe9"}\n'.encode("latin1"),
        "broken.parquet": b"PAR1",
        "rows.xls": b"",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=name):
            read_split(tmp_path / name, "dev", COLUMNS, ("no", "yes"))
    with pytest.raises(DataError, match="no such file"):
        read_split(tmp_path / "gone.csv", "dev", COLUMNS, ("no", "yes"))


def test_a_csv_row_longer_than_its_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("id,text\n1,great phone,note\n2,bad,note\n")
    with pytest.raises(DataError, match=r"rows\.csv"):
        read_split(path, "train", COLUMNS, ("no", "yes"))


def test_numeric_class_names_are_never_taken_for_positions(tmp_path: Path) -> None:
    frame = GOOD.assign(label=[1, 2])
    frame.to_parquet(tmp_path / "rows.parquet", index=False)
    split = read_split(tmp_path / "rows.parquet", "dev", COLUMNS, ("1", "2"))
    assert split.gold is not None
    assert split.gold.tolist() == [0, 1]
    GOOD.assign(label=[0, 1]).to_parquet(tmp_path / "rows.parquet", index=False)
    with pytest.raises(DataError, match="no class"):
        read_split(tmp_path / "rows.parquet", "dev", COLUMNS, ("1", "2"))


def test_a_row_in_two_splits_is_refused(project: Path) -> None:
    test = pd.read_parquet(project / "data" / "test.parquet")
    valid = pd.read_parquet(project / "data" / "valid.parquet")
    pd.concat([test, valid.iloc[:1]]).to_parquet(project / "data" / "test.parquet", index=False)
    opened = Project.open(project)
    with pytest.raises(DataError, match="'valid-0' stands in valid and in test"):
        read_dataset(opened.config, opened.root)


def test_a_text_in_two_splits_is_told(project: Path) -> None:
    test = pd.read_parquet(project / "data" / "test.parquet")
    test.loc[0, "text"] = "train 0 the the is great"
    test.to_parquet(project / "data" / "test.parquet", index=False)
    opened = Project.open(project)
    (warning,) = read_dataset(opened.config, opened.root).warnings
    assert "1 texts stand in both train and test" in warning


def test_missing_splits_are_told(make_project: Callable[..., Path]) -> None:
    from tests.conftest import CONFIG

    lines = [line for line in CONFIG.splitlines() if not line.startswith(("dev", "valid", "test"))]
    opened = Project.open(make_project("\n".join(lines)))
    data = read_dataset(opened.config, opened.root)
    assert list(data.splits) == ["train"]
    assert [w.split()[1] for w in data.warnings] == ["dev", "valid", "test"]
    assert np.array(data["train"].texts).shape == (48,)
