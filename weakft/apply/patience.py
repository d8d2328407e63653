"""A limit on how long somebody else's code may stand still."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class TimeLimitExceeded(Exception):
    """An LF took too long on one row."""


@contextmanager
def patience(seconds: float | None, progress: Callable[[], int]) -> Iterator[None]:
    """Raise in a block whose progress stands still for `seconds`, at most twice as long.

    Python code and `re` are interrupted; code of other extensions when it returns. Only in the
    main thread of a process: signals reach no other.

    Args:
        seconds: how long; None for ever.
        progress: a number that changes whenever a row is done.

    Raises:
        TimeLimitExceeded: where the block stands at that moment.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    seen: int | None = None

    def tick(signal_number: int, frame: Any) -> None:  # noqa: ANN401
        nonlocal seen
        now = progress()
        if seen == now:
            raise TimeLimitExceeded(f"no vote within {seconds:g} seconds on this row")
        seen = now

    before = signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
