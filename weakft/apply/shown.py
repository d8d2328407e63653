"""What LFs raise and return, as text that any file, terminal and database takes."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from weakft.apply.patience import patience
from weakft.interrupts import noted_signals
from weakft.recording import traceback_of

SECONDS = 10  # for an LF's own `__str__` and `__repr__`
MOST_CHARACTERS = 10_000  # of a traceback
MOST_OF_A_VALUE = 200


def fault_text(error: BaseException, *, withhold: bool = False) -> str:
    """The traceback of an LF's exception, whatever its `__str__` and `__repr__` do.

    Args:
        error: what was raised.
        withhold: leave out whatever may quote a cell.
    """
    otherwise = "An exception whose traceback cannot be shown\n"
    text = _text(lambda: traceback_of(error, withhold=withhold), otherwise)
    return clean(shortened(text, MOST_CHARACTERS))


def value_of(value: Any) -> str:  # noqa: ANN401
    """The `repr` of what an LF returned, or what can be said where that raises."""
    text = _text(lambda: repr(value), "an object whose repr raises")
    return clean(shortened(text, MOST_OF_A_VALUE))


def _text(make: Callable[[], str], otherwise: str) -> str:
    text = otherwise
    with noted_signals() as interrupts:
        with suppress(BaseException), patience(SECONDS, lambda: 0):
            text = make()
        interrupts.reraise()
    return text


def clean(text: str) -> str:
    r"""The text with control characters and lone surrogates escaped; lines stay lines.

    Example:
        >>> clean("a\nb\x00\ud800")
        'a\nb\\x00\\ud800'
    """
    return "".join(
        c
        if c in "\n\t" or not (c < " " or "\x7f" <= c < "\xa0" or "\ud800" <= c <= "\udfff")
        else c.encode("unicode_escape").decode()
        for c in text
    )


def shortened(text: str, most: int) -> str:
    """The text, or its start and its longer end."""
    if len(text) <= most:
        return text
    start = most // 4
    left_out = len(text) - most
    return f"{text[:start]}... [{left_out} characters left out] ...{text[start + left_out :]}"
