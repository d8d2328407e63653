"""The alias `current`: a stack of promotions, whole on disk whatever happens."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weakft.errors import ConfigError, DataError, LockedError, RunNotFound
from weakft.registry import Move, Registry
from weakft.runs import RunFolder, RunStore

PROMOTER = """
import sys
from pathlib import Path
from weakft.registry import Registry
from weakft.runs import RunStore

registry = Registry(RunStore(Path(sys.argv[1])))
print("ready", flush=True)
sys.stdin.readline()
for turn in range(20):
    registry.promote(sys.argv[2 + turn % 2], by=sys.argv[2])
"""
CRASHER = """
import os, sys
from pathlib import Path
from weakft.registry import Registry
from weakft.runs import RunStore

os.replace = lambda *names: os._exit(9)
Registry(RunStore(Path(sys.argv[1]))).promote(sys.argv[2], by="crash")
"""


def publish(store: RunStore) -> str:
    with store.staging() as staged:
        return store.publish(staged, {}).id


def remove(run: RunFolder) -> None:
    run.manifest.unlink()


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunStore, list[str]]:
    """A store of four runs, for tests that leave them alone."""
    store = RunStore(tmp_path_factory.mktemp("four") / "runs")
    return store, [publish(store) for _ in range(4)]


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    """Of a store with three runs."""
    store = RunStore(tmp_path / "runs")
    for _ in range(3):
        publish(store)
    return Registry(store)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.integers(0, 3), st.none()), max_size=25))
def test_any_sequence_is_that_of_a_stack(
    four: tuple[RunStore, list[str]], moves: list[int | None]
) -> None:
    store, ids = four
    registry, stack, done = Registry(store), list[str](), []
    registry.path.unlink(missing_ok=True)
    for run in moves:
        was = stack[-1] if stack else None
        if run is None and len(stack) < 2:
            with pytest.raises(ConfigError, match="nothing to go back to"):
                registry.rollback("me")
        elif run is None:
            stack.pop()
            done.append((registry.rollback("me"), stack[-1], was))
        elif ids[run] == was:
            assert registry.promote(ids[run], "me") == done[-1][0]
        else:
            stack.append(ids[run])
            done.append((registry.promote(ids[run], "me"), stack[-1], was))
        assert registry.current() == (stack[-1] if stack else None)
    assert registry.history() == tuple(move for move, _, _ in done)
    assert all((move.run_id, move.was) == (now, was) for move, now, was in done)


def test_the_file_is_as_promised(registry: Registry) -> None:
    first, second, _ = registry.store.ids()
    registry.promote(first, by="ann")
    registry.promote(second, by="bob", why="fewer “errors”")
    registry.rollback(by="eve", why="too slow")
    content = json.loads(registry.path.read_text(encoding="utf-8"))
    assert (content["schema"], content["aliases"]) == (1, {"current": first})
    assert all(move.pop("at").endswith("+00:00") for move in content["history"])
    said = {"alias": "current", "rollback": False}
    assert content["history"] == [
        said | {"run_id": first, "was": None, "by": "ann", "why": ""},
        said | {"run_id": second, "was": first, "by": "bob", "why": "fewer “errors”"},
        said | {"run_id": first, "was": second, "by": "eve", "why": "too slow", "rollback": True},
    ]


def test_names_are_opened(registry: Registry) -> None:
    first, _, last = registry.store.ids()
    with pytest.raises(RunNotFound, match="runs promote latest"):
        registry.open("current")
    registry.promote(first, by="me")
    opened = [registry.open(name).id for name in ("current", "latest", first)]
    assert opened == [first, last, first]
    assert registry.promote("latest", by="me").run_id == last


def test_unknown_runs_are_refused_and_change_nothing(registry: Registry) -> None:
    first = registry.store.ids()[0]
    registry.promote(first, by="me")
    before = registry.path.read_bytes()
    with pytest.raises(RunNotFound, match=f"'../x'.*{first}"):
        registry.promote("../x", by="me")
    assert registry.path.read_bytes() == before


def test_a_run_that_is_gone_cannot_be_gone_back_to(registry: Registry) -> None:
    first, second, third = registry.store.ids()
    for run_id in (first, second, third):
        registry.promote(run_id, by="me")
    remove(registry.store.open(second))
    with pytest.raises(RunNotFound, match=f"{second}.*before {third}, which stays current"):
        registry.rollback(by="me")
    assert registry.current() == third
    registry.promote(first, by="me")
    assert registry.rollback(by="me").run_id == third


def text_of(**changes: object) -> str:
    move = Move("current", "a", None, "me", "2026-01-01T00:00:00+00:00")
    content = {"schema": 1, "aliases": {"current": "a"}, "history": [vars(move)]}
    return json.dumps(content | changes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "Invalid JSON"),
        (text_of()[:-9], "Invalid JSON"),
        ("[]", "should be an object"),
        (text_of(schema=2), "schema: Input should be 1"),
        (text_of(aliases={"current": 3}), "aliases.current: .*string"),
        (text_of(history=[{"alias": "current"}]), "history.0.run_id: Field required"),
        (text_of(aliases={"current": "b"}), "aliases.current is not where the history ends"),
        (text_of(aliases={}), "aliases.current is not where the history ends"),
        (text_of(history=[]), "aliases.current is not where the history ends"),
        (
            text_of(history=[{"alias": "current", "run_id": "a", "was": "b", "by": "", "at": ""}]),
            r"history\[0\] does not follow",
        ),
    ],
)
def test_a_broken_file_is_refused_and_kept(registry: Registry, content: str, message: str) -> None:
    registry.path.write_text(content)
    for act in (registry.current, registry.history, lambda: registry.rollback("me")):
        with pytest.raises(DataError, match=f"{message}.*move it away.*runs promote RUN"):
            act()
    with pytest.raises(DataError):
        registry.promote(registry.store.ids()[0], by="me")
    assert registry.path.read_text() == content


def test_a_crash_before_the_file_is_replaced_keeps_the_old_one(registry: Registry) -> None:
    first, second, _ = registry.store.ids()
    registry.promote(first, by="me")
    before = registry.path.read_bytes()
    command = [sys.executable, "-c", CRASHER, str(registry.store.root), second]
    assert subprocess.run(command, check=False).returncode == 9
    assert registry.path.read_bytes() == before
    assert registry.promote(second, by="me").was == first
    assert not list(registry.store.root.glob("*.tmp"))


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_keeps_the_old_file(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    first, second, _ = registry.store.ids()
    registry.promote(first, by="me")
    before = registry.path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(DataError, match="No space left on device"):
            registry.promote(second, by="me")
    assert registry.path.read_bytes() == before
    assert not list(registry.store.root.glob("*.tmp"))


def test_two_processes_move_it_one_after_the_other(four: tuple[RunStore, list[str]]) -> None:
    store, ids = four
    registry = Registry(store)
    registry.path.unlink(missing_ok=True)
    command = [sys.executable, "-c", PROMOTER, str(store.root)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen([*command, *pair], **pipes) for pair in (ids[:2], ids[2:])]  # type: ignore[call-overload]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        worker.communicate()
        assert worker.returncode == 0
    moves = registry.history()
    assert [sum(move.by == by for move in moves) for by in (ids[0], ids[2])] == [20, 20]
    assert [move.was for move in moves] == [None, *(move.run_id for move in moves[:-1])]


def test_who_waits_too_long_is_told(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weakft.locks.PATIENCE", 0.0)
    with registry.locked(), pytest.raises(LockedError, match="Try again"):
        Registry(registry.store).promote("latest", by="me")
    assert registry.current() is None
