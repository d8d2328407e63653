"""The engine and `re` agree on every pattern and every text."""

import os
import random
import re
import sys
import unicodedata
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.scanning import differences, pattern_set, text_batch
from weakft import apply_lfs, keyword_lf, labeling_function, regex_lf
from weakft.apply import VoteCache
from weakft.apply import scan as scan_module
from weakft.apply.scan import Re2Engine, is_sound, scan
from weakft.apply.superset import _variants

# Letters with odd cases, spaces only Python knows, digits that are not ASCII, a lone surrogate.
ALPHABET = "abkisSKI_0 -.\n\r\t\x1c\u2028éÉßſKİı٣—日\ud800"
texts = st.text(ALPHABET, max_size=12)

literals = st.text("abkisSKI_0 -éſK—日", min_size=1, max_size=3).map(re.escape)
classes = st.sampled_from(
    r"\w \W \d \D \s \S . [a-k] [^a-k] [^\W_] [\s_] [é-ſ] [^é-ſ] [^s] [A-Z] [^\S\n] [kK]".split()
)
anchors = st.sampled_from(
    [r"\b", r"\B", "^", "$", r"\A", r"\Z", r"(?<!\w)", r"(?!\w)", "(?=a)", "(?!k)", r"(?<=\s)"]
)
repeats = st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "*?", "+?", "*+", "?+"])


def grow(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Sequences, alternatives, repeats, groups, back references and scoped flags."""
    several = st.lists(inside, min_size=1, max_size=3)
    return st.one_of(
        several.map("".join),
        several.map(lambda parts: f"(?:{'|'.join(parts)})"),
        st.tuples(inside, repeats).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
        inside.map(lambda part: f"(?i:{part})"),
        inside.map(lambda part: f"(?s:{part})"),
        inside.map(lambda part: f"(?>{part})"),
        inside.map(lambda part: f"(?P<g>{part})(?P=g)"),
        inside.map(lambda part: f"(?!{part})"),
    )


expressions = st.recursive(literals | classes | anchors, grow, max_leaves=8)
flags = st.sampled_from([0, re.I, re.M, re.S, re.A, re.I | re.M, re.I | re.A, re.S | re.I])


def compiled(expression: str, flag: int) -> re.Pattern[str] | None:
    try:
        return re.compile(expression, flag)
    except re.error:
        return None


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(expressions, flags), min_size=1, max_size=4), st.lists(texts, max_size=8))
def test_engine_and_re_agree(drawn: list[tuple[str, int]], rows: list[str]) -> None:
    patterns = [p for e, f in drawn if (p := compiled(e, f)) is not None]
    candidates = {position: set(found) for position, found in Re2Engine(patterns).candidates(rows)}
    for position, pattern in enumerate(patterns):
        found = {row for row, text in enumerate(rows) if pattern.search(text)}
        assert found <= candidates.get(position, found), pattern
    exact = dict(scan(patterns, rows))
    assert [sorted(exact[p]) for p in range(len(patterns))] == [
        [row for row, text in enumerate(rows) if pattern.search(text)] for pattern in patterns
    ]


def test_ordinary_patterns_are_not_left_to_re() -> None:
    patterns = [
        r"\bfree\b",
        r"( |^)(call|text)[^\w]* ([^\s]+ )*(now)( |$)",
        r"(?i)won't",
        "[$£]\\d+",
    ]
    assert Re2Engine([re.compile(p) for p in patterns]).known == {0, 1, 2, 3}


def test_word_boundaries_keep_candidates_few() -> None:
    keyword = re.compile(r"(?<!\w)(?:hi|hat)(?!\w)", re.IGNORECASE)
    ((_, found),) = Re2Engine([keyword]).candidates(["this hatter", "Hi!", "that", "a hat"])
    assert list(found) == [1, 3]


def test_variants_are_all_that_python_folds() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    for character in "aksiz_0é":
        found = set(re.findall(re.escape(character), everything, re.IGNORECASE))
        assert found == _variants(character), unicodedata.name(character)


PAIRS = 20_000 if os.environ.get("WEAKFT_SOAK") else 150


def test_random_sets_find_what_re_finds() -> None:
    rng = random.Random(7)
    for _ in range(PAIRS):
        assert not list(differences(pattern_set(rng), text_batch(rng)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 300), st.sampled_from(["x", "ab ", "é", "日", " ", "\n"]))
def test_words_are_found_at_starts_and_ends_beside_other_patterns(length: int, unit: str) -> None:
    filler = (unit * length)[:length]
    expressions = [r"(?<!\w)no(?!\w)", r"refund.*now", r"\bnow\b", "no", "^no", "no$", "free"]
    patterns = [re.compile(e, flag) for e in expressions for flag in (0, re.IGNORECASE)]
    ends = ("no", "NO", "now", "refund now", "", "ſo")
    texts = [t for end in ends for t in (filler + end, f"{filler} {end}", end + filler)]
    for beside in range(1, len(patterns) + 1):
        assert not list(differences(patterns[:beside], texts))


def test_an_lf_votes_the_same_alone_beside_others_and_cached(tmp_path: Path) -> None:
    no, now = keyword_lf("no", ["no"], 0), regex_lf("now", r"refund.*now", 1)
    ids = [f"r{n}" for n in range(80)]
    texts = ["x" * n + " no" for n in range(79)] + ["this is a plain sentence that says no"]
    frame = pd.DataFrame({"id": ids, "text": texts})
    cache = VoteCache(tmp_path / "votes.sqlite")
    alone = apply_lfs([no], frame, cache=cache).values[:, 0].tolist()
    assert alone == [0] * 80
    for kept in (cache, None):
        assert apply_lfs([no, now], frame, cache=kept).values[:, 0].tolist() == alone


def test_patterns_too_large_for_one_filter_are_found_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scan_module, "FILTER_CHARACTERS", 1000)
    rng = random.Random(1)
    words = ["".join(rng.choices("etaoinshr", k=9)) for _ in range(150)]
    lists = ("|".join(words), "|".join(words[:70]), "free", "free|no", "|".join(words[70:140]))
    patterns = [re.compile(expression) for expression in lists]
    texts = [f"some {words[n]} here" for n in (0, 69, 70, 149)] + ["free", "x"]
    engine = Re2Engine(patterns)
    assert sorted(positions for positions, _ in engine._finders) == [[0], [1, 2, 3], [4]]
    scan_module._engine.cache_clear()
    assert not list(differences(patterns, texts))


def test_a_filter_that_does_not_compile_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(scan_module.re2.Filter):  # type: ignore[misc, name-defined]
        def Compile(self) -> None:  # noqa: N802
            raise scan_module.re2.error

    monkeypatch.setattr(scan_module.re2, "Filter", Full)
    found = dict(Re2Engine([re.compile("no"), re.compile("now")]).candidates(["no", "now", "x"]))
    assert found == {0: [0, 1], 1: [1]}


class Forgetful(Re2Engine):
    """Misses what stands at the end of a text of 32 characters and more."""

    def candidates(self, texts: Sequence[str]) -> Iterator[tuple[int, Sequence[int]]]:
        yield from super().candidates([t[:-2] if len(t) > 32 else t for t in texts])


@pytest.fixture
def broken_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(scan_module, "Re2Engine", Forgetful)
    for cached in (is_sound, scan_module._engine):
        cached.cache_clear()
    yield
    for cached in (is_sound, scan_module._engine):
        cached.cache_clear()


@pytest.mark.usefixtures("broken_engine")
def test_an_engine_that_misses_matches_is_not_used_and_that_is_said_once() -> None:
    assert not is_sound()
    frame = pd.DataFrame({"id": ["a"], "text": ["x" * 40 + " no"]})
    with pytest.warns(RuntimeWarning, match="misses matches") as warned:
        L = apply_lfs([keyword_lf("no", ["no"], 0), regex_lf("now", "now", 1)], frame)
    assert len(warned) == 1
    assert L.values.tolist() == [[0, -1]]


@pytest.mark.usefixtures("broken_engine")
def test_without_patterns_nothing_is_said_of_the_engine() -> None:
    @labeling_function()
    def votes(x: object) -> int:
        return 0

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert apply_lfs([votes], pd.DataFrame({"text": ["x"]})).values.tolist() == [[0]]


def test_the_engine_is_sound_here() -> None:
    assert is_sound()
