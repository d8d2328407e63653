"""What a labeling function can see, as a hash: the same hash, the same votes on the same cells.

Followed into the user's own modules: the function's code, its defaults, closure and resources,
the globals and helpers it names and what those name in turn, preprocessors, classes, the
attributes of modules. Everything installed counts by its name and version. Names are matched
statically, so whatever looks things up dynamically, or looks at the world outside, is not
cached at all.
"""

import dis
import functools
import hashlib
import re
import sys
import types
from collections.abc import Mapping
from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from snorkel.labeling import LabelingFunction as SnorkelLF

OUTSIDE = frozenset(
    """asyncio datetime getpass http importlib io os pathlib random requests secrets shutil socket
    sqlite3 subprocess threading time urllib uuid""".split()
)
WORLDLY = frozenset(
    """now open randint random read_csv read_text rand randn today urandom urlopen
    utcnow""".split()
)
DYNAMIC = frozenset(
    """__import__ delattr eval exec getattr global globals input locals open print setattr
    vars""".split()
)


class NotCacheable(Exception):
    """Why the votes of an LF cannot be kept."""


def fingerprint(lf: SnorkelLF) -> bytes:
    """[32] bytes that change when anything changes that the LF's votes may rest on.

    Raises:
        NotCacheable: it is declared `pure=False`, or reaches for something that cannot be
            followed: clock, network, files, random numbers, `getattr`, objects of unknown make.

    Example:
        >>> from weakft import keyword_lf
        >>> one, same = (keyword_lf("praises", ["great"], 1) for _ in range(2))
        >>> fingerprint(one) == fingerprint(same)
        True
        >>> fingerprint(one) == fingerprint(keyword_lf("praises", ["good"], 1))
        False
    """
    if not getattr(lf, "pure", True):
        raise NotCacheable("declared pure=False")
    digest = _Digest()
    digest.add("python", sys.version_info[:3], _version("snorkel"), _engine())
    digest.add(lf)
    return digest.value()


class _Digest:
    """A running hash of values, each with its type; cycles are cut where they close."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=32)
        self._seen: dict[int, tuple[int, Any]] = {}

    def value(self) -> bytes:
        return self._hash.digest()

    def add(self, *values: Any) -> None:  # noqa: ANN401
        for value in values:
            self._one(value)

    def _mark(self, *words: object) -> None:
        for word in words:
            data = word if isinstance(word, bytes) else repr(word).encode()
            self._hash.update(len(data).to_bytes(8, "little") + data)

    def _one(self, value: Any) -> None:  # noqa: ANN401
        if value is None or type(value) in (bool, int, float, complex, str, bytes):
            self._mark(type(value).__name__, value)
        elif id(value) in self._seen:
            self._mark("again", self._seen[id(value)][0])
        else:
            self._seen[id(value)] = (len(self._seen), value)  # kept alive: ids stay taken
            self._composite(value)

    def _composite(self, value: Any) -> None:  # noqa: ANN401, C901
        if value is Ellipsis or value is NotImplemented:
            self._mark(repr(value))
        elif isinstance(value, Enum):
            self._mark("enum", value.name)
            self.add(type(value), value.value)
        elif type(value) in (list, tuple):
            self._mark(type(value).__name__, len(value))
            self.add(*value)
        elif type(value) in (set, frozenset):
            self._mark("set", *sorted(_alone(member) for member in value))
        elif isinstance(value, Mapping) and type(value) in (dict, types.MappingProxyType):
            self._mark("dict", len(value))
            for key, entry in value.items():
                self.add(key, entry)
        elif isinstance(value, re.Pattern):
            self._mark("pattern", value.pattern, value.flags)
        elif isinstance(value, np.ndarray) and value.dtype != object:
            self._mark("array", value.dtype.str, value.shape, value.tobytes())
        elif isinstance(value, types.CodeType):
            self._code(value)
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.MethodType):
            self._mark("method")
            self.add(value.__self__, value.__func__)
        elif isinstance(value, functools.partial):
            self._mark("partial")
            self.add(value.func, value.args, value.keywords)
        elif isinstance(value, types.ModuleType):
            self._module(value, frozenset())
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, staticmethod | classmethod):
            self.add(value.__func__)
        elif isinstance(value, property):
            self.add(value.fget)
        elif hasattr(value, "__wrapped__"):
            self._mark("wrapped", type(value).__qualname__)
            self.add(value.__wrapped__)
        elif callable(value) and hasattr(value, "__qualname__"):  # built in
            module = getattr(value, "__module__", None) or "builtins"
            if _is_own(module):
                raise NotCacheable(f"calls {value!r}")
            self._installed(module, value.__qualname__)
            owner = getattr(value, "__self__", None)  # such as the pattern of `pattern.search`
            if not isinstance(owner, types.ModuleType):
                self.add(owner)
        else:
            self._instance(value)

    def _function(self, function: types.FunctionType) -> None:
        if not _is_own(function.__module__):
            self._installed(function.__module__, function.__qualname__)
            cells = function.__closure__ or ()
            self.add(function.__defaults__, [_content(cell) for cell in cells])
            return
        self._mark("function")
        self.add(function.__defaults__, function.__kwdefaults__, function.__code__)
        self.add([_content(cell) for cell in function.__closure__ or ()])
        names = _names(function.__code__)
        for name in sorted(names & function.__globals__.keys()):
            self._mark("global", name)
            found = function.__globals__[name]
            if isinstance(found, types.ModuleType):
                self._module(found, names)
            else:
                self.add(found)
        for name in sorted((names & DYNAMIC - function.__globals__.keys()) | (names & WORLDLY)):
            raise NotCacheable(f"calls {name}")

    def _code(self, code: types.CodeType) -> None:
        self._mark("code", code.co_code, code.co_names, code.co_varnames, code.co_freevars)
        self._mark(code.co_cellvars, code.co_flags, code.co_argcount, code.co_kwonlyargcount)
        self._mark(code.co_exceptiontable)
        operations = {instruction.opname for instruction in dis.get_instructions(code)}
        if operations & {"IMPORT_NAME", "STORE_GLOBAL"}:
            raise NotCacheable("imports, or sets a global, while it runs")
        self.add(code.co_consts)

    def _module(self, module: types.ModuleType, names: frozenset[str]) -> None:
        name = module.__name__
        if not _is_own(name):
            self._installed(name, "")
            return
        self._mark("module", name)
        attributes = vars(module).keys() & names if names else vars(module).keys()
        for attribute in sorted(attributes):
            if not (attribute.startswith("__") and attribute.endswith("__")):
                self._mark(attribute)
                found = vars(module)[attribute]
                if isinstance(found, types.ModuleType):
                    self._module(found, names)
                else:
                    self.add(found)

    def _class(self, cls: type) -> None:
        if not _is_own(cls.__module__):
            self._installed(cls.__module__, cls.__qualname__)
            return
        self._mark("class", cls.__qualname__)
        self.add(*cls.__bases__)
        for name, member in sorted(vars(cls).items()):
            if name not in ("__dict__", "__weakref__", "__doc__", "__module__"):
                self._mark(name)
                self.add(member)

    def _instance(self, value: Any) -> None:  # noqa: ANN401
        """An object of a class of the user's, or of a plain installed one: what it holds."""
        cls = type(value)
        state = getattr(value, "__dict__", None)
        slots = [s for base in cls.__mro__ for s in _slots(base)]
        if state is None and not slots:
            raise NotCacheable(f"holds a {cls.__module__}.{cls.__qualname__}")
        self._mark("instance")
        self.add(cls)
        ignored = {"_cache"} if hasattr(value, "_generate_mapped_data_point") else set()
        ignored |= {"examples", "__doc__"} if isinstance(value, SnorkelLF) else set()
        for name, entry in sorted((state or {}).items()):
            if name not in ignored:
                self._mark(name)
                self.add(entry)
        for name in slots:
            if hasattr(value, name):
                self._mark(name)
                self.add(getattr(value, name))

    def _installed(self, module: str, name: str) -> None:
        top = module.partition(".")[0]
        if top in OUTSIDE:
            raise NotCacheable(f"uses {top}")
        if top == "builtins" and name in DYNAMIC:
            raise NotCacheable(f"calls {name}")
        self._mark("installed", module, name, _version(top))


def _names(code: types.CodeType) -> frozenset[str]:
    """Every global and attribute that the code, or code inside it, names."""
    inner = (const for const in code.co_consts if isinstance(const, types.CodeType))
    return frozenset(code.co_names).union(*(_names(const) for const in inner))


def _content(cell: types.CellType) -> Any:  # noqa: ANN401
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _slots(cls: type) -> list[str]:
    slots = vars(cls).get("__slots__", ())
    return [slots] if isinstance(slots, str) else [s for s in slots if s != "__weakref__"]


def _alone(value: Any) -> bytes:  # noqa: ANN401
    digest = _Digest()
    digest.add(value)
    return digest.value()


def _is_own(module: str | None) -> bool:
    """Whether a module is the user's: a file that no package installed."""
    if module is None or module == "__main__" or module.startswith("weakft_lfs_"):
        return True
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top == "weakft":
        return False
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is None or ("site-packages" not in file and "dist-packages" not in file)


@functools.cache
def _engine() -> str:
    """Our own code that makes votes."""
    package = Path(__file__).parent.parent
    files = sorted([*package.glob("lf/*.py"), *package.glob("apply/*.py")])
    return hashlib.blake2b(b"".join(file.read_bytes() for file in files)).hexdigest()


@functools.cache
def _version(package: str) -> str:
    names = _distributions().get(package, [package])
    try:
        return ",".join(metadata.version(name) for name in names)
    except metadata.PackageNotFoundError:
        return ""


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()
