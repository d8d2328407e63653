"""One scan of a text column for all patterns: a fast engine finds candidates, `re` judges.

Hyperscan (extra `fast`, x86-64) reads each text once for all patterns; without it pyarrow's
RE2 reads the column once for each. Both see supersets of the patterns only, so that they can
report too much but never too little (`weakft.apply.superset`).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import chain
from operator import length_hint
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from weakft.apply.patience import TimeLimitExceeded, patience
from weakft.apply.superset import BYTES, RE2, NoSuperset, superset

hyperscan: Any
try:
    import hyperscan
except ImportError:  # not installed, or no x86-64
    hyperscan = None


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
    """Where each pattern is found, exactly as `pattern.search` would tell.

    Args:
        patterns: compiled by Python's `re`.
        texts: n strings, best distinct ones.
        time_limit: seconds that `re` may take on one text.

    Yields:
        (position of a pattern, positions of the texts it is found in), each pattern once;
        a pattern that takes too long on a text not at all.

    Example:
        >>> found = scan([re.compile("a+"), re.compile("^b")], ["ba", "ab", "c"])
        >>> sorted((pattern, sorted(texts)) for pattern, texts in found)
        [(0, [0, 1]), (1, [0])]
    """
    engine = _engine(tuple(patterns))
    left = ((p, range(len(texts))) for p in range(len(patterns)) if p not in engine.known)
    for position, candidates in chain(engine.candidates(texts), left):
        try:
            yield position, _judged(patterns[position], texts, candidates, time_limit)
        except TimeLimitExceeded:
            continue


def _judged(
    pattern: re.Pattern[str], texts: Sequence[str], rows: Sequence[int], time_limit: float | None
) -> list[int]:
    search, remaining = pattern.search, iter(rows)
    with patience(time_limit, lambda: length_hint(remaining)):
        return [row for row in remaining if search(texts[row])]


@cache
def _engine(patterns: tuple[re.Pattern[str], ...]) -> Engine:
    return HyperscanEngine(patterns) if hyperscan is not None else Re2Engine(patterns)


class HyperscanEngine:
    """Intel's Hyperscan (Wang et al., NSDI 2019): all patterns in one pass over each text."""

    def __init__(self, patterns: Sequence[re.Pattern[str]]) -> None:
        written = _supersets(patterns, BYTES)
        try:
            database = _database(list(written.values()))
        except hyperscan.HyperscanError:  # some of them are too large; which is not told
            written = {p: expression for p, expression in written.items() if _compiles(expression)}
            database = _database(list(written.values()))
        self._positions = list(written)
        self._scan: Callable[..., Any] = database.scan

    @property
    def known(self) -> frozenset[int]:
        """Positions of the patterns that Hyperscan took."""
        return frozenset(self._positions)

    def candidates(self, texts: Sequence[str]) -> Iterator[tuple[int, Sequence[int]]]:
        """See `Engine`."""
        if not self._positions:
            return
        found: list[list[int]] = [[] for _ in self._positions]
        record = [rows.append for rows in found]

        def on_match(expression: int, start: int, end: int, flags: int, row: int) -> None:
            record[expression](row)

        scan_bytes = self._scan
        for row, text in enumerate(texts):
            scan_bytes(
                text.encode("utf-8", "surrogatepass"), match_event_handler=on_match, context=row
            )
        yield from zip(self._positions, found, strict=True)


class Re2Engine:
    """RE2 by way of pyarrow: one pass over the column for each pattern."""

    def __init__(self, patterns: Sequence[re.Pattern[str]]) -> None:
        self._written = {
            position: expression
            for position, expression in _supersets(patterns, RE2).items()
            if _accepted_by_re2(expression)
        }

    @property
    def known(self) -> frozenset[int]:
        """Positions of the patterns that RE2 took."""
        return frozenset(self._written)

    def candidates(self, texts: Sequence[str]) -> Iterator[tuple[int, Sequence[int]]]:
        """See `Engine`."""
        try:
            column, odd = pa.array(texts, type=pa.large_string()), np.empty(0, dtype=np.intp)
        except UnicodeEncodeError:  # lone surrogates have no UTF-8: candidates for all
            odd = np.array([row for row, text in enumerate(texts) if not _is_utf8(text)])
            column = pa.array([t if _is_utf8(t) else "" for t in texts], type=pa.large_string())
        for position, expression in self._written.items():
            mask = pc.match_substring_regex(column, expression).to_numpy(zero_copy_only=False)
            mask[odd] = True
            yield position, np.flatnonzero(mask).tolist()


def _supersets(patterns: Sequence[re.Pattern[str]], dialect: Any) -> dict[int, str]:  # noqa: ANN401
    written = {}
    for position, pattern in enumerate(patterns):
        try:
            written[position] = superset(pattern, dialect)
        except NoSuperset:
            continue
    return written


def _database(expressions: Sequence[str]) -> Any:  # noqa: ANN401
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    if not expressions:
        return database
    database.compile(
        expressions=[expression.encode("ascii") for expression in expressions],
        ids=list(range(len(expressions))),
        elements=len(expressions),
        flags=[hyperscan.HS_FLAG_SINGLEMATCH] * len(expressions),
    )
    return database


def _compiles(expression: str) -> bool:
    try:
        _database([expression])
    except hyperscan.HyperscanError:
        return False
    return True


def _accepted_by_re2(expression: str) -> bool:
    try:
        pc.match_substring_regex(pa.array([""]), expression)
    except pa.ArrowInvalid:
        return False
    return True


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
