"""Slices by columns of the data: which columns, which rows, and the worst first."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.tables.conftest import CLASSES, Made, write_run
from weakft.config import Config, Splits
from weakft.dataset import Dataset, Split
from weakft.errors import DataError
from weakft.intervals import jeffreys
from weakft.runs import RunFolder, read_json
from weakft.tables import RowTable, Sought
from weakft.tables.slices import as_texts, sliced_columns, slices_by_columns

N = 60


def config(**privacy: Any) -> Config:  # noqa: ANN401
    return Config.model_validate(
        {
            "project": {"name": "x", "classes": ["a", "b"]},
            "data": {"train": "t.parquet"},
            "privacy": privacy,
        }
    )


def split(name: Splits, columns: dict[str, Any]) -> Split:
    frame = pd.DataFrame({"id": [f"{name} {row}" for row in range(N)], **columns})
    gold = None if name == "train" else np.zeros(N, dtype=np.int64)
    return Split(name, frame, tuple(frame["id"]), tuple(frame["id"]), gold)


def sliced(train: dict[str, Any], valid: dict[str, Any], **privacy: Any) -> dict[str, Any]:  # noqa: ANN401
    data = Dataset({"train": split("train", train), "valid": split("valid", valid)}, ())
    found = sliced_columns(data, config(**privacy))
    assert set(found) == {"valid"}, "train has no gold to judge by"
    return dict(found["valid"])


def values(distinct: int, kind: type = str) -> list[Any]:
    return [kind(row % distinct) for row in range(N)]


def test_columns_of_few_values_are_sliced() -> None:
    kinds = {
        "shop": values(20),
        "stars": values(5, int),
        "price": values(4, float),
        "new": values(2, bool),
        "mixed": [1, 2.5] * (N // 2),
        "kind": pd.Categorical(values(3)),
    }
    found = sliced(kinds, kinds)
    assert list(found) == list(kinds)
    assert found["stars"][:6] == ["0", "1", "2", "3", "4", "0"]
    assert found["price"][1] == "1"
    assert found["new"][:2] == ["False", "True"]
    assert found["mixed"][:2] == ["1", "2.5"]
    assert found["kind"][:2] == ["0", "1"]


@pytest.mark.parametrize(
    ("train", "valid"),
    [
        (values(2), values(21)),
        (values(21), values(2)),
        (values(15), [f"other {value}" for value in values(6)]),
        ([date(2026, 1, 1)] * N, [date(2026, 1, 1)] * N),
        ([["a"], ["b"]] * (N // 2), [["a"], ["b"]] * (N // 2)),
        ([b"a", b"b"] * (N // 2), [b"a", b"b"] * (N // 2)),
        (["x" * 101] * N, ["short"] * N),
        ([None] * N, [None] * N),
        ([1, "a"] * (N // 2), [1, "a"] * (N // 2)),
    ],
    ids=[
        "21 in valid",
        "21 in train",
        "21 together",
        "dates",
        "lists",
        "bytes",
        "long",
        "empty",
        "mixed",
    ],
)
def test_other_columns_are_not(train: list[Any], valid: list[Any]) -> None:
    assert sliced({"shop": train}, {"shop": valid}) == {}


@pytest.mark.parametrize("name", ["id", "text", "label", "image", "image_sha256"])
def test_what_the_rows_are_is_no_slice(name: str) -> None:
    columns = {name: values(2)}
    assert sliced(columns, columns) == {}


def test_hidden_columns_are_no_slice() -> None:
    columns = {"shop": values(2), "patient": values(3)}
    assert list(sliced(columns, columns, hidden=["patient"])) == ["shop"]


def test_a_column_that_train_lacks_is_sliced() -> None:
    assert list(sliced({}, {"rater": values(3)})) == ["rater"]


def test_a_number_is_the_same_beside_missing_ones() -> None:
    assert as_texts(pd.Series([1, 2, None])) == ["1", "2", None]
    assert as_texts(pd.Series([1, 2])) == ["1", "2"]
    assert as_texts(pd.Series(["a", None, ""])) == ["a", None, ""]


def told(sliced: dict[str, list[str | None]], gold: str, right: str) -> dict[str, Any]:
    """Slices by name, from strings of y and n: has it gold? is the model right?"""
    judged = np.array([mark == "y" for mark in gold])
    rights = np.array([mark == "y" for mark in right])[judged]
    found = slices_by_columns(sliced, judged, rights)
    return {f"{each['column']} {each['value']}": each for each in found}


def test_rows_without_gold_do_not_count() -> None:
    found = told({"shop": ["a", "c", "a", "b", "b", None]}, gold="ynyyyy", right="yyynyn")
    counts = {name: (each["accuracy"], each["accuracy_support"]) for name, each in found.items()}
    assert counts == {"shop a": (1, 2), "shop b": (0.5, 2), "shop None": (0, 1)}
    share = jeffreys(1, 2)
    assert share is not None
    assert (found["shop b"]["accuracy_low"], found["shop b"]["accuracy_high"]) == (
        share.low,
        share.high,
    )


def test_few_rows_put_no_slice_on_top() -> None:
    """One row of one wrong may be chance; 20 of 40 wrong are not."""
    shops: list[str | None] = ["once", *["often"] * 40, *["fine"] * 40]
    found = told({"shop": shops}, gold="y" * 81, right="n" + "yn" * 20 + "y" * 40)
    assert [each["value"] for each in found.values()] == ["often", "once", "fine"]


def test_one_value_alone_parts_nothing() -> None:
    assert told({"shop": ["a", "a", "b"]}, gold="yyn", right="yyy") == {}


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Gold rows of two shops, one of them without a name; train has shops too."""
    rng = np.random.default_rng(0)

    def rows(name: str, gold: int) -> Made:
        return Made(
            ids=tuple(f"{name} {row}" for row in range(4)),
            texts=("w", "x", "y", "z"),
            votes=rng.integers(0, 3, (4, 6)).astype(np.int8),
            gold=np.full(4, gold),
            soft=np.full((4, 3), 1 / 3),
            probs=np.eye(3)[[0, 0, 1, 0]],
            columns={"shop": ["a", "b", "b", None], "patient": ["p", "q", "p", "q"]},
        )

    return write_run(tmp_path, {"train": rows("train", 0), "dev": rows("dev", 0)})


@pytest.mark.parametrize(("value", "rows"), [("a", [0]), ("b", [1, 2]), (None, [3]), ("c", [])])
def test_the_rows_of_a_slice_are_found(value: str | None, rows: list[int], run: RunFolder) -> None:
    table = RowTable(run, "dev", CLASSES)
    assert table.positions(Sought(slice=("shop", value))).tolist() == rows
    mistakes = Sought(slice=("shop", value), mistakes=True)
    assert table.positions(mistakes).tolist() == [row for row in rows if row == 2]


def test_the_slices_of_a_run_are_those_of_its_rows(run: RunFolder) -> None:
    found = read_json(run.summaries)["model"]["dev"]["columns"]
    table = RowTable(run, "dev", CLASSES)
    assert {each["column"] for each in found} == {"shop", "patient"}
    for each in found:
        rows = table.positions(Sought(slice=(each["column"], each["value"])))
        right = table.positions(Sought(slice=(each["column"], each["value"]), mistakes=False))
        assert (len(rows), len(right) / len(rows)) == (each["accuracy_support"], each["accuracy"])


def test_there_are_none_of_train_nor_of_what_is_hidden(run: RunFolder) -> None:
    by_shop = Sought(slice=("shop", "a"))
    with pytest.raises(DataError, match=r"rows of train in this run have no slices by 'shop'"):
        RowTable(run, "train", CLASSES).positions(by_shop)
    with pytest.raises(DataError, match=r"no slices by 'gold'"):
        RowTable(run, "dev", CLASSES).positions(Sought(slice=("gold", "ham")))
    with pytest.raises(DataError, match=r"'shop' are hidden.*would tell what they say"):
        RowTable(run, "dev", CLASSES, unsliced=["shop"]).positions(by_shop)
