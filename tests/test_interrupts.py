"""Signals are noted; what code raises by itself is not."""

import os
import signal
import threading

import pytest

from weakft.interrupts import noted_signals

SIGNALS = [signal.SIGINT, signal.SIGTERM]


class Ended(BaseException):
    pass


def end(number: int, frame: object) -> None:
    raise Ended(number)


def test_an_exception_of_the_code_itself_is_not_noted() -> None:
    with noted_signals() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            raise KeyboardInterrupt
        interrupts.reraise()
    assert not interrupts.raised


@pytest.mark.parametrize("number", SIGNALS)
def test_what_a_handler_raises_is_noted_though_the_code_swallows_it(number: int) -> None:
    before = signal.signal(number, end)
    try:
        with pytest.raises(Ended), noted_signals() as interrupts:
            try:
                os.kill(os.getpid(), number)
            except BaseException:
                pass
            interrupts.reraise()
        assert signal.getsignal(number) is end
    finally:
        signal.signal(number, before)


def test_a_handler_that_only_takes_note_interrupts_nothing() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with noted_signals() as interrupts:
            signal.raise_signal(signal.SIGTERM)
            interrupts.reraise()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert seen == [signal.SIGTERM]


def test_a_handler_that_the_code_installs_stays() -> None:
    before = signal.getsignal(signal.SIGTERM)
    handler = signal.getsignal(signal.SIGINT)
    try:
        with noted_signals():
            signal.signal(signal.SIGINT, end)
        assert signal.getsignal(signal.SIGINT) is end
    finally:
        signal.signal(signal.SIGINT, handler)
    assert signal.getsignal(signal.SIGTERM) == before


def test_in_other_threads_nothing_is_noted() -> None:
    noted: list[object] = []

    def run() -> None:
        handler = signal.getsignal(signal.SIGINT)
        with noted_signals() as interrupts:
            noted.extend([interrupts.raised, signal.getsignal(signal.SIGINT) is handler])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert noted == [[], True]
