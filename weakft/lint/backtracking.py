"""Regular expressions that take exponential time on some text (ReDoS).

A repeat inside a repeat, or alternatives inside one, may match the same characters in
exponentially many ways; `re` tries them all when the rest does not match. Whether a pattern
does is tried: it is searched in a text made to provoke that, under a time limit. Patterns of
polynomial time pass.
"""

import re
from collections.abc import Iterator, Sequence
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from weakft.apply.patience import TimeLimitExceeded, patience

REPETITIONS = 80  # 2 to the power of this many steps never end
FAILURES = ("\x00", "!", "a", "\n")  # what may follow so that the pattern does not match
SECONDS = 0.25

Node = tuple[Any, Any]
REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT)
CATEGORY_SAMPLES = {
    sre.CATEGORY_DIGIT: "0",
    sre.CATEGORY_SPACE: " ",
    sre.CATEGORY_WORD: "a",
    sre.CATEGORY_NOT_DIGIT: "a",
    sre.CATEGORY_NOT_SPACE: "a",
    sre.CATEGORY_NOT_WORD: "-",
}


def backtracks(pattern: re.Pattern[str]) -> str | None:
    r"""A short text on which the pattern all but hangs, or None where none was found.

    Example:
        >>> backtracks(re.compile(r"^(a+)+$"))[:6]
        'aaaaaa'
        >>> backtracks(re.compile(r"(\w+ )+now")) is None
        True
    """
    parsed = _parser.parse(pattern.pattern, pattern.flags)
    for prefix, unit in dict.fromkeys(_provocations(list(parsed), "")):
        for failure in FAILURES:
            text = prefix + unit * REPETITIONS + failure
            if _takes_long(pattern, text):
                return text
    return None


def _takes_long(pattern: re.Pattern[str], text: str) -> bool:
    try:
        with patience(SECONDS, lambda: 0):
            pattern.search(text)
    except TimeLimitExceeded:
        return True
    return False


def _provocations(nodes: Sequence[Node], before: str) -> Iterator[tuple[str, str]]:
    """(text that leads to a repeat, text that its inside matches) for repeats of interest."""
    for op, argument in nodes:
        if op in REPEATS:
            inside = list(argument[2])
            if argument[1] is sre.MAXREPEAT and _is_ambiguous(inside):
                yield from ((before, unit) for unit in _units(inside))
            yield from _provocations(inside, before)
        elif op is sre.SUBPATTERN:
            yield from _provocations(list(argument[3]), before)
        elif op is sre.BRANCH:
            for branch in argument[1]:
                yield from _provocations(list(branch), before)
        before += _sample([(op, argument)])


def _is_ambiguous(nodes: Sequence[Node]) -> bool:
    """Whether a repeat or alternatives stand in there, at any depth."""
    return any(op in REPEATS or op is sre.BRANCH for op, _ in _all(nodes))


def _units(nodes: Sequence[Node]) -> Iterator[str]:
    """One character, or the shortest match, of everything inside a repeat."""
    yield _sample(nodes)
    for node in _all(nodes):
        if sample := _sample([node]) or _sample(_inside(node)):
            yield sample


def _all(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _all(_inside(node))


def _inside(node: Node) -> list[Node]:
    op, argument = node
    if op in REPEATS:
        return list(argument[2])
    if op is sre.SUBPATTERN:
        return list(argument[3])
    if op is sre.BRANCH:
        return [inner for branch in argument[1] for inner in branch]
    return []


def _sample(nodes: Sequence[Node]) -> str:
    """A short text that the nodes match."""
    text = ""
    for op, argument in nodes:
        if op is sre.LITERAL:
            text += chr(argument)
        elif op in (sre.ANY, sre.NOT_LITERAL):
            text += "a" if argument != ord("a") else "b"
        elif op is sre.IN:
            text += _member(argument)
        elif op is sre.BRANCH:
            text += _sample(list(argument[1][0]))
        elif op is sre.SUBPATTERN:
            text += _sample(list(argument[3]))
        elif op in REPEATS:
            text += _sample(list(argument[2])) * argument[0]
    return text


def _member(items: Sequence[Node]) -> str:
    if items[0][0] is sre.NEGATE:
        excluded = {chr(a) for op, a in items if op is sre.LITERAL}
        excluded |= {CATEGORY_SAMPLES.get(a, "") for op, a in items if op is sre.CATEGORY}
        return next((c for c in "a-0 " if c not in excluded), "a")
    op, argument = items[0]
    if op is sre.LITERAL:
        return chr(argument)
    return chr(argument[0]) if op is sre.RANGE else CATEGORY_SAMPLES.get(argument, "a")
