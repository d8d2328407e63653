"""Whether code is the user's or a package's, and which of a package's functions are trusted."""

import functools
import os
import re
import sys
import sysconfig
import types
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from weakft.files import sha256

PURE = frozenset(
    """abc array ast base64 binascii bisect blake2 builtins calendar cmath codecs collections
    colorsys contextlib copy copyreg dataclasses datetime decimal difflib encodings enum
    fnmatch fractions functools hashlib heapq hmac html ipaddress itertools json keyword math
    md5 numbers operator pydecimal quopri re sha1 sha2 sha256 sha3 sha512 sre statistics
    string stringprep struct textwrap types typing unicodedata urllib.parse uuid zlib""".split()
)
"""Modules of Python whose functions read no file, clock or network and draw no random numbers,
those named below aside."""
PURE_NAMES = frozenset({"_io.StringIO", "_io.BytesIO", "__future__"})
DYNAMIC = frozenset(
    """__import__ breakpoint compile delattr dir eval exec getattr global globals hash help id input
    locals open print setattr vars""".split()
)
"""Builtins that reach what the code does not name, the world outside, addresses or hash seeds."""
WORLDLY = frozenset(
    """choice choices fromfile fromtimestamp from_disk from_file from_pretrained genfromtxt load
    loadtxt memmap now open rand randint randn random randrange read_bytes read_csv read_excel
    read_feather read_hdf read_json read_orc read_parquet read_pickle read_sql read_table read_text
    scan_csv scan_parquet shuffle today urandom urlopen utcnow uuid1 uuid4""".split()
)
"""Attributes that read the world outside, whatever object has them."""
INNARDS = frozenset(
    """__annotations__ __builtins__ __closure__ __code__ __doc__ __getattribute__ __globals__
    __loader__ __spec__ __subclasses__ f_builtins f_globals f_locals get_annotations get_type_hints
    gi_frame tb_frame""".split()
)
"""Attributes that lead from an object to all others, or to what is otherwise left out."""
READING = frozenset(
    """client connect connection database dataset datasets db disk download env environ fetch file
    files fromfile fromregex fs genfromtxt getenv glob http imread io load loader loadmat loadtxt
    memmap now open parquet pretrained rand randint randn random read sample scan session
    shuffle socket sql store time today url urllib urlopen uuid walk""".split()
)
"""Words by which an installed function or class is taken for one that reads something."""
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
NETWORK = frozenset("aiohttp anthropic boto3 botocore httpx openai redis requests urllib3".split())
METHODS_OF_C = ("cython_function_or_method", "method_descriptor", "wrapper_descriptor")
HEAP_TYPE = 1 << 9  # of a class's flags: made as the program runs
INSTALLED_FOLDERS = ("site-packages", "dist-packages")


@functools.cache
def _libraries() -> tuple[str, ...]:
    """Where Python and weakft keep their code."""
    places = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders = [Path(place) for place in places] + [Path(__file__).parent.parent]
    return tuple({f"{form}/" for folder in folders for form in (folder, folder.resolve())})


def lies_in(file: str, root: Path) -> bool:
    """Whether a file lies in a folder, and not in an environment within it."""
    start = os.path.join(root, "")
    inner = Path(file.removeprefix(start)).parts
    return file.startswith(start) and set(INSTALLED_FOLDERS).isdisjoint(inner)


@functools.cache
def is_installed_file(file: str) -> bool:
    """Whether a package, Python or weakft brought this file."""
    if file.startswith("<frozen"):
        return True
    return file.startswith(_libraries()) or not set(INSTALLED_FOLDERS).isdisjoint(Path(file).parts)


def is_own_module(module: types.ModuleType | str | None) -> bool:
    """Whether a module is the user's: a file that no package installed, or none at all."""
    name = module.__name__ if isinstance(module, types.ModuleType) else module
    if name is None or name == "__main__" or name.startswith("weakft_lfs_"):
        return True
    if name.startswith("_cython_"):  # where its functions' types say they are from
        return False
    found = module if isinstance(module, types.ModuleType) else sys.modules.get(name)
    if found is None:
        return name.partition(".")[0] not in sys.stdlib_module_names
    file = getattr(found, "__file__", None)
    if file is not None:
        return not is_installed_file(file)
    if getattr(getattr(found, "__spec__", None), "origin", None) in ("built-in", "frozen"):
        return False
    folders = list(getattr(found, "__path__", ()))
    return name not in sys.builtin_module_names and not any(map(is_installed_file, folders))


def is_own_function(function: types.FunctionType) -> bool:
    """Whether the user wrote its code; its `__module__` may have been copied from another."""
    file = function.__code__.co_filename
    if file.startswith("<") and not file.startswith("<frozen"):
        return is_own_module(function.__globals__.get("__name__"))
    return not is_installed_file(file)


def is_own_class(cls: type) -> bool:
    """Whether the user made a class: in their module, or where no package has it by its name."""
    if not isinstance(cls.__module__, str):  # a metaclass of C's
        return False
    if is_own_module(cls.__module__):
        return True
    if not cls.__flags__ & HEAP_TYPE or leads_to(cls.__module__, cls.__qualname__, cls):
        return False
    members = [m for name, m in vars(cls).items() if name not in ("__dict__", "__weakref__")]
    functions = [member for member in members if isinstance(member, types.FunctionType)]
    if functions:
        return any(map(is_own_function, functions))
    return not any(type(member).__name__ in METHODS_OF_C for member in members)


def leads_to(module: str, qualname: str, value: object) -> bool:
    """Whether a qualified name stands for this very object."""
    found: Any = sys.modules.get(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return found is value


def distrust(module: str, qualname: str, *, called: bool = True) -> str | None:
    """Why the votes of what uses an installed object cannot be kept; None: they can.

    Args:
        module: where it comes from.
        qualname: its name there.
        called: whether it may be called by its name. For an object of an installed class whose
            whole content is known only the module of the class counts.

    Example:
        >>> distrust("json", "loads"), distrust("numpy", "mean"), distrust("numpy", "load")
        (None, None, 'calls numpy.load')
        >>> distrust("os", "listdir")
        'uses os.listdir'
    """
    top = module.partition(".")[0]
    full = f"{module}.{qualname}" if qualname else module
    if top == "weakft" or full in PURE_NAMES:
        return None
    if top in sys.stdlib_module_names:
        public = module.removeprefix("_").removesuffix("_abc")
        known = {module, public, top, top.removeprefix("_")} & PURE
        if not known or (top == "builtins" and qualname in DYNAMIC):
            return f"calls {qualname}" if qualname in DYNAMIC else f"uses {full}"
        return f"calls {full}" if qualname.rpartition(".")[2] in WORLDLY | INNARDS else None
    if top in NETWORK:
        return f"uses {full}"
    words = WORD.findall(full if called else module)
    return f"calls {full}" if READING & {word.lower() for word in words} else None


def patches(namespace: types.ModuleType | type) -> Iterator[tuple[str, Any]]:
    """The user's functions and objects set in an installed module or class, in order of name."""
    for name, found in sorted(vars(namespace).items()):
        kind = type(found)  # asking isinstance would wake proxies
        if kind is types.FunctionType:
            if is_own_function(found):
                yield name, found
        elif not issubclass(kind, types.ModuleType):
            module = (found if issubclass(kind, type) else kind).__module__
            if isinstance(module, str) and module != "builtins" and is_own_module(module):
                yield name, found


@functools.cache
def version(package: str) -> str:
    """The version of an installed top-level package; of one that has none, its content."""
    if package in sys.stdlib_module_names:
        return ""  # Python's counts, once
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        names = _distributions().get(package, [])  # a tenth of a second
    if names:
        return ",".join(metadata.version(name) for name in names)
    file = getattr(sys.modules.get(package), "__file__", None)
    return sha256(Path(file)) if file else ""


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()
