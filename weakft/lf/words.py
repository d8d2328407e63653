r"""Regular expressions for words, in scripts with and without spaces between them.

Whole words are asked for at those ends of a keyword where its script shows them:

    Latin, Arabic, Devanagari, ...   no letter, digit or `_` of such a script beside it, and no
                                     combining mark (vowel sign, accent) that belongs to it
    Hangul                           no Hangul before it; a particle may follow ("환불을")
    Chinese, Japanese, Thai, Lao,    anywhere, but no character is cut in two: no mark follows
    Khmer, Myanmar, Tibetan
    emoji, other non-ASCII symbols   anywhere

ASCII symbols (`c++`) are treated as Latin letters are.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

LATIN_AND_KIN = r"\x00-\u052f\u1e00-\u1fff"  # Latin, Greek, Cyrillic
NEAR_LATIN = r"\x00-\u0dff\u1e00-\u1fff"  # with spaces; few, as patterns compile in their number
WITH_SPACES = (
    NEAR_LATIN + r"\u10a0-\u10ff\u1200-\u177f\u1800-\u18ff\u1a00-\u1a1f\u1b80-\u1dff\u2c00-\u2dff"
    r"\ua4d0-\ua95f\uaa80-\uabff\ufb00-\ufdff\ufe70-\ufefc\uff10-\uff5a"
    r"\U00010000-\U0001afff\U0001d400-\U0001efff"
)
HANGUL = r"\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff"
COMBINING_HANGUL = r"\u1160-\u11ff\ud7b0-\ud7ff"
ACCENTS = r"\u0300-\u036f"
JOINERS = "\u200c\u200d"  # zero width, inside words of Persian and Indic scripts
VARIANTS = re.compile("[\u20dd-\u20e4\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # emoji, not letters

_is_latin_or_kin = re.compile(f"[{LATIN_AND_KIN}]").match
_has_spaces = re.compile(f"[{WITH_SPACES}]").match
_is_hangul = re.compile(f"[{HANGUL}]").match

Bounds = tuple[str, str]  # patterns that stand before and after keywords


def any_of(words: Sequence[str], *, whole_words: bool) -> str:
    r"""A regular expression for any of the words, those with like ends together.

    Example:
        >>> any_of(["no", "no way"], whole_words=False)
        'no\\ way|no'
        >>> pattern = re.compile(any_of(["欢迎", "कर", "no"], whole_words=True))
        >>> [bool(pattern.search(text)) for text in ("北京欢迎你", "वह करें", "know", "A no.")]
        [True, False, False, True]
    """
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    groups: dict[Bounds, list[str]] = {}
    for word in longest_first:
        bounds = (_before(word[0]), _after(word[-1])) if whole_words else ("", "")
        groups.setdefault(bounds, []).append(re.escape(word))
    if not whole_words:
        return "|".join(groups["", ""])
    return "|".join(
        f"{before}(?:{'|'.join(alternatives)}){after}"
        for (before, after), alternatives in groups.items()
    )


def _before(first: str) -> str:
    """What may not stand before a keyword with this first character."""
    if _is_hangul(first):
        return f"(?-i:(?<![{HANGUL}]))"
    if not _is_bounded(first):
        return ""
    letters, marks = _continuing(first)
    return rf"(?-i:(?<!(?=\w)[{letters}])(?<![{marks}]))(?<![0-9A-Z_a-z])"


def _after(last: str) -> str:
    """What may not follow a keyword with this last character."""
    if _is_hangul(last):
        return f"(?-i:(?![{COMBINING_HANGUL}{ACCENTS}]))"
    if not _is_bounded(last):
        return f"(?-i:(?![{_marks()}]))" if _is_part_of_word(last) else ""
    letters, marks = _continuing(last)
    return rf"(?![0-9A-Z_a-z])(?-i:(?!(?=\w)[{letters}])(?![{marks}]))"


def _continuing(edge: str) -> tuple[str, str]:
    """Ranges of the letters and of the marks that continue a word beyond this character."""
    return (NEAR_LATIN, ACCENTS) if _is_latin_or_kin(edge) else (WITH_SPACES, _marks())


def _is_bounded(character: str) -> bool:
    if character.isascii():
        return True
    return _is_part_of_word(character) and bool(_has_spaces(character))


def _is_part_of_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


@cache
def _marks() -> str:
    """Ranges of all characters that combine with the one before, and of the joiners."""
    marks = (chr(code) for code in range(0x300, 0x1F000))
    ranges: list[list[str]] = []
    for mark in marks:
        if not unicodedata.category(mark).startswith("M") or VARIANTS.match(mark):
            continue
        if ranges and ord(ranges[-1][1]) == ord(mark) - 1:
            ranges[-1][1] = mark
        else:
            ranges.append([mark, mark])
    return JOINERS + "".join(f"{first}-{last}" for first, last in ranges)
