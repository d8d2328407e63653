"""Whatever a night brings, the run in service stays whole, and what is wrong is said."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from tests.test_retrain import OPEN_GATE, QUICK, edit_lf, opened
from weakft.cli.main import app
from weakft.end_model import EndModel
from weakft.retrain import retrain
from weakft.runs import read_json, write_json
from weakft.verify import verify_run


@pytest.fixture
def night(project: Path) -> Path:
    """A project with a run in service."""
    retrain(opened(project))
    return project


def retrained(project: Path, *changes: str) -> tuple[int, str]:
    """Exit code and what was said."""
    words = [part for change in [*QUICK, *changes] for part in ("--set", change)]
    done = CliRunner().invoke(app, ["retrain", "--project", str(project), *words])
    return done.exit_code, done.output


def assert_in_service(project: Path, run_id: str) -> None:
    """This run, whole, and with a model that loads."""
    assert opened(project).registry.current() == run_id
    run = opened(project).runs.open(run_id)
    assert verify_run(run) == ()
    assert EndModel.load(run.model).classes == ("bad", "good")


def train_file(project: Path) -> Path:
    return project / "data" / "train.parquet"


def as_csv(project: Path, encoding: str) -> None:
    """Training rows as CSV, one of which is no ASCII."""
    rows = pd.read_parquet(train_file(project))
    rows.loc[0, "text"] = "café " + rows.loc[0, "text"]
    rows.to_csv(train_file(project).with_suffix(".csv"), index=False, encoding=encoding)
    change_toml(project, "train.parquet", "train.csv")


def change_toml(project: Path, old: str, new: str) -> None:
    toml = project / "weakft.toml"
    assert old in toml.read_text()
    toml.write_text(toml.read_text().replace(old, new))


def rewrite(project: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_parquet(train_file(project))).to_parquet(train_file(project), index=False)


REFUSED: dict[str, tuple[Callable[[Path], None], int, str]] = {
    "a renamed class": (lambda p: change_toml(p, '"good"]', '"fine"]'), 3, "runs promote"),
    "the text column gone": (
        lambda p: rewrite(p, lambda rows: rows.drop(columns="text")),
        3,
        "train.parquet",
    ),
    "ids that repeat": (lambda p: rewrite(p, lambda rows: rows.assign(id="same")), 3, "same"),
    "another encoding": (lambda p: as_csv(p, "latin-1"), 3, "not UTF-8 (line 2:"),
    "UTF-16": (lambda p: as_csv(p, "utf-16"), 3, "not UTF-8 but UTF-16"),
    "an empty batch": (lambda p: rewrite(p, lambda rows: rows.iloc[:0]), 3, "train"),
    "a file of no bytes": (lambda p: train_file(p).write_bytes(b"") and None, 3, "train.parquet"),
    "a file gone": (lambda p: train_file(p).unlink(), 3, "train.parquet"),
    "LFs that do not load": (
        lambda p: (p / "labeling" / "tiny.py").write_text("1 / 0\n") and None,
        4,
        "division by zero",
    ),
    "no LF left": (
        lambda p: (p / "labeling" / "tiny.py").write_text("words = []\n") and None,
        4,
        "tiny.py",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_bad_input_is_refused_and_the_old_state_holds(night: Path, what: str) -> None:
    damage, code, said = REFUSED[what]
    before = opened(night).registry.current()
    assert before is not None
    damage(night)
    exit_code, output = retrained(night)
    assert exit_code == code, output
    assert said in " ".join(output.split())
    assert "Traceback (most recent call last):\n  File" not in output or code == 4
    if what != "a renamed class":
        assert_in_service(night, before)
    assert opened(night).runs.ids() == [before]


def test_a_deleted_lf_makes_another_candidate(night: Path) -> None:
    before = opened(night).registry.current()
    file = night / "labeling" / "tiny.py"
    file.write_text(file.read_text().replace("blames = keyword_lf", "_ = keyword_lf", 1))
    code, output = retrained(night, *OPEN_GATE)
    after = opened(night).registry.current()
    assert code == 0 and after is not None and after != before, output
    assert_in_service(night, after)


@pytest.mark.parametrize("name", ["metrics.json", "predictions/test.parquet", "manifest.json"])
def test_a_run_in_service_edited_by_hand_is_compared_with_nothing(night: Path, name: str) -> None:
    before = opened(night).registry.current()
    assert before is not None
    file = opened(night).runs.open(before).path / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    edit_lf(night)
    code, output = retrained(night)
    assert code == 3
    assert before in output and "weakft runs promote" in " ".join(output.split())
    assert opened(night).registry.current() == before


def test_a_run_in_service_of_another_schema_is_compared_with_nothing(night: Path) -> None:
    before = opened(night).registry.current()
    assert before is not None
    run = opened(night).runs.open(before)
    write_json(run.manifest, {**read_json(run.manifest), "schema": 0})
    edit_lf(night)
    code, output = retrained(night)
    assert (code, opened(night).registry.current()) == (3, before)
    assert "runs promote" in " ".join(output.split())


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A tmpfs on a folder; the test is skipped where one cannot be mounted."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a tmpfs takes root")
@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9])
def test_a_full_or_read_only_disk_keeps_the_old_state(project: Path, share: float) -> None:
    """`share`: of the room that a run takes; 0: not writable at all."""
    runs = project / "runs"
    runs.mkdir()
    with mounted(runs, "size=8m"):
        first = retrain(opened(project))
        edit_lf(project)
        if share:
            used = sum(f.stat().st_blocks * 512 for f in runs.rglob("*") if f.is_file())
            remount(runs, f"size={int(used * (1 + share)) // 1024}k")
        else:
            remount(runs, "ro")
        code, output = retrained(project, *OPEN_GATE)
        remount(runs, "rw,size=8m")
        assert code == 3, output
        assert "disk" in output or "cannot be" in output
        assert_in_service(project, first.run_id)
        code, output = retrained(project, *OPEN_GATE)
        assert code == 0, output


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)
