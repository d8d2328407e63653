"""One run by several processes, as torchrun and accelerate launch start them.

All ranks train; what is done once (votes, labels, files) is done by the first, the leader, and
shared. Without a launcher there is one rank, and nothing here does anything.
"""

import atexit
import gc
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


def rank() -> int:
    """Number of this process, from 0."""
    return int(os.environ.get("RANK", "0"))


def world_size() -> int:
    """How many processes there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def shards() -> bool:
    """Whether accelerate spreads what is trained over the ranks (FSDP), be it over one."""
    asked = os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"
    return asked and "RANK" in os.environ


def leads() -> bool:
    """Whether this process is the one that writes and speaks."""
    return rank() == 0


def shared(make: Callable[[], T]) -> T:
    """What the leader makes, on every rank."""
    if world_size() == 1:
        return make()
    import torch.distributed

    _join()
    values: list[Any] = [make() if leads() else None]
    torch.distributed.broadcast_object_list(values, src=0)
    made: T = values[0]
    return made


@contextmanager
def led(enter: Callable[[], AbstractContextManager[T]]) -> Iterator[T]:
    """The leader enters; every rank gets the value, and the leader leaves last."""
    if world_size() == 1:
        with enter() as value:
            yield value
    elif leads():
        with enter() as value:
            yield shared(lambda: value)
            shared(lambda: None)
    else:
        yield shared(_never)
        shared(lambda: None)


def _never() -> Any:  # noqa: ANN401
    raise AssertionError("only the leader makes what is shared")


def _join() -> None:
    import torch
    from accelerate import PartialState

    os.environ["FSDP_CPU_RAM_EFFICIENT_LOADING"] = "false"  # or models come without weights here
    if not torch.distributed.is_initialized():
        PartialState(cpu=not torch.cuda.is_available())
        atexit.register(_leave)


def _leave() -> None:
    """End the group's threads before the interpreter ends: what holds the group goes first."""
    import torch

    gc.collect()  # a wrapped model and its trainer refer to each other
    torch.distributed.destroy_process_group()
