"""Texts from data as people can read them: nothing hidden in them, and not too many."""

from collections.abc import Sequence

HIDDEN = "(hidden)"
"""What stands where a cell of a column in `[privacy] hidden` would."""

DIRECTIONS = dict.fromkeys(
    [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C], "⟷"
)
CONTROLS = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"}
DELETE = {0x7F: "␡"}


def visible(text: str) -> str:
    r"""Text whose control characters and changes of direction can be seen.

    Example:
        >>> visible("a\x00b\u202ec")
        'a␀b⟷c'
    """
    return text.translate(CONTROLS | DELETE | DIRECTIONS)


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names in a row; of many, the first and how many more there are.

    Example:
        >>> listed("abc"), listed("abcde", most=3)
        ('a, b, c', 'a, b, c and 2 more')
    """
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
