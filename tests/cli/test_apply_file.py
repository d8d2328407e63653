"""`weakft apply rows.parquet votes.parquet`."""

from pathlib import Path

import pandas as pd
import pytest

from tests.cli.test_commands import refused, weakft
from tests.conftest import LF_FILE, tiny_rows
from weakft.labels import LabelMatrix


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """New rows, gold included, which LFs must not see."""
    tiny_rows("new", 40).to_parquet(tmp_path / "rows.parquet", index=False)
    return tmp_path / "rows.parquet"


def test_a_file_is_voted_on(project: Path, source: Path) -> None:
    target = source.with_name("votes.parquet")
    content = weakft("apply", source, target, "--project", project)
    L = LabelMatrix.load(target)
    assert L.ids == tuple(pd.read_parquet(source)["id"])
    assert content == {
        "schema": 1,
        "status": "completed",
        "votes": str(target),
        "rows": 40,
        "lfs": list(L.lf_names),
        "coverage": L.covered.mean(),
        "faults": [],
    }
    assert not (project / "runs").exists()


def test_the_fault_budget_holds(make_project: object, source: Path) -> None:
    project = make_project(lfs=LF_FILE + "\n@labeling_function()\ndef peeks(x):\n    x.label\n")  # type: ignore[operator]
    target = source.with_name("votes.parquet")
    message = refused("apply", source, target, "--project", project, code=4)
    assert "'peeks' raised on 40 of 40 rows.parquet rows" in message and not target.exists()
    allow = "labeling.max_fault_rate=1"
    content = weakft("apply", source, target, "--project", project, "--set", allow)
    assert [(f["lf_name"], f["count"]) for f in content["faults"]] == [("peeks", 40)]


def test_a_source_without_a_target_is_refused(project: Path, source: Path) -> None:
    assert "wanted SOURCE and TARGET" in refused("apply", source, "--project", project, code=2)
