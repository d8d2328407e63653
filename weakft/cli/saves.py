"""Files of a project that people save."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

SUFFIXES = {".py", ".toml", ".tsv", ".txt", ".csv", ".json", ".jsonl", ".parquet"}

Stamps = Mapping[Path, tuple[int, int]]


def stamps(root: Path, apart_from: Path) -> Stamps:
    """Time and size of the files that votes may rest on: code, word lists, settings, rows.

    Args:
        root: the project folder; hidden folders, caches and virtual environments are left out.
        apart_from: a folder in it to leave out too, such as that of the runs.
    """
    found = {}
    for folder, inner, files in os.walk(root):
        inner[:] = [name for name in inner if _is_searched(Path(folder, name), apart_from)]
        for file in (Path(folder, name) for name in files):
            if file.suffix in SUFFIXES:
                with suppress(OSError):  # gone in between
                    status = file.stat()
                    found[file] = (status.st_mtime_ns, status.st_size)
    return found


def changes(
    seen: Stamps, scan: Callable[[], Stamps], wait: Callable[[], None]
) -> Iterator[set[Path]]:
    """Files saved, added or deleted since the last answer; waits until there is one.

    Args:
        seen: the stamps to start from, taken before the files were read.
        scan: gives the stamps of now.
        wait: lets some time pass.

    Example:
        >>> scans = iter([{Path("lfs.py"): (1, 9)}, {Path("lfs.py"): (2, 9)}])
        >>> next(changes({Path("lfs.py"): (1, 9)}, lambda: next(scans), lambda: None))
        {PosixPath('lfs.py')}
    """
    while True:
        wait()
        now = scan()
        changed = {path for path in seen.keys() | now.keys() if seen.get(path) != now.get(path)}
        seen = now
        if changed:
            yield changed


def _is_searched(folder: Path, apart_from: Path) -> bool:
    skipped = folder.name.startswith(".") or folder.name == "__pycache__" or folder == apart_from
    return not skipped and not (folder / "pyvenv.cfg").exists()
