"""Which runs may go: never one that somebody could still want at once."""

import errno
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults import Disk, counted, refusing
from weakft.errors import DataError, RunNotFound
from weakft.registry import Registry
from weakft.retention import half_removed, remove, retire, size_of, unneeded
from weakft.runs import RunStore


def filled(root: Path, count: int) -> Registry:
    store = RunStore(root)
    for _ in range(count):
        with store.staging() as staged:
            (staged.path / "note.txt").write_text("hello")
            store.publish(staged, {})
    return Registry(store)


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Of a store of six runs, for tests that leave them alone."""
    return filled(tmp_path_factory.mktemp("six") / "runs", 6)


@settings(deadline=None, max_examples=60)
@given(
    moves=st.lists(st.one_of(st.integers(0, 5), st.none()), max_size=12),
    keep=st.integers(1, 8),
)
def test_what_stays_can_be_served_and_gone_back_to(
    six: Registry, moves: list[int | None], keep: int
) -> None:
    ids = six.store.ids()
    six.path.unlink(missing_ok=True)
    stack: list[str] = []
    for move in moves:
        if move is None and len(stack) > 1:
            six.rollback("me")
            stack.pop()
        elif move is not None and stack[-1:] != [ids[move]]:
            six.promote(ids[move], "me")
            stack.append(ids[move])
    doomed = [run.id for run in unneeded(six, keep)]
    assert all(older < newer for older, newer in pairwise(doomed))
    assert set(doomed) == set(ids[: max(0, 6 - keep)]) - set(stack[-2:])


def test_after_a_removal_rollback_still_works(tmp_path: Path) -> None:
    registry = filled(tmp_path / "runs", 5)
    ids = registry.store.ids()
    for run in ids[:3]:
        registry.promote(run, "me")
    retire(registry, keep=1)
    assert registry.store.ids() == [ids[1], ids[2], ids[4]]
    assert [folder.name for folder in half_removed(registry.store)] == [
        f".tmp-gc-{ids[0]}",
        f".tmp-gc-{ids[3]}",
    ]
    assert registry.rollback("me").run_id == ids[1]
    with pytest.raises(RunNotFound, match=ids[0]):
        registry.rollback("me")


def test_nothing_goes_while_nobody_knows_what_is_in_service(tmp_path: Path) -> None:
    registry = filled(tmp_path / "runs", 3)
    registry.path.write_text("{")
    with pytest.raises(DataError):
        retire(registry, keep=1)
    assert len(registry.store.ids()) == 3


def test_a_folder_is_measured_and_goes(tmp_path: Path) -> None:
    folder = tmp_path / "stage"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "file").write_bytes(bytes(7))
    (folder / "link").symlink_to("/etc")
    assert size_of(folder) == 7
    remove(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_removal_cut_short_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    (tmp_path / "stage").mkdir()
    for name in ("complete", "weights"):
        (tmp_path / "stage" / name).write_text(name)
    with counted(Disk(None, refusing(errno.EIO))) as disk:
        remove(Path(shutil.copytree(tmp_path / "stage", tmp_path / "copy")))
    second = [at for at, name in enumerate(disk.log, start=1) if name == "unlink"][1]
    before = disk.log.index("rename")
    with (
        pytest.raises(DataError, match="doctor --fix"),
        counted(Disk(second - before, refusing(errno.EIO))),
    ):
        remove(tmp_path / "stage")
    assert [path.name for path in tmp_path.iterdir()] == [".tmp-gc-stage"]


def test_what_cannot_be_removed_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be removed"):
        remove(tmp_path / "nothing")
