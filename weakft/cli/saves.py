"""Files of a project that people save, and the modules Python made of them."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType

SUFFIXES = {".py", ".toml", ".tsv", ".txt", ".csv", ".json", ".jsonl", ".parquet"}
KEPT = sys.stdlib_module_names | {"__main__", "weakft"}

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


def forget_modules_of(root: Path) -> None:
    """Let the project's own modules be imported anew, packages without a file among them."""
    importlib.invalidate_caches()
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in KEPT and any(
            _is_own(place, root) for place in _places(module)
        ):
            del sys.modules[name]


def _is_searched(folder: Path, apart_from: Path) -> bool:
    skipped = folder.name.startswith(".") or folder.name == "__pycache__" or folder == apart_from
    return not skipped and not (folder / "pyvenv.cfg").exists()


def _places(module: ModuleType) -> list[Path]:
    file = getattr(module, "__file__", None)
    return [Path(place) for place in ([file] if file else getattr(module, "__path__", ()))]


def _is_own(place: Path, root: Path) -> bool:
    if not place.is_relative_to(root):
        return False
    inner = place.relative_to(root).parts
    return not {"site-packages", "dist-packages"} & set(inner)
