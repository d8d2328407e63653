"""Old runs: which may go, and how they go."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from weakft.errors import DataError
from weakft.files import sync
from weakft.registry import CURRENT, Registry
from weakft.runs import RunFolder, RunStore

GONE = ".tmp-gc-"
"""Prefix of a folder that is being removed: readers do not see it."""


def unneeded(registry: Registry, keep: int) -> tuple[RunFolder, ...]:
    """Published runs beyond the newest `keep`, oldest first.

    Never among them: the newest, one that an alias names, and the one a rollback would go to.

    Args:
        registry: of the store.
        keep: how many of the newest stay.

    Raises:
        DataError: aliases.json is broken, so that nobody can say what is in service.

    Example:
        >>> unneeded(Registry(RunStore(Path("/nowhere"))), keep=10)
        ()
    """
    in_use = {registry.current(), *_aliased(registry), *_promoted(registry)[-2:]}
    ids = registry.store.ids()
    beyond = ids[: max(0, len(ids) - max(keep, 1))]
    return tuple(RunFolder(registry.store.root / run) for run in beyond if run not in in_use)


def retire(registry: Registry, keep: int) -> None:
    """Hide the unneeded runs; nobody can promote one of them meanwhile.

    Args:
        registry: of a store whose lock the caller holds.
        keep: how many of the newest stay.

    Raises:
        DataError: aliases.json is broken, or a folder cannot be renamed.
        LockedError: another process holds the aliases for long.
    """
    with registry.locked():
        for run in unneeded(registry, keep):
            with _explained(run.path):
                _hide(run.path)


def half_removed(store: RunStore) -> tuple[Path, ...]:
    """Folders that are hidden and not yet gone."""
    hidden = store.root.glob(f"{GONE}*")
    return tuple(sorted(path for path in hidden if path.is_dir() and not path.is_symlink()))


def remove(folder: Path) -> None:
    """Remove a folder: hidden by one rename first, so that no one sees a part of it.

    Raises:
        DataError: it cannot be removed; what is left of it is hidden and can be removed later.
    """
    with _explained(folder):
        shutil.rmtree(folder if folder.name.startswith(".") else _hide(folder))


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def _hide(folder: Path) -> Path:
    hidden = folder.with_name(f"{GONE}{folder.name}")
    os.rename(folder, hidden)
    sync(hidden.parent)
    return hidden


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{folder} cannot be removed: {error}. Mend what is said here, then: "
            "`weakft doctor --fix`."
        ) from error


def _aliased(registry: Registry) -> set[str]:
    return set({move.alias: move.run_id for move in registry.history()}.values())


def _promoted(registry: Registry) -> list[str]:
    """The promotions not undone, oldest first."""
    standing: list[str] = []
    for move in registry.history():
        if move.alias != CURRENT:
            continue
        if move.rollback:
            standing.pop()
        else:
            standing.append(move.run_id)
    return standing
