r"""A looser regular expression for RE2: it matches wherever Python's `re` does.

RE2 disagrees with `re` about `\w`, `\s`, `$`, case folding and more,
and has no lookaround or backreferences. So none of that is left to it: a pattern is parsed
by Python's own parser and rewritten into literals, ASCII classes, alternatives and repeats,
each at least as wide as what it stands for. RE2 then only finds candidates; `re` decides.

What is rewritten to what:

    character        itself; under IGNORECASE every character that `re` folds onto it
    class, category  its ASCII members, tested one by one, or any non-ASCII character
    lookaround, \B   nothing, which is always true
    \b, (?<!\w)      ASCII \b beside ASCII word characters, nothing beside others
    backreference    anything
    conditional      refused: the pattern goes to `re` directly
"""

import re
from array import array
from collections.abc import Iterable, Sequence
from functools import cache
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

WORD = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")
DIGIT = frozenset("0123456789")
SPACE = frozenset(" \t\n\r\f\v\x1c\x1d\x1e\x1f")
ASCII = frozenset(map(chr, range(128)))
SPACE_OR_NOT = frozenset("\x1c\x1d\x1e\x1f")  # spaces, but not under re.ASCII

CATEGORIES = {
    sre.CATEGORY_DIGIT: DIGIT,
    sre.CATEGORY_NOT_DIGIT: ASCII - DIGIT,
    sre.CATEGORY_SPACE: SPACE,
    sre.CATEGORY_NOT_SPACE: (ASCII - SPACE) | SPACE_OR_NOT,
    sre.CATEGORY_WORD: WORD,
    sre.CATEGORY_NOT_WORD: ASCII - WORD,
}

Node = tuple[Any, Any]


class NoSuperset(ValueError):
    """The pattern has no useful superset; ask `re` itself about every text."""


NON_ASCII = r"[^\x00-\x7f]"
ANYTHING = r"(?s:.*)"


def superset(pattern: re.Pattern[str]) -> str:
    r"""A regular expression of RE2's, found wherever `pattern` is.

    Raises:
        NoSuperset: the pattern may match the empty string, or holds a conditional.

    Example:
        >>> superset(re.compile(r"\bno(?= more)"))
        '\\b\\x6e\\x6f'
        >>> superset(re.compile(r"(\d)\1"))
        '(?:(?:[\\x30-\\x39]|[^\\x00-\\x7f]))(?s:.*)'
    """
    parsed = _parser.parse(pattern.pattern, pattern.flags)
    if parsed.getwidth()[0] == 0:
        raise NoSuperset("matches the empty string")
    return _sequence(list(parsed), parsed.state.flags)


def _sequence(nodes: Sequence[Node], flags: int, left: bool = False, right: bool = False) -> str:
    """Nodes in a row; `left` and `right` ask for a word boundary on that side."""
    last = len(nodes) - 1
    bounds = [_is_boundary(node) for node in nodes]
    return "".join(
        _node(
            *node,
            flags,
            left=left if position == 0 else bounds[position - 1],
            right=right if position == last else bounds[position + 1],
        )
        for position, node in enumerate(nodes)
    )


def _node(op: Any, argument: Any, flags: int, left: bool, right: bool) -> str:  # noqa: ANN401
    if op in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
        return _one_of(*_members(op, argument, flags), left, right)
    if op is sre.BRANCH:
        branches = (_sequence(list(b), flags, left, right) for b in argument[1])
        return f"(?:{'|'.join(branches)})"
    if op is sre.SUBPATTERN:
        _, added, removed, inside = argument
        return f"(?:{_sequence(list(inside), (flags | added) & ~removed, left, right)})"
    if op is sre.ATOMIC_GROUP:
        return f"(?:{_sequence(list(argument), flags, left, right)})"
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        least, most, inside = argument
        return _repeat(least, most, inside, flags)
    if op is sre.AT:
        return _anchor(argument, flags)
    if op in (sre.ASSERT, sre.ASSERT_NOT):
        return ""
    if op is sre.GROUPREF:
        return ANYTHING
    raise NoSuperset(f"holds {op}")


def _repeat(least: int, most: int, inside: Sequence[Node], flags: int) -> str:
    written = _sequence(list(inside), flags)
    if not written:
        return ""
    bound = "" if most is sre.MAXREPEAT else str(most)
    return f"(?:{written}){{{least},{bound}}}"


def _anchor(where: Any, flags: int) -> str:  # noqa: ANN401
    if where is sre.AT_BEGINNING_STRING:
        return "^"
    if where is sre.AT_END_STRING:
        return r"\z"
    if flags & re.MULTILINE:
        return ""
    return "^" if where is sre.AT_BEGINNING else ""


def _one_of(members: frozenset[str], any_non_ascii: bool, left: bool, right: bool) -> str:
    """Text of a class of characters, word boundaries asked of ASCII word characters alone."""
    narrow = {c for c in members if c.isascii()}
    words = narrow & WORD if left or right else set()
    bounded = (r"\b" if left else "", r"\b" if right else "")
    alternatives = [f"{bounded[0]}{_ascii(words)}{bounded[1]}"] if words else []
    alternatives += [_ascii(narrow - words)] if narrow - words else []
    if any_non_ascii:
        alternatives.append(NON_ASCII)
    else:
        alternatives += sorted(_literal(c) for c in members - narrow)
    if not alternatives:
        raise NoSuperset("holds a class without members")
    return alternatives[0] if len(alternatives) == 1 else f"(?:{'|'.join(alternatives)})"


def _ascii(members: Iterable[str]) -> str:
    ranges = _ranges(sorted(members))
    return ranges[0] if len(ranges) == 1 and "-" not in ranges[0] else f"[{''.join(ranges)}]"


def _literal(character: str) -> str:
    if character.isascii():
        return f"\\x{ord(character):02x}"
    return f"\\x{{{ord(character):x}}}"


def _is_boundary(node: Node) -> bool:
    """Whether the node asks for a boundary wherever its neighbour is an ASCII word character."""
    op, argument = node
    if op is sre.AT:
        return argument is sre.AT_BOUNDARY
    if op is not sre.ASSERT_NOT or len(argument[1]) != 1 or argument[1][0][0] is not sre.IN:
        return False
    items = argument[1][0][1]
    return items[0][0] is not sre.NEGATE and _listed(items)[0] >= WORD


def _members(op: Any, argument: Any, flags: int) -> tuple[frozenset[str], bool]:  # noqa: ANN401
    """Characters that one position may hold, and whether any non-ASCII one may stand there."""
    if op is sre.ANY:
        return (ASCII if flags & re.DOTALL else ASCII - {"\n"}), True
    if op is sre.LITERAL:
        return _folded({chr(argument)}, flags), False
    if op is sre.NOT_LITERAL:
        return _outside({chr(argument)}, flags), True
    items = list(argument)
    negated = items[0][0] is sre.NEGATE
    listed, wide = _listed(items[1:] if negated else items)
    if negated:
        return _outside(listed, flags), True
    if wide and flags & re.IGNORECASE:
        listed |= _folding_beyond_ascii()
    return _folded(listed, flags), wide


def _listed(items: Iterable[Node]) -> tuple[set[str], bool]:
    listed: set[str] = set()
    wide = False
    for op, argument in items:
        if op is sre.LITERAL:
            listed.add(chr(argument))
        elif op is sre.RANGE:
            low, high = argument
            listed.update(map(chr, range(low, min(high, 127) + 1)))
            wide |= high > 127
        else:
            listed |= CATEGORIES[argument]
            wide = True
    return listed, wide


def _folded(characters: Iterable[str], flags: int) -> frozenset[str]:
    if not flags & re.IGNORECASE:
        return frozenset(characters)
    return frozenset().union(*(_variants(c) for c in characters))


def _outside(characters: set[str], flags: int) -> frozenset[str]:
    """ASCII characters that are not listed, or fold onto one that is not."""
    return frozenset(c for c in ASCII if not _folded({c}, flags) <= characters) | (
        SPACE_OR_NOT if SPACE & characters else frozenset()
    )


@cache
def _variants(character: str) -> frozenset[str]:
    """Every character that `re` takes for this one under IGNORECASE."""
    return frozenset(re.findall(re.escape(character), _cased(), re.IGNORECASE)) | {character}


@cache
def _folding_beyond_ascii() -> frozenset[str]:
    """ASCII characters that `re` takes for a non-ASCII one under IGNORECASE."""
    return frozenset(c for c in ASCII if any(not v.isascii() for v in _variants(c)))


@cache
def _cased() -> str:
    """All characters that have another case."""
    everything = array("I", range(0x110000)).tobytes().decode("utf-32", "surrogatepass")
    blocks = (everything[start : start + 256] for start in range(0, len(everything), 256))
    cased = (block for block in blocks if not block == block.lower() == block.upper())
    return "".join(c for block in cased for c in block if c.lower() != c or c.upper() != c)


def _ranges(characters: Sequence[str]) -> list[str]:
    """Sorted ASCII characters as the ranges of a class."""
    ranges: list[list[int]] = []
    for code in map(ord, characters):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return [
        f"\\x{low:02x}" if low == high else f"\\x{low:02x}-\\x{high:02x}" for low, high in ranges
    ]
