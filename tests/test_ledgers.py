"""Ledgers that a full disk tore: whole lines count, torn ones are counted, nobody is blocked."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.published import publish, write_small_project
from weakft.config import RetrainConfig
from weakft.doctor import examine, mend
from weakft.errors import DataError
from weakft.judgements import Judgements
from weakft.looks import Looks
from weakft.project import Project

TORN = [
    b'{"run_id": "run-9", "te',
    b"\0" * 40,
    b'{"run_id": "\xff\xfe',
    b"[1]",
    b'{"run_id": 3}',
    b'{"a":' * 5000,
]


def with_looks(file: Path, count: int) -> Looks:
    looks = Looks(file)
    for number in range(count):
        looks.add(f"run-{number}", "test", "ann")
    return looks


def seen(looks: Looks) -> list[str]:
    return [look.run_id for look in looks.at_test("test")]


@pytest.mark.parametrize("torn", TORN)
def test_whole_lines_count_before_and_behind_torn_ones(torn: bytes, tmp_path: Path) -> None:
    looks = with_looks(tmp_path / ".looks.jsonl", 3)
    whole = looks.ledger.path.read_bytes()
    for content in (torn + whole, torn + b"\n" + whole, whole + torn, whole + torn + b"\n"):
        looks.ledger.path.write_bytes(content)
        assert seen(looks) == ["run-0", "run-1", "run-2"]
        assert looks.ledger.unreadable() == 1
        assert "1 line" in str(looks.damage()) and "doctor --fix" in str(looks.damage())
        looks.add("run-3", "test", "bob")
        assert seen(looks)[3:] == ["run-3"]


def test_a_whole_line_without_its_break_counts(tmp_path: Path) -> None:
    looks = with_looks(tmp_path / "looks.jsonl", 2)
    looks.ledger.path.write_bytes(looks.ledger.path.read_bytes().replace(b"\n", b""))
    assert seen(looks) == ["run-0", "run-1"]
    looks.add("run-2", "test", "ann")
    assert seen(looks) == ["run-0", "run-1", "run-2"]
    assert looks.damage() is None


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(0, 400), rest=st.binary(max_size=30))
def test_wherever_it_is_cut_no_whole_line_is_lost(
    cut: int, rest: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    looks = with_looks(tmp_path_factory.mktemp("ledger") / "looks.jsonl", 4)
    path = looks.ledger.path
    content = path.read_bytes()
    path.write_bytes(content[:cut] + rest)
    whole = content[:cut].count(b"\n")
    assert seen(looks)[:whole] == [f"run-{number}" for number in range(whole)]
    looks.add("after", "test", "ann")
    assert seen(looks)[-1] == "after"
    before = seen(looks)
    looks.ledger.mend(path.with_suffix(".aside"))
    assert seen(looks) == before and looks.damage() is None


def test_a_line_is_written_as_a_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = with_looks(tmp_path / "looks.jsonl", 2)
    before = looks.ledger.path.read_bytes()
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, line: write(file, line[:7]))
    with pytest.raises(DataError, match="cannot be written: only 7 of"):
        looks.add("run-2", "test", "ann")
    assert looks.ledger.path.read_bytes() == before


def test_torn_judgements_block_no_retraining(tmp_path: Path) -> None:
    gate, outcome = RetrainConfig(), {"run_id": "run-0", "status": "refused"}
    judgements = Judgements(tmp_path / "judgements.jsonl")
    judgements.add(outcome, gate)
    with judgements.ledger.path.open("ab") as file:
        file.write(b'{"run_id": "run-1", "sta')
    assert judgements.judged("run-0", gate) and not judgements.judged("run-1", gate)
    judgements.add({**outcome, "run_id": "run-2"}, gate)
    assert judgements.statuses() == {"run-0": "refused", "run-2": "refused"}
    assert "1 line" in str(judgements.damage())


@pytest.mark.parametrize("ledger", ["looks", "judgements"])
def test_the_doctor_sees_and_mends_a_torn_ledger(ledger: str, tmp_path: Path) -> None:
    project = write_small_project(tmp_path)
    publish(project)
    ledgers = {
        "looks": project.looks.ledger,
        "judgements": project.registry.judgements.ledger,
    }
    project.looks.add("a", "test", "ann")
    project.registry.judgements.add({"run_id": "a", "status": "refused"}, RetrainConfig())
    path = ledgers[ledger].path
    whole = path.read_bytes()
    path.write_bytes(b"\0\0\0" + whole + b'{"run_id": "b\xff')
    (finding,) = broken(project)
    assert finding.where == str(path) and "2 lines" in finding.what
    with project.runs.lock():
        mend(project, finding)
    assert broken(project) == []
    assert path.read_bytes() == whole
    (aside,) = path.parent.glob(f"{path.name}.broken-*")
    assert aside.read_bytes() == b'\0\0\0\n{"run_id": "b\xff\n'


def broken(project: Project) -> list:
    return [finding for finding in examine(project) if finding.severity == "broken"]


def test_looks_are_one_json_line_each(tmp_path: Path) -> None:
    looks = with_looks(tmp_path / "looks.jsonl", 2)
    lines = looks.ledger.path.read_text().splitlines()
    read: Callable[[str], dict[str, str]] = json.loads
    assert [read(line)["run_id"] for line in lines] == ["run-0", "run-1"]
