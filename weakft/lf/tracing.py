"""The LFs of a project, loaded anew, and all that they were seen to rest on."""

import ast
import hashlib
import importlib
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.lf.fingerprint import reached
from weakft.lf.loading import load_lfs
from weakft.lf.origins import DYNAMIC, PURE, WORLDLY, is_own_module, lies_in
from weakft.lf.watch import watched

NOT_FORGOTTEN = sys.stdlib_module_names | {"__main__", "weakft"}
VARYING = (WORLDLY | DYNAMIC) - {"open", "print", "read_text", "read_bytes"}
"""Names of the clock, of chance and of what no name shows; files are seen when they are read."""
_modules_of_lfs: set[str] = set()
"""Modules of the user's that LFs imported, wherever they lie."""


@dataclass(frozen=True)
class Traced:
    """LFs and what they rest on.

    Attributes:
        lfs: the labeling functions.
        digest: of their fingerprints.
        untraced: why the votes of some may rest on more than is known, by name.
        files: the user's modules, what they read when imported, files that strings name.
        folders: folders that were listed then.
        packages: versions of installed packages that the LFs use.
        closed: whether nothing but those files can have had a part in what the LFs are.
    """

    lfs: list[SnorkelLF]
    digest: str
    untraced: dict[str, str]
    files: frozenset[Path]
    folders: frozenset[Path]
    packages: dict[str, str]
    closed: bool


def trace_lfs(
    files: Sequence[Path],
    root: Path,
    classes: Sequence[str],
    warn: Callable[[str], None] = lambda message: None,
) -> Traced:
    """Load LFs as a new process would, and see what they rest on; arguments as of `load_lfs`.

    Raises:
        LFImportError: see `load_lfs`.
        LFError: see `load_lfs`.
    """
    forget_modules_of(root)
    before = set(sys.modules)
    with watched() as seen:
        lfs = load_lfs(files, root, classes, warn=warn)
    modules = [m for name, m in list(sys.modules.items()) if name not in before and _is_own(m)]
    _modules_of_lfs.update(module.__name__ for module in modules)
    places = [getattr(module, "__file__", None) for module in modules]
    sources = {Path(place) for place in places if place}
    found = {lf.name: reached(lf, root) for lf in lfs}
    prints = repr([(name, lf.digest.hex()) for name, lf in found.items()])
    read = {Path(name) for name in seen.files}
    return Traced(
        lfs,
        hashlib.sha256(prints.encode()).hexdigest(),
        {name: lf.reasons[0] for name, lf in found.items() if lf.reasons},
        frozenset({*files, *sources, *read}.union(*(lf.files for lf in found.values()))),
        frozenset(Path(name) for name in seen.folders),
        {name: lf.packages[name] for lf in found.values() for name in sorted(lf.packages)},
        not seen.folders and not seen.outside and _need_files_alone(sources),
    )


def forget_modules_of(root: Path) -> None:
    """Let the project's own modules, and others that its LFs imported, be imported anew."""
    importlib.invalidate_caches()
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in NOT_FORGOTTEN and (
            name in _modules_of_lfs or any(lies_in(place, root) for place in _places(module))
        ):
            del sys.modules[name]
    _modules_of_lfs.clear()


def _is_own(module: object) -> bool:
    return isinstance(module, ModuleType) and is_own_module(module)


def _need_files_alone(sources: Iterable[Path]) -> bool:
    """Whether some modules name nothing that is not the same wherever and whenever they load."""
    try:
        trees = {path: ast.parse(path.read_bytes()) for path in sources}
    except (OSError, SyntaxError, ValueError):  # compiled, or in an archive
        return False
    nodes = [node for tree in trees.values() for node in ast.walk(tree)]
    imports = _imports(trees, nodes) <= PURE | {"weakft", "snorkel"}
    return imports and _names(nodes).isdisjoint(VARYING)


def _names(nodes: Iterable[ast.AST]) -> set[str]:
    """What nodes call by name, take as an attribute or import from a module."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.alias):
            found.add(node.name)
    return found


def _imports(sources: Iterable[Path], nodes: Iterable[ast.AST]) -> set[str]:
    """The packages that some modules name in imports, one another aside."""
    own = {path.parent.name if path.stem == "__init__" else path.stem for path in sources}
    own |= {folder.name for path in sources for folder in path.parents}
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
    return {name if name in PURE else name.partition(".")[0] for name in found} - (own - PURE)


def _places(module: ModuleType) -> list[str]:
    file = getattr(module, "__file__", None)
    return [file] if file else list(getattr(module, "__path__", ()))
