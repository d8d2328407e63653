"""`weakft runs`: what is in service, and what a newer run changes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.published import LABELS, VOTES, publish, write_small_project
from weakft.cli.main import app
from weakft.project import Project

runner = CliRunner()


@pytest.fixture
def small(tmp_path: Path) -> Project:
    """A project without a run."""
    return write_small_project(tmp_path)


def said(project: Project, *words: str, code: int = 0) -> str:
    result = runner.invoke(app, [*words, "--project", str(project.root)])
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout if code == 0 else result.stderr


def answered(project: Project, *words: str, code: int = 0) -> dict:
    result = runner.invoke(app, [*words, "--project", str(project.root), "--json"])
    assert result.exit_code == code, (result.output, result.exception)
    (line,) = result.stdout.splitlines()
    return json.loads(line)


def test_a_run_is_promoted_and_marked(small: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ann")
    first, second = publish(small).run.id, publish(small).run.id
    assert not any(run["current"] for run in answered(small, "runs", "list")["runs"])
    move = answered(small, "runs", "promote", first, "--why", "better on test")
    assert (move["status"], move["run_id"], move["was"]) == ("completed", first, None)
    assert (move["by"], move["why"]) == ("ann", "better on test")
    marks = {run["id"]: run["current"] for run in answered(small, "runs", "list")["runs"]}
    assert marks == {first: True, second: False}
    assert [
        line.split()[1] == "(current)" for line in said(small, "runs", "list").splitlines()
    ] == [
        False,
        True,
        False,
    ]
    assert answered(small, "runs", "promote", "current", "--by", "eve") == move | {
        "status": "unchanged"
    }
    assert f"{first} is current already" in said(small, "runs", "promote", first)


def test_a_promotion_is_rolled_back(small: Project) -> None:
    first, second = publish(small).run.id, publish(small).run.id
    said(small, "runs", "promote", first)
    assert f"{second} is current; before it was {first}" in said(small, "runs", "promote", "latest")
    move = answered(small, "runs", "rollback", "--by", "eve", "--why", "too slow")
    assert (move["run_id"], move["was"], move["rollback"]) == (first, second, True)
    assert (move["by"], move["why"]) == ("eve", "too slow")
    assert "nothing to go back to" in said(small, "runs", "rollback", code=2)


def test_a_damaged_run_hides_no_other(small: Project) -> None:
    damaged, whole = publish(small).run, publish(small).run
    damaged.metrics.write_bytes(b"?" * damaged.metrics.stat().st_size)
    listed = answered(small, "runs", "list")
    assert [run["id"] for run in listed["runs"]] == [whole.id]
    (why,) = listed["damaged"]
    assert f"metrics.json of run {damaged.id} is damaged" in why
    text = " ".join(said(small, "runs", "list").split())
    assert whole.id in text
    assert f"Not listed: {why}" in text


def test_the_current_run_is_named_by_commands(small: Project) -> None:
    first, second = publish(small).run.id, publish(small).run.id
    refused = answered(small, "runs", "show", "current", code=2)
    assert refused["error"]["type"] == "RunNotFound"
    said(small, "runs", "promote", first)
    content = answered(small, "runs", "diff", "current", "latest")
    assert (content["status"], content["old"], content["new"]) == ("completed", first, second)


def test_a_broken_aliases_file_is_refused(small: Project) -> None:
    publish(small)
    small.registry.path.write_text("{")
    assert "move it away" in said(small, "runs", "list", code=3)


def test_a_difference_is_shown(small: Project) -> None:
    old = publish(small, votes={"cash": VOTES["cash"], "gone": [0] * 5, "noon": VOTES["noon"]})
    new = publish(
        small,
        votes={"cash": [1] * 5, "noon": VOTES["noon"], "fresh": [0] * 5},
        labels={**LABELS, "a": 0, "e": 1},
        predictions={"test": {f"test_{row}": 1 for row in range(4)}},
    )
    lines = said(small, "runs", "diff", old.run.id, new.run.id).splitlines()
    assert "1 added (fresh), 1 removed (gone), 1 changed, 1 unchanged." in lines
    assert "1 with another class; 1 labelled only now, 0 no longer." in lines
    cells = [line.split() for line in lines]
    assert ["cash", "3"] in cells
    assert ["a", "spam", "ham"] in cells
    assert "Models on 4 test rows" in lines
    assert any(line.startswith("accuracy  1.000 [") and " -0.500 [" in line for line in lines)
    assert "Only the old model is right on 2 rows, only the new one on 0" in "\n".join(lines)
    assert f"- valid is left out: run {new.run.id} was not scored on it." in lines


def test_the_current_run_predicts(small: Project, tiny_model: Path, tmp_path: Path) -> None:
    first, second = (publish(small, model=tiny_model).run.id for _ in range(2))
    source, target = str(tmp_path / "test.parquet"), str(tmp_path / "out.csv")
    refused = said(small, "predict", source, target, "--run", "current", code=2)
    assert "runs promote latest" in refused
    said(small, "runs", "promote", first)
    ids = [
        answered(small, "predict", source, target, *run)["run_id"]
        for run in (["--run", "current"], [], ["--run", "latest"])
    ]
    assert ids == [first, first, second]
