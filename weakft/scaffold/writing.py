"""Put new files into a folder: all of them or none, and nothing that is there is touched."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from weakft.config import FILE_NAME, Config
from weakft.dataset import read_dataset
from weakft.errors import ConfigError, DataError
from weakft.files import sole_writer

IGNORED = ".gitignore"


@dataclass(frozen=True)
class Started:
    """A project that was begun.

    Attributes:
        root: its folder.
        files: what was written, relative to it.
        classes: what is told apart.
        rows: by split.
        hints: what a person should do by hand.
    """

    root: Path
    files: tuple[str, ...]
    classes: tuple[str, ...]
    rows: Mapping[str, int]
    hints: tuple[str, ...] = ()


@contextmanager
def staged(root: Path) -> Iterator[Path]:
    """A hidden folder in `root` to build a project in; gone after the block.

    Raises:
        ConfigError: `root` is a project already.
        DataError: it cannot be written.
        LockedError: another process begins a project there.
    """
    if (root / FILE_NAME).exists():
        raise ConfigError(
            f"{root} is a project already: it has a {FILE_NAME}. Name a new folder, or add files "
            "that retrain this one with `weakft init --add KIND`."
        )
    stage, was_there = root / f".init.partial-{os.getpid()}", root.exists()
    try:
        with explained(root):
            stage.mkdir(parents=True)
        with sole_writer(root / FILE_NAME):
            yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        if not was_there:
            with suppress(OSError):  # it holds the project, or could not be made
                root.rmdir()


def settle(stage: Path, root: Path) -> Started:
    """Check a staged project as `weakft` will read it, and move its files to `root`.

    Raises:
        ConfigError: a file of the same name is there already.
        DataError: the rows are refused, or the folder cannot be written.
    """
    config = Config.load(stage / FILE_NAME, environ={})
    data = read_dataset(config, stage)
    hints = _without_second_gitignore(stage, root)
    names = sorted(str(file.relative_to(stage)) for file in stage.rglob("*") if file.is_file())
    refuse_existing([root / name for name in names])
    with explained(root):
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).rename(root / name)
    rows = {str(name): len(split) for name, split in data.splits.items()}
    return Started(root, tuple(names), config.classes, rows, hints)


def write_new(contents: Mapping[Path, str]) -> None:
    """Write files that are not there yet; if one cannot be written, none stays.

    Raises:
        ConfigError: a file of the same name is there already.
        DataError: the folder cannot be written.
    """
    refuse_existing(list(contents))
    written = []
    try:
        for path, content in contents.items():
            with explained(path.parent):
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("x", encoding="utf-8") as file:
                    written.append(path)
                    file.write(content)
    except DataError:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def refuse_existing(paths: list[Path]) -> None:
    """Refuse to write over anything.

    Raises:
        ConfigError: naming what is there already.
    """
    if there := [str(path) for path in paths if path.exists() or path.is_symlink()]:
        raise ConfigError(
            f"There is already {', '.join(there)}. Nothing was written: move it away, or name "
            "another folder."
        )


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Tell of a folder that cannot be written as of data that are refused."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written: {error}. Name a folder that is yours, or make room."
        ) from error


def _without_second_gitignore(stage: Path, root: Path) -> tuple[str, ...]:
    """Leave the .gitignore that is there; say what belongs into it."""
    if not (root / IGNORED).exists():
        return ()
    wanted = (stage / IGNORED).read_text(encoding="utf-8").splitlines()
    (stage / IGNORED).unlink()
    has = (root / IGNORED).read_text(encoding="utf-8", errors="replace").splitlines()
    missing = [line for line in wanted if line not in has and not line.startswith("#")]
    return (f"Add to {root / IGNORED}: {', '.join(missing)}.",) if missing else ()
