"""Run as a process: act on copies of a project, each time dying one operation later."""

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from tests.faults import Disk, counted, dying
from weakft.registry import Registry
from weakft.retention import half_removed, remove, retire
from weakft.runs import RunStore
from weakft.verify import verify_run

LONGEST = 0.15  # seconds until a process is killed
KEPT = 3


def publish(store: RunStore) -> str:
    """A run with files in folders of folders."""
    with store.staging() as staged:
        staged.config.write_text("seed = 0\n")
        staged.model.mkdir()
        (staged.model / "weights").write_bytes(bytes(100))
        (staged.path / "votes" / "train.parquet").write_bytes(b"votes")
        return store.publish(staged, {"project": "small"}).id


def promote(store: RunStore) -> str:
    """The newest run goes into service."""
    return Registry(store).promote("latest", by="crash").run_id


def collect(store: RunStore) -> None:
    """All but the newest run, and those in use, go."""
    with store.lock():
        retire(Registry(store), keep=1)
        for folder in half_removed(store):
            remove(folder)


ACTS: dict[str, Callable[[RunStore], object]] = {
    "publish": publish,
    "promote": promote,
    "collect": collect,
}


def die_at_each(act: str, template: Path, copies: Path, step: int) -> None:
    """Copy the project and act in it, until no operation is left to die at.

    Args:
        act: a key of `ACTS`.
        template: the project.
        copies: folder of the copies, named by the operation that was not done any more.
        step: 1: die at every operation; 3: at every third.
    """
    for number in count(1, step):
        store = RunStore(copies / f"{number:03d}" / "runs")
        shutil.copytree(template, store.root.parent)
        child = os.fork()
        if child == 0:
            with counted(Disk(number, dying)):
                ACTS[act](store)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status == 0:
            return
        assert os.WTERMSIG(status) == signal.SIGKILL, status


def die_at_random(store: RunStore, times: int) -> None:
    """Publish, promote and collect without end, killed somewhere, again and again."""
    chance = random.Random(0)
    promote(store)
    for _ in range(times):
        child = os.fork()
        if child == 0:
            while True:
                publish(store)
                promote(store)
                with store.lock():
                    retire(Registry(store), KEPT)
        time.sleep(chance.uniform(0, LONGEST))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        current = Registry(store).open("current")
        for run in {current.id, *store.ids()}:
            assert not verify_run(store.open(run)), run


if __name__ == "__main__":
    if sys.argv[1] == "random":
        die_at_random(RunStore(Path(sys.argv[2])), int(sys.argv[3]))
    else:
        die_at_each(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
