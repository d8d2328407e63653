"""The engines and `re` agree on every pattern and every text."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weakft.apply import scan as scan_module
from weakft.apply.scan import HyperscanEngine, Re2Engine, scan
from weakft.apply.superset import _variants

ENGINES = [
    pytest.param(
        HyperscanEngine,
        marks=pytest.mark.skipif(scan_module.hyperscan is None, reason="no hyperscan here"),
        id="hyperscan",
    ),
    pytest.param(Re2Engine, id="re2"),
]

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


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(expressions, flags), min_size=1, max_size=4), st.lists(texts, max_size=8))
def test_engine_and_judge_agree(
    engine: type, drawn: list[tuple[str, int]], rows: list[str]
) -> None:
    patterns = [p for e, f in drawn if (p := compiled(e, f)) is not None]
    candidates = {position: set(found) for position, found in engine(patterns).candidates(rows)}
    for position, pattern in enumerate(patterns):
        found = {row for row, text in enumerate(rows) if pattern.search(text)}
        assert found <= candidates.get(position, found), pattern
    exact = dict(scan(patterns, rows))
    assert [sorted(exact[p]) for p in range(len(patterns))] == [
        [row for row, text in enumerate(rows) if pattern.search(text)] for pattern in patterns
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_ordinary_patterns_are_not_left_to_re(engine: type) -> None:
    patterns = [
        r"\bfree\b",
        r"( |^)(call|text)[^\w]* ([^\s]+ )*(now)( |$)",
        r"(?i)won't",
        "[$£]\\d+",
    ]
    assert engine([re.compile(p) for p in patterns]).known == {0, 1, 2, 3}


@pytest.mark.parametrize("engine", ENGINES)
def test_word_boundaries_keep_candidates_few(engine: type) -> None:
    keyword = re.compile(r"(?<!\w)(?:hi|hat)(?!\w)", re.IGNORECASE)
    ((_, found),) = engine([keyword]).candidates(["this hatter", "Hi!", "that", "a hat"])
    assert list(found) == [1, 3]


def test_variants_are_all_that_python_folds() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    for character in "aksiz_0é":
        found = set(re.findall(re.escape(character), everything, re.IGNORECASE))
        assert found == _variants(character), unicodedata.name(character)
