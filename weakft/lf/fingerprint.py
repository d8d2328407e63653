"""Fingerprints: hashes of all that the votes of a labeling function depend on, cells aside.

Followed by value: the function's code, its defaults, closure, attributes and resources, the
globals and helpers it names and what those name in turn, preprocessors, classes and modules of
the user's. Every other object counts by what pickling it would write, taken apart in the same
way. Installed code counts by name and version; a string that names a file, with its content.
What may look at the world outside, or cannot be followed, is not cached, and it is known why.
"""

import builtins
import copyreg
import functools
import hashlib
import logging
import re
import sys
import types
from _abc import _get_dump  # type: ignore[import-not-found]
from abc import ABCMeta
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from operator import attrgetter, methodcaller
from pathlib import Path
from typing import Any

import numpy as np
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.engine import engine, source_of_module
from weakft.files import sha256
from weakft.lf import names, origins

SCALARS = frozenset({str, int, float, bool, bytes, complex, types.NoneType})
BUILTINS = (
    types.BuiltinFunctionType,
    types.MethodWrapperType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
)
"""Types of what is written in C: known by its name, with the object that it is bound to."""
NO_MEMBERS = frozenset(
    """__annotate_func__ __annotations__ __annotations_cache__ __dict__ __doc__ __firstlineno__
    __module__ __orig_bases__ __parameters__ __pydantic_core_schema__ __pydantic_serializer__
    __pydantic_validator__ __slotnames__ __static_attributes__ __weakref__ _abc_impl""".split()
)
"""Members of a class that change no vote, or that others of its members decide."""
IMPORTED_WITH = frozenset(
    """__annotations__ __builtins__ __cached__ __file__ __loader__ __name__ __package__ __path__
    __spec__""".split()
)
"""What importing a module puts there."""
PATH = re.compile(r"[^\0\n]{0,999}(/[^\0\n]{1,255}|\.[A-Za-z]\w{0,9})")
MOST_PATHS = 256  # strings in one container that are tried as paths
WHOLE = frozenset({()})  # all of a module, rather than some of its attributes

Tokens = Iterator[bytes]


class NotCacheable(Exception):
    """Why the votes of an LF cannot be kept."""


@dataclass(frozen=True)
class Reached:
    """What the votes of an LF depend on.

    Attributes:
        digest: [32] bytes, of all that could be followed.
        reasons: why that may not be all; none: the votes can be kept.
        files: files that a string names; their content is part of the digest.
        packages: versions of the installed packages, by the names under which they are imported.
    """

    digest: bytes
    reasons: tuple[str, ...]
    files: frozenset[Path]
    packages: Mapping[str, str]


def fingerprint(lf: SnorkelLF) -> bytes:
    """[32] bytes that change when anything changes that the LF's votes may depend on.

    Raises:
        NotCacheable: it is declared `pure=False`, or reaches for something that cannot be
            followed: clock, network, files, random numbers, `getattr`, objects of an unknown kind.

    Example:
        >>> from weakft import keyword_lf
        >>> one, same = (keyword_lf("praises", ["great"], 1) for _ in range(2))
        >>> fingerprint(one) == fingerprint(same)
        True
        >>> fingerprint(one) == fingerprint(keyword_lf("praises", ["good"], 1))
        False
    """
    found = reached(lf)
    if found.reasons:
        raise NotCacheable(found.reasons[0])
    return found.digest


def reached(lf: SnorkelLF, root: Path | None = None) -> Reached:
    """Everything that an LF's votes may depend on, as far as it can be followed.

    Args:
        lf: the labeling function.
        root: a folder that relative paths may start at, as they may at those of the LF's modules.
    """
    found = _Digest()
    pure = getattr(lf, "pure", None)
    if pure is False:
        found.unknown["declared pure=False"] = None
    try:
        token = found.token(lf)
    except RecursionError:
        found.unknown["reaches too deep"] = None
        token = b""
    reasons = [*found.unknown, *(() if pure else found.doubts)]
    files = found.files(root)
    content = [f"{path}\0{sha256(path)}".encode("utf-8", "surrogateescape") for path in files]
    digest = _hash([repr(sys.version_info[:3]).encode(), engine().encode(), token, *content])
    return Reached(digest, tuple(reasons), frozenset(files), found.packages)


class _Digest:
    """Hashes of values, each of its kind and its parts; cycles are cut where they close.

    Attributes:
        unknown: what was reached and has no content that could be known, in order of discovery.
        doubts: what may look at the world outside, by all that is known of it.
        packages: versions by import name.
    """

    def __init__(self) -> None:
        self.unknown: dict[str, None] = {}
        self.doubts: dict[str, None] = {}
        self.packages: dict[str, str] = {}
        self._seen: dict[int, tuple[Any, bytes]] = {}  # values too: their ids stay taken
        self._modules: dict[tuple[str, frozenset[tuple[str, ...]]], bytes] = {}
        self._patches: dict[int, bytes] = {}
        self._depth = 0
        self._paths: set[str] = set()
        self._folders: set[Path] = {Path()}

    def files(self, root: Path | None) -> list[Path]:
        """The files that strings name, from here, from `root` or beside the user's modules."""
        folders = self._folders | ({root} if root else set())
        found = {(folder / text).resolve() for text in self._paths for folder in folders}
        return sorted(path for path in found if _is_file(path))

    def token(self, value: Any) -> bytes:  # noqa: ANN401
        """What stands for a value: the same for the same content, whatever the process."""
        if type(value) in SCALARS:
            if type(value) is str and PATH.fullmatch(value):
                self._paths.add(value)
            return _scalar(value)
        known = self._seen.get(id(value))
        if known is not None:
            return known[1]
        self._seen[id(value)] = (value, b"cycle %d" % self._depth)
        self._depth += 1
        token = _hash(self._parts(value))
        self._depth -= 1
        self._seen[id(value)] = (value, token)
        return token

    def _parts(self, value: Any) -> Tokens:  # noqa: ANN401
        """The kind of a value and the tokens of what it holds."""
        kind = type(value)
        yield kind.__qualname__.encode()
        if value is sys.modules:
            self.unknown["looks into sys.modules"] = None
        elif kind in EXACT:
            yield from EXACT[kind](self, value)
        elif isinstance(value, Enum):
            yield from map(self.token, (kind, value.name, value.value))
            yield self._named(vars(value))
        elif isinstance(value, types.ModuleType):
            yield self._module(value, WHOLE)
        elif isinstance(value, type):
            yield from self._class(value)
        elif kind is np.ndarray and not value.dtype.hasobject:
            yield from map(_scalar, (repr(value.dtype), repr(value.dtype.metadata)))
            yield from (repr(value.shape).encode(), value.tobytes())
        elif isinstance(value, BUILTINS):
            yield from self._builtin(value)
        else:
            yield from self._object(value)

    def _named(self, entries: Mapping[str, Any], ignored: Iterable[str] = ()) -> bytes:
        """Names with their values, in the order of names; addresses of other values are none."""
        addresses = {id(value) for value in entries.values()}  # as scikit-learn notes one
        chosen = [
            name
            for name in sorted(set(entries) - set(ignored), key=str)
            if not (type(entries[name]) is int and entries[name] in addresses)
        ]
        return _hash(token for name in chosen for token in map(self.token, (name, entries[name])))

    # Objects that are fully understood

    def _sequence(self, values: Any) -> Tokens:  # noqa: ANN401
        if len(values) > MOST_PATHS and {*map(type, values)} <= SCALARS:
            return map(_scalar, values)
        return map(self.token, values)

    def _set(self, values: Any) -> Tokens:  # noqa: ANN401
        return iter(sorted(self._sequence(values)))

    def _mapping(self, values: Any) -> Tokens:  # noqa: ANN401
        yield _hash(self._sequence(values.keys()))
        yield _hash(self._sequence(values.values()))

    def _pattern(self, value: re.Pattern[Any]) -> Tokens:
        return map(_scalar, (value.pattern, value.flags))

    def _method(self, value: types.MethodType) -> Tokens:
        return map(self.token, (value.__self__, value.__func__))

    def _wrapped(self, value: Any) -> Tokens:  # noqa: ANN401
        return iter([self.token(value.__func__)])

    def _property(self, value: property) -> Tokens:
        return map(self.token, (value.fget, value.fset, value.fdel))

    def _cached_property(self, value: Any) -> Tokens:  # noqa: ANN401
        return map(self.token, (value.func, value.attrname))  # its lock is left out

    def _logger(self, value: logging.Logger) -> Tokens:
        yield from self._installed("logging", "Logger")
        yield _scalar(value.name)  # its level, handlers and parents are the process's

    def _cached_function(self, value: Any) -> Tokens:  # noqa: ANN401
        return iter([self._named(vars(value), ignored={"__doc__"})])

    def _getter(self, value: Any) -> Tokens:  # noqa: ANN401
        make, arguments = value.__reduce__()
        taken = [*getattr(make, "args", ()), *arguments]
        self._check_attributes(part for name in taken for part in str(name).split("."))
        return map(self.token, (make, arguments))

    def _code(self, code: types.CodeType) -> Tokens:
        yield code.co_code
        yield code.co_exceptiontable
        yield from map(_scalar, (code.co_flags, code.co_argcount, code.co_kwonlyargcount))
        for group in (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars):
            yield "\n".join(group).encode()
        yield _hash(map(self.token, code.co_consts))

    def _function(self, function: types.FunctionType) -> Tokens:
        if not origins.is_own_function(function):
            yield from self._installed_function(function)
            return
        code, space = function.__code__, function.__globals__
        if effect := names.lasting_effect(code):
            self.doubts[effect] = None
        if isinstance(file := space.get("__file__"), str):
            self._folders.add(Path(file).parent)
        self._check_attributes(names.attributes(code))
        hashing = {"hash"} if code.co_name == "__hash__" else set()
        yield from map(_scalar, (function.__name__, function.__qualname__))
        yield from map(self.token, (code, function.__defaults__, function.__kwdefaults__))
        yield self._named(vars(function), ignored={"__doc__"})
        closure = dict(zip(code.co_freevars, map(_filled, function.__closure__ or ()), strict=True))
        for name, chains in names.chains(code).items():
            yield name.encode()
            if name in hashing:
                continue
            scopes = (closure, space, vars(builtins))
            found: Any = next((scope[name] for scope in scopes if name in scope), None)
            if isinstance(found, types.ModuleType):
                yield self._module(found, chains)
            else:
                yield self.token(found)
                yield from self._members(found, chains)

    def _check_attributes(self, taken: Iterable[str]) -> None:
        for name in sorted({*taken} & (origins.WORLDLY | origins.INNARDS)):
            reads = name in origins.WORLDLY
            self.doubts[f"{'calls' if reads else 'looks into'} {name}"] = None

    def _class(self, cls: type) -> Tokens:
        if not origins.is_own_class(cls):
            yield from self._installed(str(cls.__module__), cls.__qualname__)
            yield from self._patches_of_bases(cls)
            return
        yield cls.__qualname__.encode()
        yield _hash(map(self.token, (type(cls), *cls.__bases__)))
        if isinstance(cls, ABCMeta):
            yield self.token({registered() for registered in _get_dump(cls)[0]})
        yield self._named(vars(cls), ignored=NO_MEMBERS)

    # Modules

    def _module(self, module: types.ModuleType, chains: frozenset[tuple[str, ...]]) -> bytes:
        """What is taken of a module; all of it where it is handed on as it stands."""
        key = (module.__name__, chains)
        if key not in self._modules:
            self._modules[key] = b"cycle"
            own = origins.is_own_module(module)
            parts = self._own_module if own else self._installed_module
            self._modules[key] = _hash(parts(module, chains))
        return self._modules[key]

    def _own_module(self, module: types.ModuleType, chains: frozenset[tuple[str, ...]]) -> Tokens:
        space = vars(module)
        if isinstance(file := space.get("__file__"), str):
            self._folders.add(Path(file).parent)
        plain = space.keys() - IMPORTED_WITH
        if any(not chain or chain[0] not in plain for chain in chains):
            chains |= {(name,) for name in (*plain, "__getattr__")}
        yield module.__name__.encode()
        if type(module) is not types.ModuleType:
            yield self.token(type(module))
        for name in sorted({chain[0] for chain in chains if chain}):
            yield name.encode()
            yield from self._taken(space.get(name), chains, name)

    def _installed_module(
        self, module: types.ModuleType, chains: frozenset[tuple[str, ...]]
    ) -> Tokens:
        if () in chains:
            yield from self._installed(module.__name__, "")
        for name in sorted({chain[0] for chain in chains if chain}):
            yield name.encode()
            yield from self._taken(getattr(module, name, None), chains, name)

    def _taken(self, found: Any, chains: frozenset[tuple[str, ...]], name: str) -> Tokens:  # noqa: ANN401
        rest = frozenset(chain[1:] for chain in chains if chain and chain[0] == name)
        if isinstance(found, types.ModuleType):
            yield self._module(found, rest)
            return
        yield self.token(found)
        yield from self._members(found, rest)

    def _members(self, found: Any, chains: frozenset[tuple[str, ...]]) -> Tokens:  # noqa: ANN401
        """Data that somebody put into an installed class, where code takes it from there."""
        cls = found if isinstance(found, type) else type(found)
        for name in sorted({chain[0] for chain in chains if chain}):
            for base in cls.__mro__:
                if type(vars(base).get(name)) in EXACT and not origins.is_own_class(base):
                    yield self.token(vars(base)[name])

    # Installed code

    def _installed_function(self, function: types.FunctionType) -> Tokens:
        module, name = function.__globals__.get("__name__", ""), function.__qualname__
        yield from self._installed(module, name)
        public = {n: v for n, v in vars(function).items() if not n.startswith("_")}
        plain = SCALARS | CONTENTS.keys()  # torch, once loaded, marks functions of others: private
        yield self._named({n: v for n, v in public.items() if type(v) in plain})
        if not origins.leads_to(module, name, function):
            yield from map(self.token, (function.__defaults__, function.__kwdefaults__))
            yield _hash(map(self.token, map(_filled, function.__closure__ or ())))
            yield self._named(public)

    def _builtin(self, value: Any) -> Tokens:  # noqa: ANN401
        """A function or method of C's."""
        yield value.__name__.encode()
        owner = getattr(value, "__self__", getattr(value, "__objclass__", None))
        if owner is None or isinstance(owner, types.ModuleType):
            module = value.__module__ or getattr(owner, "__name__", "builtins")
            yield from self._installed(module, value.__qualname__)
        elif isinstance(value, types.GetSetDescriptorType | types.MemberDescriptorType):
            yield owner.__qualname__.encode()  # a slot: what it holds counts with its object
        else:
            self._check_attributes([value.__name__])
            yield self.token(owner)

    def _installed(self, module: str, name: str, *, called: bool = True) -> Tokens:
        """Something of a package by its name and version; noted where it cannot be trusted."""
        top = module.partition(".")[0]
        in_python = top in sys.stdlib_module_names
        reason = origins.distrust(module, name, called=called)
        if not name and reason is None and not in_python:
            reason = f"hands on the module {module}"
        if reason:
            self.doubts[reason] = None
        if not in_python:
            self.packages[top] = origins.version(top)
        yield from (module.encode(), name.encode(), origins.version(top).encode())
        if top == "weakft":
            yield sha256(source_of_module(module)).encode()
        elif found := sys.modules.get(module):
            yield self._patched(found)
            if in_python:
                yield self._patched_in_package(top)
        if top in SETTINGS and top in sys.modules:
            yield _scalar(repr(SETTINGS[top](sys.modules[top])))

    def _patched_in_package(self, top: str) -> bytes:
        """What of the user's somebody put anywhere into one of Python's packages.

        Modules without any are left out: which of them are loaded differs from process to process.
        """
        key = (top, WHOLE)
        if key not in self._modules:
            self._modules[key] = b""
            modules = [m for n, m in sorted(sys.modules.items()) if n.partition(".")[0] == top]
            spaces: list[types.ModuleType | type] = [*modules]
            spaces += [cls for module in modules for cls in _classes_of(module)]
            patched = [space for space in spaces if any(origins.patches(space))]
            self._modules[key] = _hash(map(self._patched, patched))
        return self._modules[key]

    def _patched(self, namespace: types.ModuleType | type) -> bytes:
        """What of the user's somebody put into an installed module or class."""
        if id(namespace) not in self._patches:
            self._patches[id(namespace)] = b""
            found = dict(origins.patches(namespace))
            if isinstance(namespace, type):
                found |= {n: v for n, v in vars(namespace).items() if type(v) in SCALARS}
            self._patches[id(namespace)] = self._named(found, ignored=NO_MEMBERS)
        return self._patches[id(namespace)]

    def _patches_of_bases(self, cls: type) -> Tokens:
        return (self._patched(base) for base in cls.__mro__ if not origins.is_own_class(base))

    # All other objects

    def _object(self, value: Any) -> Tokens:  # noqa: ANN401
        """An object by its class and by what pickling it would write."""
        cls = type(value)
        own, ours = origins.is_own_class(cls), _without_effect(value)
        if own:
            yield self.token(cls)
        else:
            yield from self._installed(str(cls.__module__), cls.__qualname__, called=False)
        yield from self._patches_of_bases(cls)
        torch: Any = sys.modules.get("torch")
        if hasattr(cls, "__next__"):
            self.unknown[f"holds a {cls.__qualname__}, which is used up as it votes"] = None
        elif torch is not None and isinstance(value, torch.Tensor):
            yield from self._tensor(value, torch)
        else:
            if own or ours:  # also what its own __getstate__ would leave out
                yield from self._attributes(value)
                yield self.token([content(value) for content in _contents(cls)])
            if isinstance(value, BaseException):
                yield self._named(_fields_of_c(value))
            if not ours:
                yield from self._pickled(value)

    def _attributes(self, value: Any) -> Tokens:  # noqa: ANN401
        """What stands in `__dict__` and in slots."""
        ignored = _without_effect(value)
        slots = [name for base in type(value).__mro__ for name in _slots(base)]
        yield self._named(getattr(value, "__dict__", {}), ignored)
        yield self._named({name: getattr(value, name) for name in slots if hasattr(value, name)})

    def _pickled(self, value: Any) -> Tokens:  # noqa: ANN401
        cls = type(value)
        reduce: Callable[[Any], Any] | None = copyreg.dispatch_table.get(cls)
        try:
            reduced = reduce(value) if reduce else value.__reduce_ex__(4)
        except Exception as error:
            self.unknown[f"holds a {cls.__module__}.{cls.__qualname__} ({error})"] = None
            return
        if isinstance(reduced, str):
            yield from self._global(value, reduced)
            return
        make, arguments, state, members, entries = (*reduced, None, None, None)[:5]
        if state is None:  # as a Counter leaves out what was put into it beside its counts
            state = getattr(value, "__dict__", {})
        yield self._maker(make)
        yield self.token(arguments)
        yield self._named(state) if type(state) is dict else self.token(state)
        yield self.token(list(members or ()))
        yield self.token(dict(entries or ()))

    def _global(self, value: Any, name: str) -> Tokens:  # noqa: ANN401
        """An object that stands under a name in a package, such as a ufunc of numpy's."""
        places = (getattr(value, "__module__", None), type(value).__module__)
        for module in places:
            if isinstance(module, str) and origins.leads_to(module, name, value):
                if origins.is_own_module(module):
                    break
                yield from self._installed(module, name, called=callable(value))
                return
        self.unknown[
            f"holds a {type(value).__qualname__} that is known by its name {name!r} alone"
        ] = None

    def _maker(self, make: Any) -> bytes:  # noqa: ANN401
        """What would unpickle an object; only data, where it is a package's."""
        is_function = isinstance(make, types.FunctionType)
        if origins.is_own_function(make) if is_function else origins.is_own_class(type(make)):
            return self.token(make)
        return f"{getattr(make, '__module__', '')}.{getattr(make, '__qualname__', '')}".encode()

    def _tensor(self, value: Any, torch: Any) -> Tokens:  # noqa: ANN401
        """A tensor by its numbers; pickled, it would hold addresses."""
        if value.is_quantized:
            self.unknown["holds a tensor without plain content (it is quantised)"] = None
            return
        try:
            flat = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        except (RuntimeError, NotImplementedError) as error:
            self.unknown[f"holds a tensor without plain content ({error})"] = None
            return
        yield from (str(value.dtype).encode(), repr(tuple(value.shape)).encode())
        yield _scalar(value.requires_grad)
        yield flat.numpy().tobytes()
        yield self._named(getattr(value, "__dict__", {}))


CONTENTS: dict[type, Callable[[Any], Any]] = {
    list: lambda value: list(list.__iter__(value)),
    tuple: lambda value: list(tuple.__iter__(value)),
    set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: set(frozenset.__iter__(value)),
    dict: lambda value: dict(dict.items(value)),
    str: str.__str__,
    bytes: lambda value: bytes.__getitem__(value, slice(None)),
    int: int.__int__,
    float: float.__float__,
    complex: complex.__complex__,
    bytearray: lambda value: memoryview(value).tobytes(),
    array: lambda value: (array.__getattribute__(value, "typecode"), memoryview(value).tobytes()),
    deque: lambda value: list(deque.__iter__(value)),
    date: date.isoformat,
    datetime: datetime.isoformat,
    np.ndarray: lambda value: np.ndarray.view(value, np.ndarray),
}
"""How to read what an object of a builtin's subclass holds, whatever the subclass says."""
SETTINGS: dict[str, Callable[[Any], Any]] = {
    "decimal": lambda decimal: decimal.getcontext(),
    "numpy": lambda numpy: (numpy.geterr(), numpy.get_printoptions()),
    "torch": lambda torch: torch.get_default_dtype(),
}
"""What a process can set that changes what a package's functions return."""
EXACT: dict[type, Callable[[_Digest, Any], Tokens]] = {
    list: _Digest._sequence,
    tuple: _Digest._sequence,
    set: _Digest._set,
    frozenset: _Digest._set,
    dict: _Digest._mapping,
    types.MappingProxyType: _Digest._mapping,
    re.Pattern: _Digest._pattern,
    types.CodeType: _Digest._code,
    types.FunctionType: _Digest._function,
    types.MethodType: _Digest._method,
    staticmethod: _Digest._wrapped,
    classmethod: _Digest._wrapped,
    property: _Digest._property,
    functools.cached_property: _Digest._cached_property,
    functools._lru_cache_wrapper: _Digest._cached_function,
    logging.Logger: _Digest._logger,
    logging.RootLogger: _Digest._logger,
    attrgetter: _Digest._getter,
    methodcaller: _Digest._getter,
}
"""Types whose objects are fully understood, subclasses not."""


def _scalar(value: Any) -> bytes:  # noqa: ANN401
    if type(value) is str:
        return b"str" + value.encode("utf-8", "surrogatepass")
    if type(value) is int:
        return b"int%x" % value  # however long
    if type(value) is bytes:
        return b"bytes" + value
    return f"{type(value).__name__} {value!r}".encode()


def _hash(tokens: Iterable[bytes]) -> bytes:
    state = hashlib.blake2b(digest_size=32)
    for token in tokens:
        state.update(len(token).to_bytes(8, "little") + token)
    return state.digest()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _classes_of(module: types.ModuleType) -> list[type]:
    """The classes that a module defines, in the order of names."""
    found = [vars(module)[name] for name in sorted(vars(module))]
    return [c for c in found if issubclass(type(c), type) and c.__module__ == module.__name__]


def _without_effect(value: Any) -> frozenset[str]:  # noqa: ANN401
    """Attributes of an LF or a preprocessor that change no vote; of other objects none."""
    if isinstance(value, SnorkelLF):
        return frozenset({"__doc__", "examples", "pure"})
    is_mapper = hasattr(type(value), "_generate_mapped_data_point")
    return frozenset({"__doc__", "_cache"} if is_mapper else ())


def _contents(cls: type) -> list[Callable[[Any], Any]]:
    """The readers of `CONTENTS` for a class."""
    return [read for base, read in CONTENTS.items() if issubclass(cls, base)]


def _fields_of_c(value: Any) -> dict[str, Any]:  # noqa: ANN401
    """What an exception holds that is no attribute of Python's, its cause among them."""
    kinds = (types.GetSetDescriptorType, types.MemberDescriptorType)
    found = {n for base in type(value).__mro__ for n, d in vars(base).items() if type(d) in kinds}
    found -= {"__dict__", "__traceback__", "__weakref__"}
    return {name: getattr(value, name) for name in found if hasattr(value, name)}


def _filled(cell: types.CellType) -> Any:  # noqa: ANN401
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _slots(cls: type) -> list[str]:
    slots = vars(cls).get("__slots__", ())
    listed = [slots] if isinstance(slots, str) else list(slots)
    mangled = [f"_{cls.__name__.lstrip('_')}{s}" if _is_private(s) else s for s in listed]
    return [name for name in mangled if name not in ("__weakref__", "__dict__")]


def _is_private(name: str) -> bool:
    return name.startswith("__") and not name.endswith("__")
