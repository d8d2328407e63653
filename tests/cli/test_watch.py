"""`weakft watch` as a person meets it: a process that is told of saves, and of Ctrl-C."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from tests.conftest import LF_FILE
from weakft.cli.saves import changes, stamps
from weakft.lf.tracing import forget_modules_of
from weakft.live import watch_table

PATIENCE = 120  # seconds; a loaded machine is slow
HELPER = "def likes(text):\n    return 'good' in text\n"
WITH_HELPER = LF_FILE.replace('"good" in x.text', "likes(x.text)").replace(
    "from weakft", "from {} import likes\nfrom weakft"
)


class Watch:
    """A `weakft watch --json` at work."""

    def __init__(self, root: Path) -> None:
        command = [sys.executable, "-m", "weakft", "watch", "--json", "--project", str(root)]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line)

    def next(self, status: str) -> dict:
        """The next object, of this status."""
        content = json.loads(self.lines.get(timeout=PATIENCE))
        assert content["status"] == status, content
        return content

    def stop(self) -> str:
        """Ctrl-C; stderr of the process, which must end well."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(timeout=PATIENCE) == 0
        assert self.process.stderr
        return self.process.stderr.read()


@pytest.fixture
def watched() -> Iterator[Callable[[Path], Watch]]:
    started: list[Watch] = []

    def start(root: Path) -> Watch:
        started.append(Watch(root))
        return started[-1]

    yield start
    for watch in started:
        watch.process.kill()
        watch.process.wait()
        for stream in (watch.process.stdout, watch.process.stderr):
            assert stream
            stream.close()


def save(file: Path, content: str) -> None:
    """As editors do it: whole or not at all."""
    draft = file.with_suffix(".draft")
    draft.write_text(content)
    os.replace(draft, file)


def test_saves_are_told_breaks_survived_and_ctrl_c_ends_it(
    project: Path, watched: Callable[[Path], Watch]
) -> None:
    file = project / "labeling" / "tiny.py"
    watch = watched(project)
    assert [row["lf"] for row in watch.next("watching")["lfs"]][:2] == ["praises", "blames"]

    save(file, LF_FILE.replace('"good" in', '"great" in'))
    told = watch.next("changed")
    (change,) = told["diff"]["changes"]
    assert (told["files"], change["name"], change["rows"]) == (
        ["labeling/tiny.py"],
        "mentions_good",
        12,
    )
    assert told["diff"]["flip_count"] == 6
    assert change["after"]["accuracy"]["support"] == 3
    assert told["seconds"] >= 0

    assert told["failed_examples"] == []
    expecting = '\npraises.expecting({"so so": 1})\n'
    save(file, LF_FILE.replace('"good" in', '"great" in') + expecting)
    (sentence,) = watch.next("changed")["failed_examples"]
    assert sentence.startswith("praises: wanted") and "'so so'" in sentence

    save(file, LF_FILE + "\nnonsense(\n")
    assert watch.next("error")["error"]["type"] == "LFImportError"
    save(file, LF_FILE.replace('"good" in x.text', "x.nothing"))
    assert watch.next("error")["error"]["type"] == "FaultBudgetExceeded"

    save(file, LF_FILE.replace('"good" in', '"great" in'))
    assert watch.next("changed")["diff"]["changes"] == []
    assert "Traceback" not in watch.stop()
    watch.next("stopped")


def test_its_lf_table_can_be_read_while_it_goes_on(
    project: Path, watched: Callable[[Path], Watch]
) -> None:
    watch = watched(project)
    told = watch.next("watching")["lfs"]
    table = pd.read_parquet(watch_table(project))
    assert table["lf"].tolist() == [row["lf"] for row in told]
    assert table["coverage"].tolist() == [row["coverage"] for row in told]
    votes = table.set_index("lf")["votes"]
    save(project / "labeling" / "tiny.py", LF_FILE.replace('"good" in', '"great" in'))
    watch.next("changed")
    assert pd.read_parquet(watch_table(project)).set_index("lf")["votes"].equals(votes)
    save(project / "labeling" / "tiny.py", LF_FILE.replace('"good" in', '"the" in'))
    watch.next("changed")
    moved = pd.read_parquet(watch_table(project)).set_index("lf")["votes"]
    assert (votes["mentions_good"], moved["mentions_good"]) == (6, 48)
    watch.stop()
    assert not list((project / ".weakft").glob("watch.*"))


@pytest.mark.parametrize("module", ["helper", "words.helper"])
def test_a_helper_that_is_saved_is_imported_anew(
    make_project: Callable[..., Path], watched: Callable[[Path], Watch], module: str
) -> None:
    root = make_project(lfs=WITH_HELPER.format(module))
    helper = root / "labeling" / f"{module.replace('.', '/')}.py"
    helper.parent.mkdir(exist_ok=True)
    helper.write_text(HELPER)
    watch = watched(root)
    watch.next("watching")
    save(helper, HELPER.replace("good", "love"))  # as long as before
    (change,) = watch.next("changed")["diff"]["changes"]
    assert (change["name"], change["rows"]) == ("mentions_good", 12)
    watch.stop()


def test_rows_and_settings_are_read_again(project: Path, watched: Callable[[Path], Watch]) -> None:
    watch = watched(project)
    watch.next("watching")
    config = project / "weakft.toml"
    save(project / "data" / "few.csv", "id,text\ntrain-0,great\nnew,good\n")
    assert watch.next("changed")["diff"]["changes"] == []
    save(config, config.read_text().replace("data/train.parquet", "data/few.csv"))
    told = watch.next("changed")["diff"]
    assert (told["rows"], told["rows_new"], told["rows_gone"]) == (1, 1, 47)
    save(config, "[project]\n")
    assert watch.next("error")["error"]["type"] == "ConfigError"
    watch.stop()


def test_changes_are_files_saved_added_and_deleted() -> None:
    a, b = Path("a.py"), Path("b.py")
    scans = iter([{a: (1, 1)}, {a: (1, 1), b: (1, 1)}, {a: (1, 2), b: (1, 1)}, {b: (1, 1)}])
    waits: list[None] = []
    told = changes({a: (1, 1)}, lambda: next(scans), lambda: waits.append(None))
    assert [next(told) for _ in range(3)] == [{b}, {a}, {a}]
    assert len(waits) == 4


def test_only_what_people_write_is_watched(tmp_path: Path) -> None:
    for name in (
        "lfs.py",
        "words/nice.txt",
        "runs/one/votes.parquet",
        ".git/x.py",
        "env/pyvenv.cfg",
        "env/x.py",
        "notes.md",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = stamps(tmp_path, tmp_path / "runs")
    assert {str(path.relative_to(tmp_path)) for path in found} == {"lfs.py", "words/nice.txt"}


def test_only_modules_of_the_project_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {"own_helper": "helper.py", "installed": ".venv/lib/site-packages/installed.py"}
    for name, place in places.items():
        module = ModuleType(name)
        module.__file__ = str(tmp_path / place)
        monkeypatch.setitem(sys.modules, name, module)
    forget_modules_of(tmp_path)
    assert "own_helper" not in sys.modules and "installed" in sys.modules
    assert "weakft.cli.saves" in sys.modules
