"""The labeling functions that an imported file holds, wherever in its data they are."""

import sys
from collections import UserDict, UserList, deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import GeneratorType, MappingProxyType, ModuleType, SimpleNamespace
from typing import Any

from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.lf.origins import lies_in

SEQUENCES = (list, tuple, deque, UserList)
SETS = (set, frozenset)
MAPPINGS = (dict, UserDict, MappingProxyType)
LAZY = (GeneratorType, map, filter, zip)
PLAIN = (str, bytes, int, float, type(None))
NAMED = 10  # LFs that a warning lists


def lfs_of(module: ModuleType, root: Path) -> list[SnorkelLF]:
    """The LFs of a module in the order of definition, each object once.

    They are looked for in its variables, in lists, tuples, sets (by name) and dicts however deeply
    nested, in attributes of the project's classes and of their instances.

    Args:
        module: imported.
        root: the project folder, whose classes are looked into.
    """
    found, seen = [], set()
    waiting = [iter(_attributes(module))]
    while waiting:
        value = next(waiting[-1], waiting)
        if value is waiting:
            waiting.pop()
        elif type(value) not in PLAIN and id(value) not in seen:
            seen.add(id(value))
            if isinstance(value, SnorkelLF):
                found.append(value)
            elif not isinstance(value, ModuleType):
                waiting.append(iter(_inside(value, module, root)))
    return found


def unused_lfs(
    module: ModuleType, root: Path, files: Sequence[Path], used: Iterable[str]
) -> Iterator[str]:
    """Sentences about LFs that a module imports by the name of another module, or makes lazily.

    Args:
        module: imported.
        root: the project folder; other modules in it are looked into.
        files: LF files, whose LFs are used anyway.
        used: names of the LFs in use.
    """
    names = set(used)
    for name, value in vars(module).items():
        if isinstance(value, LAZY):
            yield (
                f"`{name}` is a {type(value).__name__}, which is not run to look for labeling "
                "functions. If it makes some, put them in a list."
            )
        elif isinstance(value, ModuleType) and _is_of_project(value.__name__, root):
            lfs = [lf for lf in _attributes(value) if isinstance(lf, SnorkelLF)]
            left = [lf.name for lf in lfs if lf.name not in names]
            file = Path(value.__file__ or "")
            if left and file not in files:
                yield (
                    f"{_counted(left)} in the module `{name}`, which is not looked into: "
                    f"{_listed(left)}. Import them by name, or add {file.name} to "
                    "[labeling] modules of weakft.toml."
                )


def unbound_lfs(names: Sequence[str]) -> str:
    """A sentence about LFs that were made, but that no variable leads to."""
    return (
        f"{_counted(names)} not used, because no variable of the file leads there: "
        f"{_listed(names)}. Assign each to a variable, or put it in a list, dict or class."
    )


def _counted(names: Sequence[str]) -> str:
    return "1 labeling function is" if len(names) == 1 else f"{len(names)} labeling functions are"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _attributes(holder: Any) -> list[Any]:  # noqa: ANN401
    """What a module, class or instance holds, without what Python puts there."""
    held = vars(holder).items()
    return [value for name, value in held if not (name.startswith("__") and name.endswith("__"))]


def _inside(value: Any, module: ModuleType, root: Path) -> Iterable[Any]:  # noqa: ANN401
    kind = type(value)
    if issubclass(kind, SEQUENCES):
        return list(value)
    if issubclass(kind, MAPPINGS):
        return [part for item in value.items() for part in item]
    if issubclass(kind, SETS):
        return _in_order(value, module, root)
    if issubclass(kind, staticmethod | classmethod):
        return [value.__func__]
    if issubclass(kind, type):
        bases = [base for base in value.__mro__ if _is_own(base, module, root)]
        return [part for base in bases for part in _attributes(base)]
    if kind is SimpleNamespace or (_is_own(kind, module, root) and hasattr(value, "__dict__")):
        return _attributes(value)
    return []


def _in_order(values: Iterable[Any], module: ModuleType, root: Path) -> list[SnorkelLF]:
    """The LFs in a set, however deep, by name: its own order differs from run to run."""
    holder = ModuleType(module.__name__)
    vars(holder).update((str(position), value) for position, value in enumerate(values))
    return sorted(lfs_of(holder, root), key=lambda lf: str(lf.name))


def _is_own(kind: type, module: ModuleType, root: Path) -> bool:
    return kind.__module__ == module.__name__ or _is_of_project(kind.__module__, root)


def _is_of_project(name: str, root: Path) -> bool:
    file = getattr(sys.modules.get(name), "__file__", None)
    return file is not None and lies_in(file, root)
