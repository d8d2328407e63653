"""What lies in `runs/` and is no run: copies, links, folders and files of other hands."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.published import publish, write_small_project
from weakft.cli.main import app
from weakft.doctor import Finding, examine, mend
from weakft.errors import RunNotFound
from weakft.project import Project
from weakft.retention import half_removed, unneeded


@pytest.fixture(params=["folder", "link"])
def cluttered(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Project, list[str]]:
    """Two runs among strays; `runs/` itself is a folder, or a link to one on another disk."""
    if request.param == "link":
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "p").mkdir()
        (tmp_path / "p" / "runs").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "p").mkdir(exist_ok=True)
    project = write_small_project(tmp_path / "p")
    runs = [publish(project).run.id for _ in range(2)]
    root = project.runs.root
    shutil.copytree(root / runs[1], root / "backup")
    shutil.copytree(root / runs[1], root / "zzz-copy")
    shutil.copytree(root / runs[1], root / ".hidden")
    shutil.copytree(root / runs[1], root / "20991231-235959999-ffff")
    (root / "prod").symlink_to(runs[1])
    (root / "old").symlink_to(root / runs[0])
    (root / ".tmp-gc-prod").symlink_to(runs[1])
    (root / "away").symlink_to(tmp_path / "nowhere")
    (root / "notes").mkdir()
    (root / "todo.txt").write_text("mine")
    return project, runs


STRAYS = {
    "backup",
    "zzz-copy",
    ".hidden",
    "20991231-235959999-ffff",
    "prod",
    "old",
    ".tmp-gc-prod",
    "away",
    "notes",
    "todo.txt",
}


def weakft(project: Project, *arguments: str) -> tuple[int, dict]:
    done = CliRunner().invoke(app, [*arguments, "--project", str(project.root), "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_no_reader_takes_a_stray_for_a_run(cluttered: tuple[Project, list[str]]) -> None:
    project, runs = cluttered
    assert project.runs.ids() == runs
    assert project.registry.open("latest").id == runs[1]
    assert project.registry.serving().run.id == runs[1]
    for name in STRAYS:
        with pytest.raises(RunNotFound):
            project.runs.open(name)
        with pytest.raises(RunNotFound):
            project.registry.promote(name, by="me")
    _, said = weakft(project, "runs", "list")
    assert ([run["id"] for run in said["runs"]], said["damaged"]) == (runs, [])
    code, said = weakft(project, "runs", "verify", "--all")
    assert (code, list(said["runs"])) == (0, runs)
    newer = publish(project).run.id
    assert project.runs.open().id == newer < "20991231"


def test_nothing_behind_a_link_is_removed(cluttered: tuple[Project, list[str]]) -> None:
    project, runs = cluttered
    root = project.runs.root
    assert [run.id for run in unneeded(project.registry, keep=1)] == runs[:1]
    code, said = weakft(project, "runs", "gc", "--keep", "1")
    assert (code, [run["id"] for run in said["removed"]]) == (0, runs[:1])
    assert half_removed(project.runs) == ()
    assert project.runs.ids() == runs[1:]
    assert {path.name for path in root.iterdir()} >= STRAYS
    assert weakft(project, "runs", "gc", "--keep", "1")[1]["removed"] == []
    with project.runs.lock():
        for finding in examine(project):
            mend(project, finding)
    assert project.runs.ids() == runs[1:]
    assert {path.name for path in root.iterdir()} >= STRAYS - {".tmp-gc-prod"}


def test_the_doctor_tells_of_strays(cluttered: tuple[Project, list[str]]) -> None:
    project, runs = cluttered
    found = {Path(finding.where).name: finding for finding in examine(project)}
    assert found.keys() >= STRAYS
    assert {found[name].severity for name in STRAYS} == {"note"}
    assert f"copy of run {runs[1]}" in found["backup"].what
    assert "a link" in found["prod"].what and runs[1] in found["prod"].what
    assert found["todo.txt"].what == "a file that is no run"


def test_a_run_under_another_name_is_missed_by_the_doctor(tmp_path: Path) -> None:
    project = write_small_project(tmp_path)
    run = publish(project).run
    os.rename(run.path, project.runs.root / "renamed")
    assert project.runs.ids() == []
    (finding,) = broken(project)
    assert f"run {run.id} under another name" in finding.what
    os.rename(project.runs.root / "renamed", run.path)
    assert project.runs.ids() == [run.id]


def test_a_damaged_run_is_no_stray(tmp_path: Path) -> None:
    project = write_small_project(tmp_path)
    run = publish(project).run
    run.manifest.write_text("{")
    assert project.runs.ids() == project.runs.strays() == []
    assert [folder.id for folder in project.runs.damaged()] == [run.id]
    code, said = weakft(project, "runs", "verify", "--all")
    assert (code, list(said["runs"])) == (3, [run.id])


def broken(project: Project) -> list[Finding]:
    return [finding for finding in examine(project) if finding.severity == "broken"]


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_every_file_of_a_run_has_the_mode_that_the_umask_gives(
    umask: int, tmp_path: Path, tiny_model: Path
) -> None:
    before = os.umask(umask)
    try:
        run = publish(write_small_project(tmp_path), model=tiny_model).run
    finally:
        os.umask(before)
    files = [path for path in run.path.rglob("*") if path.is_file()]
    assert run.model / "model.safetensors" in files
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o666 & ~umask}
