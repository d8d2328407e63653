"""Signals that arrive while somebody else's code runs, told from exceptions of that code."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interrupts:
    """What handlers of signals raised.

    Attributes:
        raised: the exceptions, in their order.
    """

    def __init__(self) -> None:
        self.raised: list[BaseException] = []

    def reraise(self) -> None:
        """Raise the first of them: other code may have swallowed it, or raised its own instead."""
        if self.raised:
            raise self.raised[0]


@contextmanager
def noted_signals() -> Iterator[Interrupts]:
    """Note what handlers of signals raise in a block that runs code of others.

    A KeyboardInterrupt that is not noted was raised by that code itself, and is its own fault.
    Signals that have no handler in Python do what they did, and SIGALRM belongs to
    `weakft.apply.patience`. Threads other than the main one receive no signals: nothing is
    noted there.

    Example:
        >>> with noted_signals() as interrupts:
        ...     try:
        ...         raise KeyboardInterrupt
        ...     except KeyboardInterrupt:
        ...         interrupts.reraise()
        ...         print("nobody pressed Ctrl-C")
        nobody pressed Ctrl-C
    """
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    handlers = {
        number: handler
        for number, handler in before.items()
        if callable(handler) and number != getattr(signal, "SIGALRM", None)
    }

    def note(number: int, frame: FrameType | None) -> Any:  # noqa: ANN401
        try:
            return handlers[signal.Signals(number)](number, frame)
        except BaseException as error:
            interrupts.raised.append(error)
            raise

    try:
        for number in handlers:
            signal.signal(number, note)
        yield interrupts
    finally:
        for number, handler in handlers.items():
            if signal.getsignal(number) is note:
                signal.signal(number, handler)
