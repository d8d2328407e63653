"""Kept votes are never wrong, and an edit costs what was edited."""

import importlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from weakft import LabelingFunction, apply_lfs, keyword_lf, labeling_function
from weakft.apply import VoteCache, applier
from weakft.apply.cache import KeptVotes
from weakft.apply.table import Table
from weakft.labels import LabelMatrix
from weakft.lf import load_lfs
from weakft.lf.fingerprint import NotCacheable, Reached, fingerprint
from weakft.narration import Silence

HELPER = """
import re
LIMIT = {a}
TABLE = {{"x": {b}, "y": [1, {{2: {c}}}]}}
PATTERN = re.compile("a{d}?", re.I if {e} else 0)

def deeper(text):
    return text.count("a") > {f}

def far(text):
    return deeper(text) or len(text) == {g}

def unused(text):
    return {h}
"""
MODULE = """
import functools
import re
from enum import IntEnum
import {helper} as helper
from {helper} import far
from weakft import labeling_function, keyword_lf, lookup_lf, threshold_lf
from pathlib import Path

class Label(IntEnum):
    A = {i}
    B = {j}

class Judge:
    bound = {k}
    def __call__(self, text):
        return len(text) > self.bound

judge = Judge()
words = lookup_lf("words", {resource!r}, 1)
many = threshold_lf("many", "n", 0, at_least={l})

def counted(n):
    def vote(x, extra={m}):
        return 1 if len(x.text) > n + extra else None
    return vote

@labeling_function()
def by_limit(x):
    return Label.A if len(x.text) > helper.LIMIT else Label.B

@labeling_function()
def by_table(x):
    return 1 if helper.TABLE["y"][1][2] == x.n else helper.TABLE["x"] % 2

@labeling_function()
def by_pattern(x):
    return 1 if helper.PATTERN.fullmatch(x.text) else -1

@labeling_function(resources={{"step": {n}}})
def by_helper(x, step):
    return 0 if far(x.text) else (x.n + step) % 3

@labeling_function()
def by_judge(x):
    return 1 if judge(x.text) else -1

@functools.lru_cache
def remembered(n):
    return n * {o} % 3

@labeling_function()
def by_wrapped(x):
    try:
        return remembered(x.n) if x.n != {p} else [][0]
    except IndexError:
        return {q}

found = re.compile("a{s}?").fullmatch
among = {{"a", "w{t}"}}.__contains__

@labeling_function()
def by_found(x):
    return 1 if found(x.text) else None

@labeling_function()
def by_among(x):
    return 1 if among(x.text[-2:]) else None

closed = labeling_function("closed")(counted({r}))
"""
EDITS = int(os.environ.get("WEAKFT_RANDOM_EDITS", "150"))
SITES = "abcdefghijklmnopqrst"
FRAME = pd.DataFrame(
    {
        "id": list("stuvwxyz"),
        "text": ["a", "A", "aa", "b", "", "aab", "w0 w1", "w2"],
        "n": [0, 1, 2, 0, 1, 2, 3, 4],
    }
)


class Edited:
    """A module, its helper and a word list, loaded as they stand now."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = dict.fromkeys(SITES, 0)
        self.word = 0
        sys.path.insert(0, str(folder))

    def load(self) -> list[Any]:
        helper = "cache_helper"
        sys.modules.pop(helper, None)
        shutil.rmtree(self.folder / "__pycache__", ignore_errors=True)
        importlib.invalidate_caches()
        (self.folder / "words.txt").write_text(f"w{self.word}\n")
        (self.folder / f"{helper}.py").write_text(HELPER.format(**self.state))
        source = MODULE.format(**self.state, helper=helper, resource=str(self.folder / "words.txt"))
        (self.folder / "lfs.py").write_text(source)
        return load_lfs([self.folder / "lfs.py"], self.folder)


@pytest.fixture
def edited(tmp_path: Path) -> Iterator[Edited]:
    before = list(sys.path)
    yield Edited(tmp_path)
    sys.path[:] = before
    sys.modules.pop("cache_helper", None)


@pytest.fixture
def cache(tmp_path: Path) -> VoteCache:
    return VoteCache(tmp_path / "cache" / "votes.sqlite")


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, str]]:
    """(first row, rows, LF) of everything that is really computed."""
    seen: list[tuple[int, int, str]] = []
    compute = Table.compute

    def spy(table: Table, tasks: Any, workers: int) -> Any:  # noqa: ANN401
        for task in tasks:
            rows = range(len(table.ids))[task.rows]
            seen.extend((rows.start, len(rows), table.lfs[j].name) for j in task.lfs)
        return compute(table, tasks, workers)

    monkeypatch.setattr(Table, "compute", spy)
    return seen


def same(one: LabelMatrix, other: LabelMatrix) -> bool:
    faults = [[(f.lf_name, f.count, f.row_id) for f in L.faults] for L in (one, other)]
    return bool((one.values == other.values).all()) and faults[0] == faults[1]


def test_no_stale_hit_in_random_edits(edited: Edited, cache: VoteCache) -> None:
    rng = random.Random(0)
    for _ in range(EDITS):
        lfs = edited.load()
        assert same(apply_lfs(lfs, FRAME, cache=cache), apply_lfs(lfs, FRAME)), edited.state
        site = rng.choice([*SITES, "word"])
        if site == "word":
            edited.word = rng.randrange(3)
        else:
            edited.state[site] = rng.randrange(3)


@pytest.mark.parametrize(
    ("site", "users"),
    [
        ("a", {"by_limit"}),
        ("b", {"by_table"}),
        ("c", {"by_table"}),
        ("d", {"by_pattern"}),
        ("e", {"by_pattern"}),
        ("f", {"by_helper"}),
        ("g", {"by_helper"}),
        ("h", set()),
        ("i", {"by_limit"}),
        ("k", {"by_judge"}),
        ("l", {"many"}),
        ("m", {"closed"}),
        ("n", {"by_helper"}),
        ("o", {"by_wrapped"}),
        ("q", {"by_wrapped"}),
        ("r", {"closed"}),
        ("s", {"by_found"}),
        ("t", {"by_among"}),
        ("word", {"words"}),
    ],
)
def test_an_edit_costs_its_users(
    edited: Edited, cache: VoteCache, computed: list[Any], site: str, users: set[str]
) -> None:
    apply_lfs(edited.load(), FRAME, cache=cache)
    computed.clear()
    if site == "word":
        edited.word = 1
    else:
        edited.state[site] = 1
    apply_lfs(edited.load(), FRAME, cache=cache)
    assert {name for _, _, name in computed} == users


def test_nothing_changed_costs_nothing(
    edited: Edited, cache: VoteCache, computed: list[Any]
) -> None:
    first = apply_lfs(edited.load(), FRAME, cache=cache)
    computed.clear()
    assert same(apply_lfs(edited.load(), FRAME, cache=cache), first)
    assert computed == []


def shop(rows: range) -> pd.DataFrame:
    texts = [f"t {row}" for row in rows]
    return pd.DataFrame({"id": [f"row {row}" for row in rows], "text": texts})


@pytest.mark.parametrize("size", [4, 64, 16_384])
def test_appended_rows_alone_are_asked(
    cache: VoteCache, computed: list[Any], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(applier, "CHUNK_ROWS", size)
    lf = keyword_lf("seven", ["7"], 0)
    apply_lfs([lf], shop(range(1000)), cache=cache)
    for night in range(3):
        computed.clear()
        known, rows = 1000 + 10 * night, shop(range(1010 + 10 * night))
        L = apply_lfs([lf], rows, cache=cache)
        asked = [start + i for start, count, _ in computed for i in range(count)]
        assert asked == list(range(known, known + 10))
        assert same(L, apply_lfs([lf], rows))


def test_rows_that_go_cost_their_chunk(
    cache: VoteCache, computed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applier, "CHUNK_ROWS", 64)
    lf = keyword_lf("seven", ["7"], 0)
    apply_lfs([lf], shop(range(2000)), cache=cache)
    asked = []
    for first in range(1, 400, 7):
        computed.clear()
        rows = shop(range(first, 2000))
        L = apply_lfs([lf], rows, cache=cache)
        asked.append(sum(count for _, count, _ in computed))
        assert same(L, apply_lfs([lf], rows))
    assert 0 < np.mean(asked) < 64
    assert max(asked) < 3 * 64


def test_faults_are_kept_too(cache: VoteCache) -> None:
    lf = LabelingFunction("fragile", lambda x: {"a": 0}[x.text])
    assert same(apply_lfs([lf], FRAME, cache=cache), apply_lfs([lf], FRAME, cache=cache))
    assert apply_lfs([lf], FRAME, cache=cache).faults[0].count == 7


def test_an_lf_that_changes_its_mind_is_found_out(
    cache: VoteCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    moods = [0]
    said: list[str] = []

    class Told(Silence):
        def say(self, message: str) -> None:
            said.append(message)

    lf = LabelingFunction("moody", lambda x: moods[-1])
    same_print = Reached(b"always the same", (), frozenset(), {})
    monkeypatch.setattr("weakft.apply.cache.reached", lambda lf, root: same_print)
    apply_lfs([lf], FRAME, cache=cache)
    moods.append(1)
    L = apply_lfs([lf], FRAME, cache=cache, narrator=Told())
    assert set(L.values.ravel()) == {1}
    assert "'moody' voted differently" in said[0]


@pytest.mark.parametrize(
    "body",
    [
        "import time\nf = lambda x: int(time.time()) % 2",
        "import random\nf = lambda x: random.randint(0, 1)",
        "from random import randint\nf = lambda x: randint(0, 1)",
        "import numpy as np\nf = lambda x: int(np.random.rand() > 0.5)",
        "import datetime\nf = lambda x: datetime.datetime.now().day % 2",
        "f = lambda x: len(open('words.txt').read())",
        "from pathlib import Path\nf = lambda x: len(Path('words.txt').read_text())",
        "import os\nf = lambda x: len(os.environ)",
        "f = lambda x: getattr(x, 'te' + 'xt') == 'a'",
        "def f(x):\n    import json\n    return 0",
        "n = 0\ndef f(x):\n    global n\n    n += 1\n    return n % 2",
    ],
)
def test_what_cannot_be_followed_is_not_kept(body: str) -> None:
    scope: dict[str, Any] = {"__name__": "__main__"}
    exec(body, scope)
    with pytest.raises(NotCacheable):
        fingerprint(LabelingFunction("f", scope["f"]))


def test_impure_lfs_are_not_kept(cache: VoteCache, computed: list[Any]) -> None:
    @labeling_function(pure=False)
    def impure(x: Any) -> int:  # noqa: ANN401
        return 0

    for _ in range(2):
        apply_lfs([impure], FRAME, cache=cache)
    assert len(computed) == 2 and cache.info()["entries"] == 0


@pytest.mark.parametrize("damage", ["garbage", "truncated", "flipped"])
def test_a_broken_file_costs_time_only(cache: VoteCache, damage: str) -> None:
    lf = keyword_lf("a", ["a"], 0)
    first = apply_lfs([lf], FRAME, cache=cache)
    data = bytearray(cache.path.read_bytes())
    if damage == "garbage":
        data = bytearray(b"no database" * 99)
    elif damage == "truncated":
        data = data[: len(data) // 2]
    else:
        data[-40:] = bytes(byte ^ 255 for byte in data[-40:])
    cache.path.write_bytes(data)
    assert same(apply_lfs([lf], FRAME, cache=cache), first)
    assert same(apply_lfs([lf], FRAME, cache=cache), first)


def test_a_place_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = VoteCache(tmp_path / "file" / "votes.sqlite")
    lf = keyword_lf("a", ["a"], 0)
    assert same(apply_lfs([lf], FRAME, cache=cache), apply_lfs([lf], FRAME))


def test_entries_used_longest_ago_make_room(tmp_path: Path) -> None:
    cache = VoteCache(tmp_path / "votes.sqlite", megabytes=1)
    rng = np.random.default_rng(0)
    names = [b"%d" % number for number in range(12)]
    for name in names:
        votes = rng.integers(-1, 127, size=200_000, dtype=np.int8)
        cache.put({name: KeptVotes(votes, ())})
        assert cache.get([names[0]])
    assert cache.info()["megabytes"] <= 1
    assert set(cache.get(names)) == {names[0], *names[-(cache.info()["entries"] - 1) :]}


WORKER = """
import sys
from pathlib import Path
import pandas as pd
from weakft import apply_lfs, keyword_lf
from weakft.apply import VoteCache

path, word, texts = sys.argv[1], sys.argv[2], sys.argv[3:]
frame = pd.DataFrame({"id": [str(row) for row in range(len(texts))], "text": texts})
for _ in range(20):
    L = apply_lfs([keyword_lf(word, [word], 0)], frame, cache=VoteCache(Path(path)))
print(L.values.ravel().tolist())
"""


def test_two_processes_share_a_cache(cache: VoteCache) -> None:
    command = [sys.executable, "-c", WORKER, str(cache.path)]
    texts = FRAME["text"].tolist()
    workers = [subprocess.Popen([*command, w, *texts], stdout=subprocess.PIPE) for w in ("a", "b")]
    found = [json.loads(worker.communicate()[0]) for worker in workers]
    expected = [apply_lfs([keyword_lf(w, [w], 0)], FRAME).values.ravel().tolist() for w in "ab"]
    assert found == expected
    assert cache.info()["entries"] == 2


@pytest.mark.parametrize(
    ("body", "reads_text_alone"),
    [
        (lambda x: 0 if "a" in x.text else None, True),
        (lambda x: {"a": 0}[x["text"]], True),
        (lambda x: 0 if x.get("n", 0) else None, False),
        (lambda x: 0 if len(x.text) > x.n else None, False),
        (lambda x: x.n if "a" in x.text else None, False),
        (lambda x: 0 if hasattr(x, "m") else None, False),
        (lambda x: len(x) % 2, False),
    ],
)
def test_columns_that_an_lf_does_not_read_do_not_count(
    cache: VoteCache,
    computed: list[Any],
    body: Any,  # noqa: ANN401
    reads_text_alone: bool,
) -> None:
    lf = LabelingFunction("f", body)
    apply_lfs([lf], FRAME, cache=cache)
    computed.clear()
    other = FRAME.assign(id=list("abcdefgh"), n=FRAME["n"] + 1, m=0)
    L = apply_lfs([lf], other, cache=cache)
    assert same(L, apply_lfs([lf], other))
    computed_anew = [name for _, _, name in computed]
    assert computed_anew == (["f"] if reads_text_alone else ["f", "f"])


def test_kept_votes_remember_their_cost(cache: VoteCache) -> None:
    lfs = [keyword_lf("a", ["a"], 0), LabelingFunction("slow", lambda x: 1)]
    first = apply_lfs(lfs, FRAME, cache=cache)
    assert apply_lfs(lfs, FRAME, cache=cache).seconds == first.seconds
