"""Where LFs are found in a file, and what is said of those that are not."""

import re
import sys
from pathlib import Path

import pandas as pd
import pytest

from weakft.apply import apply_lfs
from weakft.errors import LFError, LFImportError
from weakft.lf import load_lfs

HEAD = """
from collections import OrderedDict, deque, namedtuple
from enum import Enum
from types import SimpleNamespace
from snorkel.labeling import LabelingFunction as SnorkelLF
from weakft import keyword_lf, labeling_function

def kw(name):
    return keyword_lf(name, [name], 1)

so = kw("so")
"""


def loaded(folder: Path, source: str) -> tuple[list[str], list[str]]:
    """Names of the LFs of a file that begins with `HEAD`, and the warnings."""
    file = folder / "rules.py"
    file.write_text(HEAD + source)
    warnings: list[str] = []
    return [lf.name for lf in load_lfs([file], folder, warn=warnings.append)], warnings


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("LFS = OrderedDict((w, kw(w)) for w in 'ba')", ["b", "a"]),
        ("LFS = {kw('a'): 0.7, 'b': {'c': [kw('b')]}}", ["a", "b"]),
        ("LFS = [[kw('a')], (kw('b'), [[kw('c')]])]", ["a", "b", "c"]),
        ("LFS = {kw(w) for w in 'hgfedcba'}", list("abcdefgh")),
        ("LFS = {('x', kw('b')), frozenset({kw('a')})}", ["a", "b"]),
        ("LFS = deque([kw('a')])", ["a"]),
        ("LFS = namedtuple('T', 'x y')(kw('a'), 1)", ["a"]),
        (
            "class Rules:\n    inside = kw('a')\n    class Deeper:\n        b = [kw('b')]",
            ["a", "b"],
        ),
        (
            "class Rules:\n    @staticmethod\n    @labeling_function()\n    def a(x):\n"
            "        return 1",
            ["a"],
        ),
        ("class Rules:\n    a = kw('a')\nclass More(Rules):\n    b = kw('b')", ["a", "b"]),
        ("class Rules(Enum):\n    A = kw('a')", ["a"]),
        ("rules = SimpleNamespace(a=kw('a'))", ["a"]),
        ("class Rules:\n    def __init__(self):\n        self.a = kw('a')\nrules = Rules()", ["a"]),
        ("loop = [kw('a')]\nloop.append(loop)\nmore = {'loop': loop}", ["a"]),
        ("LFS = [so, so]\nagain = so", []),
        ("LFS = {'snorkel': SnorkelLF('a', lambda x: 1)}", ["a"]),
        ("WORDS = {'a': ['b', 1, None]}\nTABLE = {1: 2.0}", []),
    ],
)
def test_lfs_are_found_in_containers_and_classes(
    tmp_path: Path, source: str, names: list[str]
) -> None:
    assert loaded(tmp_path, source) == (["so", *names], [])


def test_very_deep_lists_are_looked_into(tmp_path: Path) -> None:
    source = "deep = [kw('a')]\nfor _ in range(5000):\n    deep = [deep]"
    assert loaded(tmp_path, source) == (["so", "a"], [])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def make():\n    return [kw('a'), kw('b')]\nmake()", "2 labeling functions are .*: a, b"),
        ("for w in 'abc':\n    last = kw(w)", "2 labeling functions are .*: a, b"),
        ("kw('a')", "1 labeling function is .*: a"),
        ("hidden = lambda lf=kw('a'): lf", "1 labeling function is .*: a"),
        ("LFS = (kw(w) for w in 'ab')", "`LFS` is a generator.*list"),
        ("LFS = map(kw, 'ab')", "`LFS` is a map.*list"),
    ],
)
def test_lfs_that_are_not_found_are_warned_about(tmp_path: Path, source: str, message: str) -> None:
    names, (warning,) = loaded(tmp_path, source)
    assert "a" not in names
    assert re.search(message, warning)
    assert str(tmp_path / "rules.py") in warning


def test_lfs_of_an_imported_module_are_named_unless_they_load_anyway(tmp_path: Path) -> None:
    shared = tmp_path / "shared_by_name.py"
    shared.write_text(HEAD.replace("so", "shared"))
    names, (warning,) = loaded(tmp_path, "import shared_by_name")
    assert names == ["so"]
    assert "shared" in warning and "shared_by_name.py" in warning
    warnings: list[str] = []
    load_lfs([tmp_path / "rules.py", shared], tmp_path, warn=warnings.append)
    assert warnings == []


@pytest.mark.parametrize("workers", [1, 2])
def test_an_import_inside_an_lf_finds_what_one_at_the_top_finds(
    tmp_path: Path, workers: int
) -> None:
    (tmp_path / "labeling").mkdir()
    (tmp_path / "near_the_project.py").write_text("WORD = 'good'\n")
    (tmp_path / "labeling" / "near_the_lfs.py").write_text("from near_the_project import WORD\n")
    file = tmp_path / "labeling" / "rules.py"
    file.write_text(
        "from weakft import labeling_function\n"
        "@labeling_function()\n"
        "def lazy(x):\n"
        "    from near_the_lfs import WORD\n"
        "    return 1 if WORD in x.text else -1\n"
    )
    before = list(sys.path)
    frame = pd.DataFrame({"id": ["1", "2", "3"], "text": ["good", "bad", "so good"]})
    L = apply_lfs(load_lfs([file], tmp_path), frame, workers=workers)
    assert (L.values[:, 0].tolist(), L.faults) == ([1, -1, 1], ())
    assert sys.path == before


def test_modules_of_python_are_not_looked_into(tmp_path: Path) -> None:
    assert loaded(tmp_path, "import os, snorkel, weakft") == (["so"], [])


def test_a_name_given_twice_within_a_container_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LFError, match="'so' is taken twice"):
        loaded(tmp_path, "LFS = {'x': kw('so')}")


def test_a_file_whose_lfs_are_out_of_reach_is_refused_with_their_names(tmp_path: Path) -> None:
    file = tmp_path / "rules.py"
    file.write_text("from weakft import keyword_lf\nkeyword_lf('lost', ['x'], 1)\n")
    with pytest.raises(LFImportError, match=r"found none.*lost"):
        load_lfs([file], tmp_path)
