"""Fingerprints: sources that vote differently have different ones; the same source has one."""

import ast
import decimal
import json as json_module
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from weakft import labeling_function, lookup_lf
from weakft.engine import VOTING, WITHOUT_EFFECT, source_of_module
from weakft.lf.fingerprint import Reached, reached
from weakft.lf.tracing import trace_lfs
from weakft.lf.watch import watched

PAIRS = dict(
    part.split(": ", 1)
    for part in (Path(__file__).parent / "pairs.txt").read_text().split("\n=== ")[1:]
)
"""By name: two values, and a source in which `%s` stands for one of them."""
OF_EACH_KIND = """counter_global list_subclass function_attr wraps_installed attrgetter
    metaclass_prop joblib_lazy exception_args module_getattr deep_helper lambda_default enum_method
    regex_flags nested_code_global sk_countvec slots_dict_mix environ_alias token_named
    partialmethod
    singledispatch lru descriptor contextvar cell_mutable generator exists listdir path resources
    open_alias partial_open read_csv moddict mod_arg star_import methodcaller fglobals code_swap
    class_patched_later lying_reduce type_dyn exec_made bool_int decimal npobj frame sk_pipeline
    flag exc_cause wrapped_override env_getenv dataclass match str_translate bound_builtin
    abc_register weakref stringio lf_calls_lf model_lf nonlocal_counter torch_tensor class_doc
    func_name own_dunder own_mod_whole_dunder annotations_hints pydantic struct_names counter_attr
    installed_class_list installed_func_list deep_patch csv_dialect tensor_quant deque_sub_lying
    locale_conv np_err own_load""".split()
"""Pairs that are tried every time; all of them by `make soak`."""
OUTSIDE = """joblib_lazy np_load_lazy pd_read_parquet_lazy linecache environ_alias exists
    exists_alias glob glob_alias listdir path path_exists path_iter resources resources2 codecs_open
    io_open open_alias builtins_open partial_open open_default open_in_dict open_computed json_load
    fileinput loadtxt fromfile read_csv read_json_attr pq pqfile pads joblib_alias env_os env_getenv
    env_expand generator itercycle count""".split()
"""Pairs whose LFs read the world outside, so that their votes must not be kept."""


def lay_out(root: Path, n: int) -> None:
    """Modules and files that the sources use, different for each n."""
    for folder in ("helpers", "respkg", "RES", "labeling"):
        (root / folder).mkdir(exist_ok=True)
    for package in ("helpers", "respkg"):
        (root / package / "__init__.py").write_text("")
    (root / "helpers/a.py").write_text(
        "from helpers.b import over\ndef check(t):\n    return over(t)\n"
    )
    (root / "helpers/b.py").write_text(
        "import helpers.c as c\ndef over(t):\n    return len(t) > c.LIMIT\n"
    )
    for module in ("helpers/c", "conf", "token"):
        (root / f"{module}.py").write_text(f"LIMIT = {n}\n")
    (root / "confget.py").write_text(
        f"def __getattr__(name):\n    if name == 'LIMIT': return {n}\n"
        "    raise AttributeError(name)\n"
    )
    words = ["good" if n == 1 else "bad"]
    (root / "dund.py").write_text(
        f'"""{words[0]}"""\n__version__ = "{n}"\n__all__ = ["{words[0]}"]\ngood = bad = 1\n'
    )
    pd.DataFrame({"w": words}).to_parquet(root / "RES/w.parquet")
    np.save(root / "RES/w.npy", np.array([n]))
    (root / "RES/w.json").write_text(json_module.dumps(words))
    (root / "RES/w.joblib").write_bytes(bytes([n]))
    (root / "RES/l.txt").write_text(words[0])
    for number in range(n):
        (root / f"RES/g{number}").write_text("")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "token", raising=False)
    monkeypatch.setattr(HTMLParser, "close", HTMLParser.close)
    errors, kind, digits = np.geterr(), torch.get_default_dtype(), decimal.DefaultContext.prec
    with decimal.localcontext():
        yield tmp_path
    decimal.DefaultContext.prec = digits
    torch.set_default_dtype(kind)
    np.seterr(**errors)
    for name in ("token", "conf", "confget", "dund"):
        sys.modules.pop(name, None)


def variant(
    place: Path, source: str, value: str, n: int, monkeypatch: pytest.MonkeyPatch
) -> Reached:
    lay_out(place, n)
    monkeypatch.setenv("LIMIT_X", str(n))
    sys.modules.pop("token", None)
    lfs = place / "labeling" / "lfs.py"
    lfs.write_text("from weakft import labeling_function\n" + source.replace("%s", value))
    lf = next(lf for lf in trace_lfs([lfs], place, ["a", "b"]).lfs if lf.name == "lf")
    return reached(lf, place)


@pytest.mark.parametrize("name", PAIRS if os.environ.get("WEAKFT_SOAK") else OF_EACH_KIND)
@pytest.mark.filterwarnings("ignore")
def test_sources_that_vote_differently_are_kept_apart(
    place: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    values, source = PAIRS[name].split("\n", 1)
    first, second = values.split(" | ")
    one = variant(place, source, first, 1, monkeypatch)
    other = variant(place, source, second, 9, monkeypatch)
    assert other.reasons or one.digest != other.digest
    if name in OUTSIDE:
        assert other.reasons
    assert other == variant(place, source, second, 9, monkeypatch)


def test_a_function_of_a_package_that_somebody_replaced_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @labeling_function()
    def lf(x: Any) -> int:  # noqa: ANN401
        return 1 if textwrap.dedent(x.text) else -1

    digests = {reached(lf).digest}
    for limit in (1, 9):
        monkeypatch.setattr(textwrap, "dedent", eval(f"lambda text: 'x' * {limit}"))
        digests.add(reached(lf).digest)
    assert len(digests) == 3


def test_tensors_and_modules_count_by_their_numbers() -> None:
    import torch

    def digest(number: float) -> bytes:
        layer = torch.nn.Linear(1, 1)
        with torch.no_grad():
            layer.weight.fill_(number)
            layer.bias.fill_(0)
        return reached(labeling_function(resources={"layer": layer})(lambda x, layer: 1)).digest

    assert digest(1) == digest(1) != digest(2)


def test_pure_true_vouches_for_what_is_called_and_not_for_what_is_held() -> None:
    def opens(x: Any) -> int:  # noqa: ANN401
        return len(open(x.text).read())

    assert reached(labeling_function(opens)).reasons == ("calls open",)
    assert reached(labeling_function(pure=True)(opens)).reasons == ()
    stream = iter([1])
    assert reached(labeling_function(pure=True)(lambda x: next(stream))).reasons


PROGRAM = """
import sys
from collections import Counter
from pathlib import Path
from weakft.lf.fingerprint import reached
from weakft.lf.tracing import trace_lfs
for lf in trace_lfs([Path(sys.argv[1])], Path(sys.argv[1]).parent, ["a", "b"]).lfs:
    found = reached(lf)
    print(lf.name, found.digest.hex(), found.reasons)
"""
MANY = """
from collections import Counter
from dataclasses import dataclass
from enum import Enum
import numpy as np, re
from sklearn.feature_extraction.text import CountVectorizer
from weakft import keyword_lf, labeling_function, lookup_lf
words = {"a", "b", "c", "d"}
counts = Counter("aabbc")
model = CountVectorizer().fit(["good bad", "fine bad"])
class Kind(Enum):
    A = frozenset({"x", "y", "z"})
@dataclass
class Rule:
    words: frozenset
rule = Rule(frozenset({"p", "q", "r"}))
@labeling_function()
def by_all(x):
    found = model.transform([x.text]).sum() + counts[x.text] + len(words) + len(rule.words)
    return 1 if found and x.text in {"u", "v", "w"} and Kind.A and np.mean([1]) else -1
listed = lookup_lf("listed", ["good", "bad"], 1)
praises = keyword_lf("praises", ["great"], 1)
"""


def test_every_process_sees_the_same(tmp_path: Path) -> None:
    (tmp_path / "lfs.py").write_text(MANY)
    outputs = set()
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "lfs.py")],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert done.returncode == 0, done.stderr
        outputs.add(done.stdout)
    (output,) = outputs
    assert [line.split()[0] for line in output.splitlines()] == ["by_all", "listed", "praises"]
    assert all(line.endswith("()") for line in output.splitlines())


EACH_TYPE = """
import abc, array, collections, contextlib, dataclasses, datetime, decimal, enum, fractions
import functools, json, logging, math, operator, re, sys, types, typing
import numpy as np
import pandas as pd
from weakft import labeling_function
from weakft.lf.fingerprint import reached

class Kind(enum.Enum):
    A = re.compile("a")
class Level(enum.IntFlag):
    LOW = 1
    HIGH = 2
@dataclasses.dataclass
class Rule:
    words: list = dataclasses.field(default_factory=list)
@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    words: frozenset = frozenset("ab")
class Pair(typing.NamedTuple):
    low: int = 1
class Typed(typing.TypedDict):
    low: int
class Base(abc.ABC):
    @functools.cached_property
    def words(self): return {"a"}
class Shape(typing.Protocol):
    def area(self): ...
class Generic(typing.Generic[typing.TypeVar("T")]):
    __slots__ = ("low",)
@functools.singledispatch
def dispatched(text): return 1
@contextlib.contextmanager
def managed(): yield 1
@functools.wraps(json.loads)
def wrapped(text): return 1

VALUES = [
    Kind.A, Kind, Level.LOW | Level.HIGH, re.IGNORECASE, Rule(), Rule, Frozen(), Pair(), Pair,
    collections.namedtuple("Point", "x y")(1, 2), Typed, Base(), Shape, Generic(), dispatched,
    managed, wrapped, functools.lru_cache(len), functools.partial(int, base=2),
    re.compile("a"), re.compile(b"a", re.I), np.exp, np.add, np.mean, np.maximum.reduce,
    np.int64(1), np.dtype("f8"), np.arange(3), np.array([None, "a"]), np.vectorize(len), np.float32,
    collections.Counter("ab"), collections.OrderedDict(a=1), collections.defaultdict(list, a=[1]),
    collections.deque([1]), collections.ChainMap({}), array.array("i", [1]), bytearray(b"a"),
    types.MappingProxyType({1: 1}), types.SimpleNamespace(a=1), range(3), slice(1), ...,
    decimal.Decimal(1), fractions.Fraction(1, 2), datetime.datetime(2020, 1, 1), ValueError("a"),
    operator.itemgetter(1), operator.attrgetter("a.b"), "a".join, str.lower, math.sqrt, json.loads,
    json.JSONEncoder(), list[int], int | str, typing.Optional[int], dataclasses.fields(Rule)[0],
    pd.DataFrame({"a": [1]}), pd.Series(["a"]), pd.Timestamp("2020"), pd.NA, pd.isna, np, re, json,
    logging.getLogger("a"), logging.getLogger(), print, dict, collections.Counter, enum.Enum,
]

def lf(value):
    named = lambda x, held: value(x.text) if isinstance(value, type) else held
    return labeling_function(resources={"held": value})(named)

before = [reached(lf(value)) for value in VALUES]
assert "torch" not in sys.modules
import torch
differ = [repr(v) for v, b in zip(VALUES, before, strict=True) if reached(lf(v)) != b]
assert not differ, differ
"""


def test_what_else_a_process_has_loaded_changes_nothing(tmp_path: Path) -> None:
    source = tmp_path / "program.py"  # installed packages lie elsewhere: all of it is the user's
    source.write_text(EACH_TYPE)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-W", "ignore", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


def test_many_keywords_differ_by_one() -> None:
    words = [f"word{number}.example" for number in range(100_000)]
    digests = {
        reached(lookup_lf("listed", words[:count], 1, whole_cell=True)).digest
        for count in (99_999, 100_000)
    }
    assert len(digests) == 2


def test_what_a_string_names_counts_with_its_content(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    lf = labeling_function(resources={"file": str(file)})(lambda x, file: 1)
    found = []
    for content in ("one", "other"):
        file.write_text(content)
        found.append(reached(lf))
    assert found[0].digest != found[1].digest
    assert found[0].files == {file.resolve()}


def test_what_is_opened_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("words")
    with watched() as seen:
        file.read_text()
        list(tmp_path.iterdir())
        (tmp_path / "written").write_text("")
    assert (seen.files, seen.folders) == ({str(file)}, {str(tmp_path)})


def test_every_module_that_makes_votes_counts() -> None:
    for module in (*VOTING, *WITHOUT_EFFECT):
        assert source_of_module(module).is_file(), module
    for module in VOTING:
        for node in ast.walk(ast.parse(source_of_module(module).read_bytes())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("weakft"):
                named = {f"{node.module}.{alias.name}" for alias in node.names}
                inner = {name for name in named if source_of_module(name).is_file()}
                assert (inner or {node.module}) <= {*VOTING, *WITHOUT_EFFECT}, (module, named)
