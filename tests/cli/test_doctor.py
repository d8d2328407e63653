"""`weakft doctor`, `weakft runs verify | gc`: words, exit codes, a busy project, a full disk."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests.published import publish, write_small_project
from weakft.cli.main import app
from weakft.cli.session import session
from weakft.project import Project

runner = CliRunner()


@pytest.fixture
def small(tmp_path: Path) -> Project:
    """A project of three runs, the second in service."""
    project = write_small_project(tmp_path)
    for _ in range(3):
        publish(project)
    project.registry.promote(project.runs.ids()[1], by="me")
    return project


def said(project: Project, *words: str, code: int = 0) -> str:
    result = runner.invoke(app, [*words, "--project", str(project.root)])
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def answered(project: Project, *words: str, code: int = 0) -> dict:
    result = runner.invoke(app, [*words, "--project", str(project.root), "--json"])
    assert result.exit_code == code, (result.output, result.exception)
    (line,) = result.stdout.splitlines()
    return json.loads(line)


def test_a_sound_project_is_well(small: Project) -> None:
    content = answered(small, "doctor")
    assert (content["status"], content["mended"]) == ("ok", [])
    assert "0 broken, 0 mended." in said(small, "doctor")


def test_a_leftover_is_told_and_mended(small: Project) -> None:
    left = small.runs.root / ".tmp-gc-20260101-000000000-1234"
    left.mkdir()
    assert "1 can be mended: weakft doctor --fix" in said(small, "doctor")
    assert left.exists()
    (mended,) = answered(small, "doctor", "--fix")["mended"]
    assert mended["where"] == str(left)
    assert not left.exists()


def test_what_is_broken_is_3_until_it_is_mended(small: Project) -> None:
    small.registry.path.write_text("{")
    assert answered(small, "doctor", code=3)["status"] == "broken"
    assert "mended" in said(small, "doctor", "--fix")
    (small.runs.open().path / "config.toml").unlink()
    assert "runs verify" in said(small, "doctor", "--fix", code=3)


def test_nobody_is_disturbed(small: Project) -> None:
    left = small.runs.root / ".tmp-gc-20260101-000000000-1234"
    left.mkdir()
    with small.runs.lock():
        said(small, "doctor", "--fix", code=75)
        said(small, "runs", "gc", "--keep", "1", code=75)
        said(small, "doctor")
        said(small, "runs", "gc", "--dry-run")
    assert left.exists() and len(small.runs.ids()) == 3


def test_runs_are_verified(small: Project) -> None:
    first, second, third = small.runs.ids()
    assert answered(small, "runs", "verify") == {"schema": 1, "status": "ok", "runs": {third: []}}
    assert answered(small, "runs", "verify", "current")["runs"] == {second: []}
    (small.runs.root / first / "config.toml").write_text("")
    (small.runs.root / second / "manifest.json").unlink()
    content = answered(small, "runs", "verify", "--all", code=3)
    assert content["status"] == "damaged"
    paths = {run: [problem["path"] for problem in ps] for run, ps in content["runs"].items()}
    assert paths == {first: ["config.toml"], second: ["manifest.json"], third: []}
    told = said(small, "runs", "verify", first, third, code=3)
    assert f"{first}: config.toml: wanted " in told and "As published: 1 of 2." in told
    said(small, "runs", "verify", "current", code=3)


@pytest.mark.parametrize("name", ["../x", "nonsense", ".work"])
def test_what_is_no_run_is_not_verified(small: Project, name: str) -> None:
    assert "No run folder" in said(small, "runs", "verify", name, code=2)


def test_old_runs_go(small: Project) -> None:
    first, second, third = small.runs.ids()
    dry = answered(small, "runs", "gc", "--keep", "1", "--dry-run")
    assert small.runs.ids() == [first, second, third]
    content = answered(small, "runs", "gc", "--keep", "1")
    assert small.runs.ids() == [second, third]
    assert [run["id"] for run in content["removed"]] == [first]
    assert content == dry | {"dry_run": False}
    assert content["megabytes"] > 0
    assert "Nothing to remove." in said(small, "runs", "gc", "--keep", "1")
    assert not list(small.runs.root.glob(".tmp*"))


def test_ten_runs_stay_if_nothing_is_said(small: Project) -> None:
    assert answered(small, "runs", "gc")["status"] == "unchanged"
    said(small, "runs", "gc", "--keep", "0", code=2)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
        OSError(errno.EROFS, os.strerror(errno.EROFS)),
        RuntimeError("Error while serializing: I/O error: No space left (os error 28)"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0"),
    ],
)
def test_a_disk_that_refuses_is_no_bug(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    with pytest.raises(typer.Exit) as end, session(tmp_path, None, as_json=True):
        try:
            raise error
        finally:
            raise ValueError("while tidying up")
    assert end.value.exit_code == 3
    told = json.loads(capsys.readouterr().out)["error"]
    assert told["type"] == "DataError" and str(error) in told["message"]


def test_a_bug_is_told_even_where_its_log_cannot_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "weakft-crash.log").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(typer.Exit) as end, session(tmp_path, None, as_json=False):
        raise ZeroDivisionError("of weakft")
    assert end.value.exit_code == 1
    assert "This is a bug in weakft: ZeroDivisionError" in capsys.readouterr().err


def test_each_rank_keeps_the_log_of_its_own_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        with pytest.raises(typer.Exit), session(tmp_path, None, as_json=False):
            raise ZeroDivisionError(f"of rank {rank}")
    assert "of rank 0" in (tmp_path / "weakft-crash.log").read_text()
    assert "of rank 1" in (tmp_path / "weakft-crash-1.log").read_text()


def test_the_doctor_never_loads_torch(small: Project) -> None:
    code = (
        "import sys\nfrom weakft.cli.main import app\n"
        "try: app(sys.argv[1:])\nexcept SystemExit as end: assert not end.code, end.code\n"
        "print('LOADED', [name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, "doctor", "--fix"]
    command += ["--project", str(small.root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "LOADED []", done.stderr
