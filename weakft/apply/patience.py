"""A limit on how long somebody else's code may stand still."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class TimeLimitExceeded(BaseException):
    """An LF took too long on one row; no Exception, which an LF might well catch."""


@contextmanager
def patience(
    seconds: float | None, progress: Callable[[], int]
) -> Iterator[list[TimeLimitExceeded]]:
    """Raise in a block whose progress stands still for `seconds`, at most twice as long.

    Python code and `re` are interrupted; code of other extensions when it returns. Only in the
    main thread of a process: signals reach no other. Code that catches everything may swallow
    the exception, but not what is noted.

    Args:
        seconds: how long; None for ever.
        progress: a number that changes whenever a row is done.

    Yields:
        What was raised, noted first.

    Raises:
        TimeLimitExceeded: where the block stands at that moment; again and again.
    """
    raised: list[TimeLimitExceeded] = []
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield raised
        return
    seen: int | None = None

    def tick(signal_number: int, frame: Any) -> None:  # noqa: ANN401
        nonlocal seen
        now = progress()
        if seen == now:
            raised.append(TimeLimitExceeded(f"no vote within {seconds:g} seconds on this row"))
            raise raised[-1]
        seen = now

    before = signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield raised
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
