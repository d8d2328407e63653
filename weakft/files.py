"""Files written whole or not at all: as a draft in the same folder, then renamed."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from weakft.errors import DataError, LockedError

DIGEST_BYTES = hashlib.sha256().digest_size


def draft_of(target: Path) -> Path:
    """The hidden file in which a target is written before it takes the target's name."""
    return target.with_name(f".{target.name}.partial")


def lock_of(target: Path) -> Path:
    """The lock of a target: its file exists only while a process writes the target."""
    absolute = target.absolute()  # "." has no name
    return absolute.with_name(f".{absolute.name}.partial.lock")


@contextmanager
def sole_writer(target: Path) -> Iterator[None]:
    """Be the only process that writes a target, for the block.

    Args:
        target: a file or a folder; its parent exists.

    Raises:
        LockedError: another process writes it.
        DataError: its folder cannot be written.
    """
    lock = FileLock(lock_of(target), timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise LockedError(
            f"Another weakft writes {target}. Wait for it to end, then try again, or name another "
            "target."
        ) from error
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error}.") from error
    try:
        yield
    finally:
        lock_of(target).unlink(missing_ok=True)  # held: whoever waits for it makes a new one
        lock.release()


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A draft to write; it becomes the target, on disk, unless the block raises.

    Raises:
        LockedError: another process writes the target.
        DataError: the target is a folder, its folder is missing or cannot be written.
    """
    if not target.parent.is_dir() or target.is_dir():
        raise DataError(f"{target}: wanted a file to write in a folder that exists.")
    draft = draft_of(target)
    with sole_writer(target):
        try:
            with explained(target):
                draft.unlink(missing_ok=True)  # of a process that was killed
            yield draft
            with explained(target):
                give_default_mode(draft)
                sync(draft)
                os.replace(draft, target)
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def swapping(target: Path) -> Iterator[Path]:
    """A draft of one's own that becomes the target unless the block raises; the last writer wins.

    For files that weakft can make again: they are not synced, and no lock is held.
    """
    draft = target.with_suffix(f".{os.getpid()}.tmp")
    try:
        yield draft
        os.replace(draft, target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


@contextmanager
def explained(target: Path) -> Iterator[None]:
    """Turn an error of the disk into one that names the target.

    Raises:
        DataError: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error}.") from error


def give_default_mode(*paths: Path) -> None:
    """Give files the mode of any new file; those of `mkstemp` can be read by their owner alone."""
    umask = os.umask(0o077)  # cannot be read without being set
    os.umask(umask)
    for path in paths:
        mode = path.stat().st_mode
        if mode | 0o666 & ~umask != mode:
            path.chmod(mode | 0o666 & ~umask)


def sync(path: Path) -> None:
    """Wait until a file's content, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sealed(content: bytes) -> bytes:
    """The content and its checksum.

    Example:
        >>> unsealed(sealed(b"votes")), unsealed(sealed(b"votes")[:-1])
        (b'votes', None)
    """
    return content + hashlib.sha256(content).digest()


def unsealed(content: bytes) -> bytes | None:
    """The content that `sealed` was given; None where the checksum does not fit it."""
    inner, digest = content[:-DIGEST_BYTES], content[-DIGEST_BYTES:]
    return inner if hashlib.sha256(inner).digest() == digest else None
