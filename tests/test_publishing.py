"""Whatever dies or fails while a run is published: the old state holds or the new one."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
import typer

from tests.crashing import ACTS, promote, publish
from tests.faults import Disk, counted, refusing
from tests.published import write_small_project
from weakft.cli.session import session
from weakft.doctor import Finding, examine, mend
from weakft.errors import DataError
from weakft.project import Project
from weakft.registry import Registry
from weakft.runs import RunStore
from weakft.verify import verify_run

SOAK = os.environ.get("WEAKFT_SOAK") == "1"
ROOT = Path(__file__).parent.parent
SIZES = (0, 300, 1500, 2500) if SOAK else (300,)
AT_REST = {".lock", ".aliases.lock", "aliases.json"}
LIMITED = """
import resource, sys

size = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
from weakft.cli.main import main
main()
"""


@pytest.fixture
def template(tmp_path: Path) -> Project:
    """Three runs; the second is in service, the first was before it."""
    root = tmp_path / "template"
    root.mkdir()
    project = write_small_project(root)
    store = project.runs
    for _ in range(2):
        publish(store)
        promote(store)
    publish(store)
    return project


def crash(*words: str) -> None:
    command = [sys.executable, "-m", "tests.crashing", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def repaired(project: Project) -> list[Finding]:
    with project.runs.lock():
        found = [finding for finding in examine(project) if finding.fix]
        for finding in found:
            mend(project, finding)
    return found


def runs_and_current(store: RunStore) -> tuple[tuple[str, ...], str | None]:
    """What a reader sees, each run of it whole."""
    ids = store.ids()
    assert [problem for run in ids for problem in verify_run(store.open(run))] == []
    current = Registry(store).current()
    assert current is None or current in ids
    return tuple(ids), current


def left_over(store: RunStore) -> set[str]:
    return {path.name for path in store.root.iterdir()} - AT_REST - set(store.ids())


def holds_and_goes_on(project: Project) -> None:
    """Nothing is broken, and the next run is published and goes into service."""
    assert left_over(project.runs) == set()
    assert [finding for finding in examine(project) if finding.severity == "broken"] == []
    with project.runs.lock():
        new = publish(project.runs)
        assert promote(project.runs) == new
    assert runs_and_current(project.runs)[1] == new


@pytest.mark.parametrize("act", ["publish", "promote", "collect"])
def test_a_process_may_die_anywhere(template: Project, tmp_path: Path, act: str) -> None:
    if act == "collect":
        promote(template.runs)
    old = runs_and_current(template.runs)
    crash(act, str(template.root), str(tmp_path / "copies"), str(1 if SOAK else 3))
    copies = sorted((tmp_path / "copies").iterdir())
    seen, mended = set(), 0
    for copy in copies:
        project = Project.open(copy)
        ids, current = runs_and_current(project.runs)
        seen.add((len(ids), current == old[1]))
        mended += len(repaired(project))
        assert runs_and_current(project.runs) == (ids, current)
        holds_and_goes_on(project)
    before = (len(old[0]), True)
    after = {"publish": (4, True), "promote": (3, False), "collect": (2, True)}[act]
    assert seen == {before, after}
    assert mended > 0


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("act", ["publish", "promote"])
def test_a_disk_may_fail_anywhere(
    template: Project, capsys: pytest.CaptureFixture[str], act: str, number: int, lasting: bool
) -> None:
    kept = 0
    for fails_at in count(1, 1 if SOAK else 2):
        before = runs_and_current(template.runs)
        disk = Disk(fails_at, refusing(number), lasting)
        refused = failed(lambda: ACTS[act](template.runs), disk)
        if len(disk.log) < fails_at:
            break
        after, said = runs_and_current(template.runs), capsys.readouterr().err
        assert not refused or os.strerror(number) in said
        assert act == "promote" or (after == before) == (refused and "is published" not in said)
        kept += after == before
        assert left_over(template.runs) == set()
        with template.runs.lock():
            pass
        if act == "promote" and after != before:
            Registry(template.runs).rollback(by="me")
    assert kept > 2
    holds_and_goes_on(template)


def failed(act: Callable[[], object], disk: Disk) -> bool:
    """Whether a command that acts so ends as one whose data is refused."""
    try:
        with counted(disk), session(None, None, as_json=False):
            act()
    except typer.Exit as end:
        assert end.exit_code == DataError.exit_code
        return True
    return False


def test_a_run_that_cannot_be_synced_into_place_is_said_to_be_there(template: Project) -> None:
    with counted(Disk(None, refusing(errno.EIO))) as disk:
        publish(template.runs)
    last = len(disk.log) - disk.log[::-1].index("fsync")
    with pytest.raises(DataError) as refused, counted(Disk(last, refusing(errno.EIO))):
        publish(template.runs)
    assert f"Run {template.runs.ids()[-1]} is published, but" in str(refused.value)


def test_every_file_and_folder_is_synced_before_the_rename(
    template: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync, rename = os.fsync, os.rename

    def noted(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        fsync(descriptor)

    def compared(staged: Path, final: Path) -> None:
        assert set(map(str, (staged, *staged.rglob("*")))) <= set(synced)
        synced.clear()
        rename(staged, final)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(os, "rename", compared)
    publish(template.runs)
    assert synced == [str(template.runs.root)]


def test_a_folder_with_the_manifest_of_a_crash_is_published(template: Project) -> None:
    with template.runs.staging() as staged:
        staged.manifest.write_text('{"schema": 1, "id": "old", "fil')
        run = template.runs.publish(staged, {})
    assert template.runs.open().id == run.id
    assert verify_run(run) == ()


def test_kills_at_random_times_lose_nothing(template: Project) -> None:
    crash("random", str(template.runs.root), str(200 if SOAK else 8))
    repaired(template)
    assert left_over(template.runs) == set()
    holds_and_goes_on(template)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("command", ["run", "apply"] if SOAK else ["apply"])
def test_a_command_that_may_write_no_more_says_so(project: Path, size: int, command: str) -> None:
    done = limited(size, command, "--project", str(project))
    assert done.returncode == 3, done.stderr
    assert "The disk refuses" in done.stderr or "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert left_over(Project.open(project).runs) == set()
    with Project.open(project).runs.lock():
        pass


def limited(size: int, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", "-c", LIMITED, str(size), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)
