"""Run folders: whole or not there at all."""

from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from weakft.errors import LockedError, RunNotFound
from weakft.files import sha256
from weakft.runs import RUN_ID, RunStore, read_json


def published(store: RunStore, text: str = "hello"):  # noqa: ANN201
    with store.staging() as staged:
        (staged.path / "note.txt").write_text(text)
        return store.publish(staged, {"project": "tiny"})


def test_a_published_run_is_listed_opened_and_hashed(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    run = published(store)
    assert store.ids() == [run.id]
    assert store.open() == store.open(run.id) == run
    manifest = read_json(run.manifest)
    assert manifest["files"]["note.txt"]["sha256"] == sha256(run.path / "note.txt")
    assert manifest["id"] == run.id


def test_what_is_not_published_is_gone(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    with pytest.raises(KeyboardInterrupt), store.staging() as staged:
        (staged.path / "half").write_text("...")
        raise KeyboardInterrupt
    assert list(store.root.iterdir()) == []


@pytest.mark.parametrize("damage", ["no manifest", "broken manifest", "short file", "lost file"])
def test_a_damaged_run_does_not_exist(tmp_path: Path, damage: str) -> None:
    store = RunStore(tmp_path / "runs")
    run = published(store)
    if damage == "no manifest":
        run.manifest.unlink()
    elif damage == "broken manifest":
        run.manifest.write_text("{")
    elif damage == "short file":
        (run.path / "note.txt").write_text("hell")
    else:
        (run.path / "note.txt").unlink()
    assert store.ids() == []
    with pytest.raises(RunNotFound, match="weakft run"):
        store.open(run.id)


@pytest.mark.parametrize("run_id", ["../runs", "/etc", "", ".work", "nonsense"])
def test_only_ids_are_opened(tmp_path: Path, run_id: str) -> None:
    store = RunStore(tmp_path / "runs")
    published(store)
    with pytest.raises(RunNotFound):
        store.open(run_id)


def test_the_lock_lets_one_in(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    with store.lock(), pytest.raises(LockedError), RunStore(tmp_path / "runs").lock():
        pass
    with store.lock():
        pass


def test_a_clock_set_back_leaves_the_newest_run_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(datetime):
        told = datetime(2026, 3, 1, 12, tzinfo=UTC)

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Clock":
            return cls.fromtimestamp(cls.told.timestamp(), tz)

    monkeypatch.setattr("weakft.runs.datetime", Clock)
    store = RunStore(tmp_path / "runs")
    published = []
    for hours in (0, -1, -30, 2):
        Clock.told = datetime(2026, 3, 1, 12, tzinfo=UTC) + timedelta(hours=hours)
        with store.staging() as staged:
            published.append(store.publish(staged, {}).id)
        assert store.open("latest").id == published[-1]
    assert store.ids() == published
    assert published[-1].startswith("20260301-140000000")


def test_runs_that_others_named_do_not_matter(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs")
    with store.staging() as staged:
        first = store.publish(staged, {})
    first.path.rename(tmp_path / "runs" / "0-by-hand")
    with store.staging() as staged:
        assert RUN_ID.fullmatch(store.publish(staged, {}).id)
