"""Do what a finding proposes."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from weakft.apply import VoteCache
from weakft.doctor.finding import FORGET, PUT_ASIDE, REMOVE, REMOVE_DRAFT, Finding
from weakft.errors import DataError
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


def _remove_draft(project: Project, path: Path) -> None:
    with project.registry.locked():
        path.unlink(missing_ok=True)


def _forget(project: Project, path: Path) -> None:
    VoteCache(path).clear()


def _put_aside(project: Project, path: Path) -> None:
    now = datetime.now(UTC)
    with project.registry.locked():
        os.rename(path, path.with_name(f"{path.name}.broken-{now:%Y%m%d-%H%M%S}"))


_FIXES: dict[str, Callable[[Project, Path], None]] = {
    REMOVE: _remove,
    REMOVE_DRAFT: _remove_draft,
    FORGET: _forget,
    PUT_ASIDE: _put_aside,
}
