"""Import LF files and collect the labeling functions they define."""

import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from weakref import WeakKeyDictionary

from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.errors import ConfigError, LFError, LFImportError
from weakft.interrupts import noted_signals
from weakft.lf.collecting import lfs_of, unbound_lfs, unused_lfs
from weakft.lf.function import Creations
from weakft.lf.lookup import project_root
from weakft.lf.rules import load_rules


@dataclass(frozen=True)
class LFSource:
    """Where LFs come from, so that another process can load the same.

    Attributes:
        files: Python and rules files.
        root: the project folder.
        classes: k class names.
    """

    files: tuple[Path, ...]
    root: Path
    classes: tuple[str, ...]

    def load(self) -> list[SnorkelLF]:
        """The LFs, loaded anew."""
        return load_lfs(self.files, self.root, self.classes)


_sources: WeakKeyDictionary[SnorkelLF, LFSource] = WeakKeyDictionary()


def source_of(lf: SnorkelLF) -> LFSource | None:
    """What `load_lfs` loaded the LF from; None for one made in this process."""
    return _sources.get(lf)


@contextmanager
def importable_for(lfs: Iterable[SnorkelLF]) -> Iterator[None]:
    """For the block, LFs from files can import what they could when their files were loaded.

    Several threads may be in such blocks at once: each takes out what it has put in.
    """
    sources = {id(source): source for lf in lfs if (source := source_of(lf))}.values()
    folders = [f for source in sources for f in (source.root, *(p.parent for p in source.files))]
    places = list(dict.fromkeys(map(str, folders)))
    sys.path[:0] = places
    try:
        yield
    finally:
        for place in places:
            with suppress(ValueError):  # an LF took it out
                sys.path.remove(place)


def load_lfs(
    files: Sequence[Path],
    root: Path,
    classes: Sequence[str] = (),
    *,
    warn: Callable[[str], None] = lambda message: None,
) -> list[SnorkelLF]:
    """Import LF files and collect their labeling functions in the order of definition.

    Args:
        files: Python files, each run once under its own module name, and rules files (.tsv).
            Where their LFs are looked for: see `weakft.lf.collecting.lfs_of`.
        root: the project folder, importable while the files load.
        classes: k class names, as rules files call them.
        warn: called with a sentence about LFs that a file makes and that are not used.

    Raises:
        LFImportError: a file is missing, raises on import or defines no LF.
        LFError: two LFs share a name.
    """
    found: dict[str, tuple[SnorkelLF, Path]] = {}
    modules: list[tuple[Path, ModuleType, Creations]] = []
    for file in files:
        if file.suffix == ".tsv":
            lfs: list[SnorkelLF] = list(load_rules(file, classes))
        else:
            module, created = _import_file(file, root)
            modules.append((file, module, created))
            lfs = lfs_of(module, root)
            if not lfs:
                raise _none_found(file, created.names_in(module))
        for lf in lfs:
            if lf.name in found and found[lf.name][0] is not lf:
                raise LFError(
                    f"LF name {lf.name!r} is taken twice: {found[lf.name][1]} and {file}. "
                    "Rename one of the two."
                )
            found.setdefault(lf.name, (lf, file))
    for file, module, created in modules:
        if unbound := [name for name in created.names_in(module) if name not in found]:
            warn(f"{file}: {unbound_lfs(unbound)}")
        for sentence in unused_lfs(module, root, files, found):
            warn(f"{file}: {sentence}")
    source = LFSource(tuple(files), root, tuple(classes))
    _sources.update({lf: source for lf, _ in found.values()})
    return [lf for lf, _ in found.values()]


def _none_found(file: Path, created: Sequence[str]) -> LFImportError:
    made = f" {unbound_lfs(created)}" if created else ""
    return LFImportError(
        f"{file}: wanted at least one labeling function, found none.{made} Decorate a "
        "function with @labeling_function(), or assign a keyword_lf(...) to a name."
    )


def check_lfs(lfs: Sequence[SnorkelLF]) -> None:
    """Refuse an empty list, things that are no LFs, and names used twice.

    Raises:
        ConfigError: the list is empty.
        LFError: an element is no LF or a name is taken twice.
    """
    if not lfs:
        raise ConfigError(
            "Wanted at least one labeling function, got none. Name a file in "
            '[labeling] modules = ["labeling/my_lfs.py"] of weakft.toml.'
        )
    seen: set[str] = set()
    for lf in lfs:
        if not isinstance(lf, SnorkelLF):
            raise LFError(
                f"Wanted a labeling function, got {type(lf).__name__}: {lf!r}. "
                "Decorate the function with @labeling_function()."
            )
        if not isinstance(lf.name, str) or lf.name in ("", "id"):
            raise LFError(f"LF name {lf.name!r}: wanted a non-empty string other than 'id'.")
        if lf.name in seen:
            raise LFError(f"LF name {lf.name!r} is taken twice. Rename one of the two.")
        seen.add(lf.name)


def _import_file(file: Path, root: Path) -> tuple[ModuleType, Creations]:
    if not file.is_file():
        raise LFImportError(f"{file}: no such LF file. [labeling] modules names it in weakft.toml.")
    name = "weakft_lfs_" + re.sub(
        r"\W", "_", str(file.relative_to(root) if file.is_relative_to(root) else file.name)
    )
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise LFImportError(f"{file}: wanted a Python file ending in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with (
        _importable(root, file.parent),
        Creations.recorded() as created,
        noted_signals() as interrupts,
    ):
        resources = project_root.set(root)
        try:
            spec.loader.exec_module(module)
        except BaseException as error:
            del sys.modules[name]
            interrupts.reraise()
            raise LFImportError(
                f"{file} does not import: {type(error).__name__}: {error} ({_place(error)}). "
                "Fix it, then run `weakft check`."
            ) from error
        finally:
            project_root.reset(resources)
        interrupts.reraise()
    return module, created


def _place(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "importlib" not in frame.filename]
    where = [frame for frame in own if frame.filename != __file__] or own
    return f"{where[-1].filename}:{where[-1].lineno}"


@contextmanager
def _importable(*folders: Path) -> Iterator[None]:
    before = list(sys.path)
    sys.path[:0] = [str(folder) for folder in folders]
    try:
        yield
    finally:
        sys.path[:] = before
