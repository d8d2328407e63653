"""The run folder: every path in it, its manifest, and the store that lists and publishes runs.

A run is staged in a hidden folder, synced, given its manifest last and renamed. Readers see a
folder as a run if it is none that a link leads to, and holds a valid manifest that states the
folder's name as the run's id: copies, links and runs under another name are no runs.
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from weakft.errors import DataError, LockedError, RunNotFound
from weakft.files import give_default_mode, sha256, sync

SCHEMA = 1
RUN_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
PUBLISHED = re.compile(r"\d{8}-\d{9}-[0-9a-f]{4}")
"""The ids that `RunStore.publish` gives."""

HIDDEN = (".work", ".retrain")
FILES = ("aliases.json", "judgements.jsonl", "weakft.")
"""How the names of folders and files begin that are beside the runs."""

Json = dict[str, Any]


@dataclass(frozen=True)
class RunFolder:
    """The paths of one run; see `weakft/runs.py` for what is where.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def id(self) -> str:
        """The run's id: the folder's name."""
        return self.path.name

    @property
    def manifest(self) -> Path:
        """What the run is made of: files, hashes, versions, seeds."""
        return self.path / "manifest.json"

    @property
    def config(self) -> Path:
        """The settings it ran with, overrides included."""
        return self.path / "config.toml"

    @property
    def lf_summary(self) -> Path:
        """One row per LF: coverage, overlaps, conflicts, accuracies."""
        return self.path / "lf_summary.parquet"

    @property
    def faults(self) -> Path:
        """First traceback and row of every LF that raised."""
        return self.path / "faults.json"

    @property
    def lf_seconds(self) -> Path:
        """What each LF took on each split."""
        return self.path / "lf_seconds.json"

    @property
    def gaps(self) -> Path:
        """What the uncovered training rows are about."""
        return self.path / "gaps.json"

    @property
    def label_model(self) -> Path:
        """The fitted label model."""
        return self.path / "label_model"

    @property
    def soft_labels(self) -> Path:
        """Probabilistic labels of the training rows."""
        return self.path / "soft_labels.parquet"

    @property
    def model(self) -> Path:
        """The end model, a Hugging Face folder."""
        return self.path / "model"

    @property
    def metrics(self) -> Path:
        """Every number of the run."""
        return self.path / "metrics.json"

    def votes(self, split: str) -> Path:
        """The label matrix of a split."""
        return self.path / "votes" / f"{split}.parquet"

    def predictions(self, split: str) -> Path:
        """The end model's probabilities on a split."""
        return self.path / "predictions" / f"{split}.parquet"

    def rival_predictions(self, rival: str, split: str) -> Path:
        """A rival's probabilities on a split."""
        return self.path / "predictions" / "rivals" / rival / f"{split}.parquet"

    def rows(self, split: str) -> Path:
        """Ids and texts of a split, for those who look at the run."""
        return self.path / "rows" / f"{split}.parquet"

    def columns(self, split: str) -> Path:
        """What is kept of each row of a split, see `weakft.tables`."""
        return self.path / "columns" / f"{split}.parquet"

    @property
    def summaries(self) -> Path:
        """Sums over all rows, see `weakft.tables`."""
        return self.path / "summaries.json"

    def make_folders(self) -> None:
        """Create the folder and those in it."""
        for folder in (self.path / "votes", self.path / "predictions"):
            folder.mkdir(parents=True, exist_ok=True)

    def read_metrics(self) -> Json:
        """The numbers so far; empty before the first stage."""
        return read_json(self.metrics) if self.metrics.exists() else {}

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Replace the numbers."""
        write_json(self.metrics, metrics)


@dataclass(frozen=True)
class RunStore:
    """The `runs/` folder of a project.

    Attributes:
        root: the folder; made when the first run is staged.
    """

    root: Path

    @property
    def work(self) -> RunFolder:
        """Where single stages (`weakft apply`, `label`, ...) leave their results."""
        return RunFolder(self.root / ".work")

    def ids(self) -> list[str]:
        """Ids of all published runs, oldest first."""
        return [folder.name for folder in self._folders() if _is_run(folder)]

    def damaged(self) -> list[RunFolder]:
        """Folders of runs that no reader can open, by name."""
        return [RunFolder(folder) for folder in self._folders() if _is_damaged_run(folder)]

    def strays(self) -> list[Path]:
        """Links, folders and files that are neither a run nor weakft's own, by name."""
        if not self.root.is_dir():
            return []
        runs = {*self.ids(), *(run.id for run in self.damaged())}
        others = [path for path in self.root.iterdir() if path.name not in runs]
        return sorted(path for path in others if not _is_own(path))

    def _folders(self) -> list[Path]:
        """Folders whose names runs may have; the store itself may be behind a link."""
        if not self.root.is_dir():
            return []
        return sorted(
            path
            for path in self.root.iterdir()
            if RUN_ID.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
        )

    def open(self, run_id: str = "latest") -> RunFolder:
        """The published run of this id, or the newest for "latest".

        Raises:
            RunNotFound: there is no such run; the message lists those there are.
        """
        ids = self.ids()
        if run_id == "latest" and ids:
            return RunFolder(self.root / ids[-1])
        if run_id not in ids:
            known = (
                f"There are: {', '.join(ids[-5:])}." if ids else "There is none yet: `weakft run`."
            )
            raise RunNotFound(f"No run {run_id!r} in {self.root}. {known}")
        return RunFolder(self.root / run_id)

    @contextmanager
    def staging(self) -> Iterator[RunFolder]:
        """A hidden folder to build a run in; gone after the block unless published.

        Raises:
            DataError: it cannot be made, as on a full disk.
        """
        staged = RunFolder(self.root / f".tmp-{_new_id()}-{os.getpid()}")
        try:
            with _explained(self.root):
                staged.make_folders()
            yield staged
        finally:
            shutil.rmtree(staged.path, ignore_errors=True)

    def publish(self, staged: RunFolder, about: Mapping[str, Any]) -> RunFolder:
        """Hash and sync every file, write the manifest last, rename into place.

        Args:
            staged: a complete run folder; a manifest in it, left by a crash, is replaced.
            about: what the manifest says beside the files.

        Raises:
            DataError: the disk refuses; no part of the run is seen then.
        """
        final = RunFolder(self.root / _new_id(after=max(self.ids(), default="")))
        with _explained(self.root):
            give_default_mode(*_files_below(staged.path))
            files = inventory(staged.path)
            files.pop(staged.manifest.name, None)
            write_json(staged.manifest, {"schema": SCHEMA, "id": final.id, **about, "files": files})
            for path in (*staged.path.rglob("*"), staged.path, self.root.parent):
                sync(path)
            os.rename(staged.path, final.path)
        try:
            sync(self.root)
        except OSError as error:
            raise DataError(
                f"Run {final.id} is published, but {self.root} could not be synced: {error}. "
                "A power cut now may lose it. Mend the disk, then: `weakft runs verify`."
            ) from error
        return final

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the project for the block; freed by the kernel however the process ends.

        Raises:
            LockedError: another process holds it.
            DataError: the lock file cannot be written.
        """
        lock = FileLock(self.root / ".lock", timeout=0)
        with _explained(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire()
            except Timeout as error:
                raise LockedError(
                    f"Another weakft works on {self.root.parent} ({lock.lock_file} is locked). "
                    "Wait for it to end, then try again."
                ) from error
        try:
            yield
        finally:
            lock.release()


def read_json(path: Path) -> Json:
    """A JSON object from a file."""
    content: Json = json.loads(path.read_text(encoding="utf-8"))
    return content


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """A JSON object to a file; NaN is refused, since it is no JSON."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def inventory(folder: Path) -> Json:
    """Checksum and bytes of each file below a folder, by its path in it."""
    return {
        str(file.relative_to(folder)): {"sha256": sha256(file), "bytes": file.stat().st_size}
        for file in _files_below(folder)
    }


def _files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@contextmanager
def _explained(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{root} cannot be written: {error}. No run was published. Make room on the disk, or "
            "mend what is said here, then try again."
        ) from error


def _new_id(after: str = "") -> str:
    """An id for a run of now, that sorts behind another even if the clock was set back."""
    stamp = max(_stamp(datetime.now(UTC)), _next_stamp(after))
    return f"{stamp}-{secrets.token_hex(2)}"


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%d-%H%M%S}{moment.microsecond // 1000:03d}"


def _next_stamp(run_id: str) -> str:
    """A millisecond after that of a run; nothing where somebody else named it."""
    try:
        moment = datetime.strptime(f"{run_id.rpartition('-')[0]}000", "%Y%m%d-%H%M%S%f")
    except ValueError:
        return ""
    return _stamp(moment + timedelta(milliseconds=1))


def _is_run(folder: Path) -> bool:
    try:
        manifest = read_json(folder / "manifest.json")
        return (
            manifest["schema"] == SCHEMA
            and manifest["id"] == folder.name
            and all(
                (folder / name).stat().st_size == file["bytes"]
                for name, file in manifest["files"].items()
            )
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _is_damaged_run(folder: Path) -> bool:
    """Whether a folder that readers do not open is a run all the same, by its name or manifest."""
    if _is_run(folder):
        return False
    stated = stated_id(folder)
    if stated is not None:
        return stated == folder.name
    return PUBLISHED.fullmatch(folder.name) is not None or (folder / "manifest.json").exists()


def _is_own(path: Path) -> bool:
    """Whether weakft itself puts something of this kind and name beside the runs."""
    if path.is_dir() and not path.is_symlink():
        return path.name in HIDDEN or path.name.startswith(".tmp-")
    return path.name.startswith((".", *FILES)) and not path.is_symlink()


def stated_id(folder: Path) -> str | None:
    """The id in a folder's manifest; None where there is none that can be read."""
    try:
        stated = read_json(folder / "manifest.json")["id"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return stated if isinstance(stated, str) else None
