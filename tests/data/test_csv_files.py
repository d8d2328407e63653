"""CSV files that read back, and in which a spreadsheet computes nothing."""

import csv
from io import BytesIO
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weakft.data.csv_files import (
    FORMULAS,
    csv_frames,
    faithful,
    harmless,
    write_csv,
    write_faithful_csv,
)
from weakft.dataset import read_dataset
from weakft.prediction.writing import write_tables
from weakft.project import Project
from weakft.scaffold.own_data import start_with_data

CELLS = st.text(
    st.one_of(st.sampled_from("\r\n\t\"',=+-@ ab"), st.characters(exclude_categories=["Cs"])),
    min_size=1,
    max_size=8,
)
SOME = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@SOME
@given(texts=st.lists(CELLS, min_size=1, max_size=4))
def test_what_is_written_is_read_back(tmp_path: Path, texts: list[str]) -> None:
    file = tmp_path / "table.csv"
    table = pd.DataFrame({"id": [f"r{i}" for i in range(len(texts))], "text": texts, "p": 0.5})

    write_faithful_csv(table, file)
    assert next(csv_frames(file, 9))["text"].tolist() == texts
    with file.open(encoding="utf-8", newline="") as opened:
        assert [row[1] for row in csv.reader(opened)] == ["text", *texts]

    write_csv(table, file)
    written = next(csv_frames(file, 9))["text"].tolist()
    assert not any(cell.startswith(FORMULAS) for cell in written)
    assert [faithful(cell) for cell in written] == texts


@SOME
@given(cells=st.lists(CELLS, unique=True, max_size=9))
def test_distinct_cells_stay_distinct(cells: list[str]) -> None:
    assert len({harmless(cell) for cell in cells}) == len(cells)


def test_predictions_hold_no_formula(tmp_path: Path) -> None:
    table = pa.table(
        {"id": ["=1+1", "-2", "a\rb"], "predicted": ["@spam", "ham", "+ham"], "p_@spam": [0.5] * 3}
    )
    file = tmp_path / "predicted.csv"

    write_tables([table, table], table.schema, file, ".csv")

    frame = next(csv_frames(file, 9))
    assert frame["id"].tolist() == ["'=1+1", "'-2", "a\rb"] * 2
    assert frame["predicted"].tolist() == ["'@spam", "ham", "'+ham"] * 2
    assert frame["p_@spam"].tolist() == ["0.500000"] * 6


def test_numbers_keep_their_sign() -> None:
    file = BytesIO()
    write_csv(pd.DataFrame({"=x": [-0.25], "n": [-1]}), file)

    assert file.getvalue() == b"'=x,n\n-0.250000,-1\n"


@pytest.mark.parametrize("quote", ['"', ""])
def test_a_project_of_own_rows_has_as_many_as_the_file(tmp_path: Path, quote: str) -> None:
    file = tmp_path / "mine.csv"
    bodies = ["great phone\rlove it", "broke on day one", "@shop thanks", "=x", "refund", "so so"]
    rows = "".join(f"{quote}{body}{quote},5\r\n" for body in bodies)
    file.write_bytes(f"body,stars\r\n{rows}".encode())

    start_with_data(tmp_path / "p", file, ["neg", "pos"], "body")

    project = Project.open(tmp_path / "p")
    assert list(read_dataset(project.config, project.root)["train"].texts) == bodies
