"""What the doctor finds, and what is left after it has mended that."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.published import publish, write_small_project
from weakft.apply import VoteCache
from weakft.doctor import Finding, examine, mend
from weakft.doctor.surroundings import _problem
from weakft.files import sole_writer
from weakft.narration import SILENCE
from weakft.pipeline import stagewise
from weakft.project import Project
from weakft.registry import Move

DAY = 86400


@pytest.fixture
def small(tmp_path: Path) -> Project:
    """A project with one run."""
    project = write_small_project(tmp_path)
    publish(project)
    return project


@pytest.fixture(scope="module")
def dead() -> int:
    """Id of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture(scope="module")
def alive() -> Iterator[int]:
    """Id of another process that lives."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid


def found(project: Project, severity: str = "note") -> list[Finding]:
    return [finding for finding in examine(project) if finding.severity == severity]


def mended(project: Project) -> list[str]:
    """Paths, relative to the project, of what was mended."""
    with project.runs.lock():
        findings = [finding for finding in examine(project) if finding.fix]
        for finding in findings:
            mend(project, finding)
    return [str(Path(finding.where).relative_to(project.root)) for finding in findings]


def aged(path: Path, seconds: float) -> Path:
    for inner in (*path.rglob("*"), path):
        os.utime(inner, (time.time() - seconds,) * 2)
    return path


def written(path: Path, content: str = "half") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_a_sound_project_has_nothing_to_mend(small: Project) -> None:
    small.registry.promote("latest", by="me")
    assert found(small, "broken") == []
    assert mended(small) == []
    assert {"packages", "hardware"} <= {finding.where for finding in found(small, "fine")}


def test_what_a_dead_process_staged_goes(small: Project, dead: int, alive: int) -> None:
    root = small.runs.root
    for name in (f".tmp-20260101-000000000-1234-{dead}", f".tmp-20260101-000000000-1234-{alive}"):
        written(root / name / "votes" / "train.parquet")
    written(root / ".tmp-mine" / "file")
    written(root / ".tmp-gc-20260101-000000000-1234" / "metrics.json")
    assert mended(small) == [
        f"runs/.tmp-20260101-000000000-1234-{dead}",
        "runs/.tmp-gc-20260101-000000000-1234",
    ]
    left = {Path(finding.where).name: finding.what for finding in found(small)}
    assert left.keys() == {f".tmp-20260101-000000000-1234-{alive}", ".tmp-mine"}
    assert all((root / name).exists() for name in left)
    assert len(small.runs.ids()) == 1


def test_a_process_with_the_id_of_this_one_is_another(small: Project) -> None:
    written(small.runs.root / f".tmp-a-{os.getpid()}" / "file")
    assert mended(small) == [f"runs/.tmp-a-{os.getpid()}"]


def test_the_live_file_of_a_dead_process_goes(small: Project, dead: int, alive: int) -> None:
    file = small.runs.root / ".live.json"
    told = {"started": "", "updated": "", "stage": "train"}
    written(file, json.dumps({"pid": alive, **told}))
    assert mended(small) == []
    written(file, json.dumps({"pid": dead, **told}))
    assert mended(small) == ["runs/.live.json"]
    written(file, "{")
    written(file.with_suffix(".tmp"), "{")
    assert mended(small) == ["runs/.live.json", "runs/.live.tmp"]


def test_half_written_files_go_when_nobody_writes_them(
    small: Project, dead: int, alive: int
) -> None:
    aged(written(small.root / ".out.csv.partial.csv"), 2 * 3600)
    aged(written(small.root / "deep" / ".votes.parquet.partial"), 2 * 3600)
    written(small.root / "deep" / f".report.html.{dead}.partial")
    written(small.root / f".agnews.partial-{dead}" / "train.parquet")
    stay = [
        written(small.root / ".new.csv.partial.csv"),
        written(small.root / f".report.html.{alive}.partial"),
        aged(written(small.root / ".film.mp4.partial"), DAY),
        aged(written(small.root / ".venv" / ".out.csv.partial"), DAY),
        aged(written(small.runs.root / small.runs.ids()[0] / ".out.csv.partial"), DAY),
    ]
    assert sorted(mended(small)) == sorted(
        [
            ".out.csv.partial.csv",
            "deep/.votes.parquet.partial",
            f"deep/.report.html.{dead}.partial",
            f".agnews.partial-{dead}",
        ]
    )
    assert all(path.exists() for path in stay)


@pytest.mark.parametrize("folder", [".weakft/unfinished/abc", "deep/.out.parquet.parts"])
def test_what_one_can_go_on_from_stays_a_week(small: Project, folder: str) -> None:
    path = small.root / folder
    written(path / "inner" / "file")
    written(path / ".lock")
    aged(path, 6 * DAY)
    assert mended(small) == []
    assert "6 days ago; the same command goes on" in found(small)[0].what
    aged(path, 8 * DAY)
    assert mended(small) == [folder]
    assert not path.exists() and path.parent.exists()


def test_a_prediction_at_work_stays(small: Project) -> None:
    path = small.root / ".out.parquet.parts"
    draft = small.root / ".out.parquet.partial"
    written(path / "000.parquet")
    with sole_writer(small.root / "out.parquet"):
        aged(written(draft), DAY)
        aged(path, 8 * DAY)
        assert mended(small) == []
        assert "somebody is writing it" in {finding.what for finding in found(small, "fine")}
    assert mended(small) == [".out.parquet.partial", ".out.parquet.parts"]


def test_the_lock_of_a_killed_writer_goes(small: Project) -> None:
    lock = written(small.root / "deep" / ".out.csv.partial.lock")
    with sole_writer(small.root / "deep" / "out.csv"):
        assert mended(small) == []
    assert not lock.exists()
    written(lock)
    assert mended(small) == ["deep/.out.csv.partial.lock"]
    assert list(lock.parent.iterdir()) == []


def test_an_alias_file_that_cannot_be_read_is_put_aside(small: Project) -> None:
    small.registry.path.write_text('{"schema": 1, "ali')
    (finding,) = found(small, "broken")
    assert "runs promote RUN" in finding.what
    assert mended(small) == ["runs/aliases.json"]
    (aside,) = small.runs.root.glob("aliases.json.broken-*")
    assert aside.read_text() == '{"schema": 1, "ali'
    assert small.registry.current() is None
    assert found(small, "broken") == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"schema": 2, "aliases": {}, "history": []}, "schema: Input should be 1"),
        ({"schema": 1, "aliases": {"current": "a"}, "history": []}, "not where the history ends"),
    ],
)
def test_an_alias_file_that_contradicts_itself_stays(
    small: Project, content: dict[str, object], said: str
) -> None:
    small.registry.path.write_text(json.dumps(content))
    assert mended(small) == []
    (finding,) = found(small, "broken")
    assert said in finding.what
    assert json.loads(small.registry.path.read_text()) == content


def test_a_run_in_service_that_is_gone_is_told(small: Project) -> None:
    move = vars(Move("current", "gone", None, "me", "2026-01-01T00:00:00+00:00"))
    content = {"schema": 1, "aliases": {"current": "gone"}, "history": [move]}
    small.registry.path.write_text(json.dumps(content))
    (finding,) = found(small, "broken")
    assert "run gone is in service" in finding.what and finding.fix is None


def test_an_alias_that_was_not_moved_is_cleared_away(small: Project) -> None:
    small.registry.promote("latest", by="me")
    written(small.runs.root / ".aliases.json.tmp")
    assert mended(small) == ["runs/.aliases.json.tmp"]
    assert small.registry.current() == small.runs.ids()[0]


def test_runs_nobody_sees_are_told_and_kept(small: Project) -> None:
    run = small.runs.open()
    (run.path / "metrics.json").unlink()
    written(small.runs.root / "notes" / "todo.txt")
    assert mended(small) == []
    (finding,) = found(small, "broken")
    assert finding.where == str(run.path) and f"runs verify {run.id}" in finding.what
    assert [Path(finding.where).name for finding in found(small)] == ["notes"]


RULES = "from weakft import keyword_lf\nhas_a = keyword_lf('has_a', ['a'], 1)\n"


def test_stages_of_other_inputs_are_told(small: Project) -> None:
    (small.root / "rules.py").write_text(RULES)
    stagewise.apply(small, SILENCE)
    assert found(small) == []
    (small.root / "rules.py").write_text(RULES.replace("1)", "0)"))
    (finding,) = found(small)
    assert "changed since `weakft apply`" in finding.what and finding.fix is None
    assert finding.where == str(small.runs.work.path)


@pytest.mark.parametrize("damage", ["torn", "no votes"])
def test_stages_that_a_crash_tore_start_anew(small: Project, damage: str) -> None:
    (small.root / "rules.py").write_text(RULES)
    work, _ = stagewise.apply(small, SILENCE)
    if damage == "torn":
        (work.path / "stages.json").write_text('{"apply": {"sec')
    else:
        work.votes("train").unlink()
    assert len(found(small, "broken")) == 1
    assert mended(small) == ["runs/.work/stages.json"]
    assert found(small, "broken") == []


def test_kept_votes_that_are_no_database_go(small: Project) -> None:
    cache = small.vote_cache
    assert cache is not None
    written(cache.path, "no database, but long enough to be taken for one" * 100)
    written(cache.path.with_name("votes.sqlite-journal"))
    assert mended(small) == [".weakft/votes.sqlite"]
    assert list(cache.path.parent.iterdir()) == []


def test_kept_votes_in_use_stay(small: Project) -> None:
    cache = small.vote_cache
    assert isinstance(cache, VoteCache)
    cache.info()
    with closing(sqlite3.connect(cache.path)) as db:
        db.execute("BEGIN EXCLUSIVE")
        assert mended(small) == []
    assert mended(small) == []
    assert cache.path.exists()


def test_a_review_cut_off_in_the_middle_is_harmless(small: Project) -> None:
    small.review.give("a", "ham", author="ann")
    assert found(small) == []
    with small.review.path.open("a") as file:
        file.write('{"id": "b", "lab')
    (finding,) = found(small)
    assert "cut off by a crash" in finding.what and finding.fix is None
    small.review.path.write_text('{"id": "b"}\n')
    (finding,) = found(small, "broken")
    assert "line 1" in finding.what


@pytest.mark.parametrize(
    ("need", "problem"),
    [
        ("numpy>=2", None),
        ("numpy>=999", f"wanted numpy >=999, got {metadata.version('numpy')}"),
        ("no-such-package-here>=1", "wanted no-such-package-here >=1, got none"),
    ],
)
def test_versions_are_compared(need: str, problem: str | None) -> None:
    assert _problem(Requirement(need)) == problem


def test_a_disk_nearly_full_is_told(small: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weakft.doctor.surroundings.ROOM", 1e18)
    (finding,) = found(small)
    assert "GB free" in finding.what and "runs gc" in finding.what
