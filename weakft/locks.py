"""A file that one process at a time writes: the others wait a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from weakft.errors import DataError, LockedError

PATIENCE = 10.0  # seconds


@contextmanager
def locked(file: Path, doing: str) -> Iterator[None]:
    """Hold a lock for the block; its folder is made.

    Args:
        file: the lock.
        doing: what whoever holds it does, for the message.

    Raises:
        LockedError: another process held it all the time.
        DataError: it cannot be made, as on a read-only disk.
    """
    lock = FileLock(file, timeout=PATIENCE)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise LockedError(
            f"Another weakft has been {doing} for {PATIENCE:.0f} s ({file} is locked). Try again "
            "when it has ended."
        ) from error
    except OSError as error:
        raise DataError(f"{file} cannot be locked: {error}.") from error
    try:
        yield
    finally:
        lock.release()
