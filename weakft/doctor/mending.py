"""Do what a finding proposes."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from weakft.apply import VoteCache
from weakft.doctor.finding import (
    FORGET,
    MEND_LEDGER,
    PUT_ASIDE,
    REMOVE,
    REMOVE_DRAFT,
    REMOVE_LOCK,
    Finding,
)
from weakft.doctor.leftovers import LOCK
from weakft.doctor.records import ledgers
from weakft.errors import DataError, LockedError
from weakft.files import sole_writer
from weakft.ledgers import aside_of
from weakft.project import Project
from weakft.retention import remove


def mend(project: Project, finding: Finding) -> None:
    """Carry out the fix of a finding; one that proposes none stays as it is.

    Args:
        project: whose lock the caller holds, since before it was examined.
        finding: from `examine`.

    Raises:
        DataError: the disk refuses.
        LockedError: another process moves aliases for long.
    """
    if finding.fix is None:
        return
    try:
        _FIXES[finding.fix](project, Path(finding.where))
    except OSError as error:
        raise DataError(f"{finding.where} cannot be mended: {error}.") from error


def _remove(project: Project, path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        remove(path)
    else:
        path.unlink(missing_ok=True)


def _remove_lock(project: Project, path: Path) -> None:
    if named := LOCK.fullmatch(path.name):
        with suppress(LockedError), sole_writer(path.with_name(named["target"])):
            pass  # whoever has held it removes it


def _remove_draft(project: Project, path: Path) -> None:
    with project.registry.locked():
        path.unlink(missing_ok=True)


def _forget(project: Project, path: Path) -> None:
    VoteCache(path).clear()


def _put_aside(project: Project, path: Path) -> None:
    with project.registry.locked():
        os.rename(path, aside_of(path))


def _mend_ledger(project: Project, path: Path) -> None:
    for ledger in ledgers(project):
        if ledger.path == path:
            ledger.mend(aside_of(path))


_FIXES: dict[str, Callable[[Project, Path], None]] = {
    REMOVE: _remove,
    REMOVE_LOCK: _remove_lock,
    REMOVE_DRAFT: _remove_draft,
    FORGET: _forget,
    PUT_ASIDE: _put_aside,
    MEND_LEDGER: _mend_ledger,
}
