"""One scan of a text column for all patterns: RE2 finds candidates, `re` decides.

RE2 looks for the literals that the patterns cannot do without, all in one pass over a text, and
then for the patterns whose literals are there. It sees supersets of the patterns only, so that
it can report too much but never too little (`weakft.apply.superset`). A self-test compares it
with `re` on this machine; where they differ, `re` reads everything.
"""

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import chain
from operator import length_hint
from typing import Any, Protocol

import re2
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.apply.patience import TimeLimitExceeded, patience
from weakft.apply.superset import NoSuperset, superset
from weakft.lf import PatternLF

FILTER_CHARACTERS = 50_000  # of patterns; RE2 takes seconds to find out that it cannot hold more

Find = Callable[[bytes], Iterable[int]]


class Engine(Protocol):
    """Finds the texts in which patterns may occur."""

    def candidates(self, texts: Sequence[str]) -> Iterator[tuple[int, Sequence[int]]]:
        """(position of a pattern, positions of texts), for patterns that the engine knows."""
        ...

    @property
    def known(self) -> frozenset[int]:
        """Positions of the patterns that the engine looks for."""
        ...


def scan(
    patterns: Sequence[re.Pattern[str]], texts: Sequence[str], time_limit: float | None = None
) -> Iterator[tuple[int, Sequence[int]]]:
    """Where each pattern is found, exactly as `pattern.search` finds it.

    Args:
        patterns: compiled by Python's `re`.
        texts: n strings, best distinct ones.
        time_limit: seconds that `re` may take on one text.

    Yields:
        (position of a pattern, positions of the texts it is found in), each pattern once;
        a pattern that takes too long, or too much memory, on a text not at all.

    Example:
        >>> found = scan([re.compile("a+"), re.compile("^b")], ["ba", "ab", "c"])
        >>> sorted((pattern, sorted(texts)) for pattern, texts in found)
        [(0, [0, 1]), (1, [0])]
    """
    engine = _engine(tuple(patterns)) if is_sound() else None
    known = engine.known if engine else frozenset()
    found = engine.candidates(texts) if engine else iter(())
    left = ((p, range(len(texts))) for p in range(len(patterns)) if p not in known)
    for position, candidates in chain(found, left):
        try:
            yield position, _confirmed(patterns[position], texts, candidates, time_limit)
        except (TimeLimitExceeded, MemoryError):
            continue


def _confirmed(
    pattern: re.Pattern[str], texts: Sequence[str], rows: Sequence[int], time_limit: float | None
) -> list[int]:
    search, remaining = pattern.search, iter(rows)
    with patience(time_limit, lambda: length_hint(remaining)):
        return [row for row in remaining if search(texts[row])]


class Re2Engine:
    """RE2 (Cox, 2010): the literals of all patterns in one pass, then the patterns."""

    def __init__(self, patterns: Sequence[re.Pattern[str]]) -> None:
        self._finders: list[tuple[list[int], Find]] = []
        group: dict[int, str] = {}
        size = 0
        for position, expression in _supersets(patterns).items():
            length = len(patterns[position].pattern)
            if length > FILTER_CHARACTERS:
                self._add_alone(position, expression)
                continue
            if size + length > FILTER_CHARACTERS:
                self._add_together(group)
                group, size = {}, 0
            group[position] = expression
            size += length
        self._add_together(group)

    @property
    def known(self) -> frozenset[int]:
        """Positions of the patterns that RE2 took."""
        return frozenset(position for positions, _ in self._finders for position in positions)

    def candidates(self, texts: Sequence[str]) -> Iterator[tuple[int, Sequence[int]]]:
        """See `Engine`."""
        encoded, odd = _encoded(texts)
        for positions, find in self._finders:
            found: list[list[int]] = [[] for _ in positions]
            for row, text in encoded:
                for index in find(text):
                    found[index].append(row)
            yield from ((p, rows + odd) for p, rows in zip(positions, found, strict=True))

    def _add_together(self, expressions: dict[int, str]) -> None:
        positions, together = [], re2.Filter()
        for position, expression in expressions.items():
            try:
                together.Add(expression, _options())
            except re2.error:  # too large: `re` reads all texts
                continue
            positions.append(position)
        if not positions:
            return
        try:
            together.Compile()
        except re2.error:  # too many literals
            for position in positions:
                self._add_alone(position, expressions[position])
            return
        self._finders.append((positions, lambda text: together.Match(text) or ()))

    def _add_alone(self, position: int, expression: str) -> None:
        try:
            search = re2.compile(expression, _options()).search
        except re2.error:
            return
        self._finders.append(([position], lambda text: (0,) if search(text) else ()))


@lru_cache(maxsize=4)
def _engine(patterns: tuple[re.Pattern[str], ...]) -> Engine:
    return Re2Engine(patterns)


@cache
def is_sound() -> bool:
    """Whether the engine misses no match of the self-test on this machine."""
    return all(not misses(Re2Engine, patterns, texts) for patterns, texts in _self_tests())


def warn_if_unsound(lfs: Iterable[SnorkelLF]) -> None:
    """Warn once where LFs look for patterns and the engine failed its self-test."""
    if any(isinstance(lf, PatternLF) for lf in lfs) and not is_sound():
        warnings.warn(
            "RE2 (google-re2) misses matches that Python's `re` finds on this machine. Patterns "
            "are searched by `re` alone: votes are right, and slow. Please report it, with the "
            "versions that `weakft doctor` shows and the model of the CPU.",
            RuntimeWarning,
            stacklevel=3,
        )


def misses(
    engine: Callable[[Sequence[re.Pattern[str]]], Engine],
    patterns: Sequence[re.Pattern[str]],
    texts: Sequence[str],
) -> list[tuple[int, int]]:
    """(pattern, text) positions where `re` finds a pattern and the engine has no candidate."""
    found = {p: set(rows) for p, rows in engine(patterns).candidates(texts)}
    return [
        (p, row)
        for p, rows in found.items()
        for row, text in enumerate(texts)
        if row not in rows and patterns[p].search(text)
    ]


def _self_tests() -> Iterator[tuple[list[re.Pattern[str]], list[str]]]:
    """Sets of patterns, with texts of many lengths that hold words at their starts and ends."""
    fillers = ("x", "ab ", "é", "日本", " ")
    words = ("no", "refund", "Straße", "now", "$5", "\n")
    lengths = (*range(0, 72, 3), 127, 128, 255, 300)
    texts = [
        text
        for n, length in enumerate(lengths)
        for filler in [(fillers[n % len(fillers)] * length)[:length]]
        for word in words[n % 2 :: 2]
        for text in (f"{filler} {word}", f"{word} {filler}", filler + word)
    ]
    one_word = re.compile(r"(?<!\w)no(?!\w)", re.IGNORECASE)
    others = [re.compile(e) for e in (r"refund.*now", "^no", "now$", r"[$£]\d", "x{3}", r"\bno")]
    folded = [re.compile(e, re.IGNORECASE) for e in ("straSSe|straße", "now", "é+ refund")]
    yield [one_word, *others, *folded], texts
    yield [one_word, others[0]], texts


def _supersets(patterns: Sequence[re.Pattern[str]]) -> dict[int, str]:
    written = {}
    for position, pattern in enumerate(patterns):
        try:
            written[position] = superset(pattern)
        except NoSuperset:
            continue
    return written


def _encoded(texts: Sequence[str]) -> tuple[list[tuple[int, bytes]], list[int]]:
    """Texts in UTF-8, with their positions; and positions of those that have none.

    Lone surrogates have no UTF-8: such texts are candidates of every pattern.
    """
    encoded, odd = [], []
    for row, text in enumerate(texts):
        try:
            encoded.append((row, text.encode()))
        except UnicodeEncodeError:
            odd.append(row)
    return encoded, odd


def _options() -> Any:  # noqa: ANN401
    options = re2.Options()
    options.log_errors = False
    return options
