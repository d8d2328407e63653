"""What makes a training step quick on a CPU: cheap dropout, plain attention, memory kept at hand.

With torch's own dropout a third of a MiniLM step goes into drawing masks, into what fused
attention falls back to when it has to drop, and into pages that are given back to the system and
fetched again at each step; `python -m benchmarks.training speed` measures it.
"""

import ctypes
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.masking_utils import AttentionMaskInterface, eager_mask

ATTENTION = "weakft_cpu"
BYTE = 256

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4  # of glibc's malloc.h
NEVER, DEFAULT_TRIM_THRESHOLD = -1, 128 * 2**10
LARGEST_MMAP_THRESHOLD, DEFAULT_MMAP_MAX = 32 * 2**20, 65536

Reseed = Callable[[int], None]


class Dice:
    """Dropout masks that depend on a seed and a step alone, so that resumed training repeats them.

    Every rank has masks of its own. A mask costs one byte an element from a fast generator (SFC64).

    Example:
        >>> dice, ones = Dice(0), torch.ones(1000)
        >>> dice.reseed(3); first = dice.drop(ones, 0.5)
        >>> dice.reseed(3); bool((dice.drop(ones, 0.5) == first).all())
        True
    """

    def __init__(self, seed: int, rank: int = 0) -> None:
        self._seed = [seed, rank] if rank else [seed]
        self.reseed(0)

    def reseed(self, step: int) -> None:
        """Begin an optimiser step."""
        self._generator = np.random.Generator(np.random.SFC64([*self._seed, step]))

    def drop(self, values: torch.Tensor, rate: float) -> torch.Tensor:
        """The values, each 0 with a probability of `rate` to the nearest 1/256, or scaled up.

        Kept values are scaled by the share truly kept: the expectation is exact.
        """
        dropped = min(round(rate * BYTE), BYTE - 1)
        if dropped == 0:
            return values
        words = self._generator.integers(2**64, size=-(-values.numel() // 8), dtype=np.uint64)
        drawn = torch.from_numpy(words.view(np.uint8)[: values.numel()]).view(values.shape)
        return values * (drawn >= dropped).to(values.dtype).mul_(BYTE / (BYTE - dropped))


class QuickDropout(nn.Dropout):
    """nn.Dropout that draws from Dice."""

    def __init__(self, p: float, dice: Dice) -> None:
        super().__init__(p)
        self.dice = dice

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Drop while training."""
        return self.dice.drop(input, self.p) if self.training else input


@contextmanager
def quick_steps(network: PreTrainedModel, seed: int, rank: int = 0) -> Iterator[Reseed]:
    """Make training steps of a model on a CPU quick while the block runs; elsewhere do nothing.

    Yields:
        What to call with the number of each optimiser step before it is taken.
    """
    if network.device.type != "cpu":
        yield lambda step: None
        return
    dice = Dice(seed, rank)
    attention = network.config._attn_implementation
    dropouts = [
        (parent, name, child)
        for parent in network.modules()
        for name, child in parent.named_children()
        if type(child) is nn.Dropout
    ]
    for parent, name, child in dropouts:
        setattr(parent, name, QuickDropout(child.p, dice).train(child.training))
    if attention == "sdpa" and network._can_set_attn_implementation():
        network.set_attn_implementation(ATTENTION)
    try:
        with _freed_memory_retained():
            yield dice.reseed
    finally:
        if network.config._attn_implementation == ATTENTION:
            network.set_attn_implementation(attention)
        for parent, name, child in dropouts:
            setattr(parent, name, child.train(parent.training))


def _attention(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **others: Any,  # noqa: ANN401
) -> tuple[torch.Tensor, None]:
    """softmax(q k / sqrt(d)) v in matrix products, for transformers' attention interface."""
    groups = query.shape[1] // key.shape[1]
    key, value = (x.repeat_interleave(groups, 1) if groups > 1 else x for x in (key, value))
    scores = query @ key.transpose(2, 3) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    if attention_mask is not None:
        scores = scores + attention_mask
    shares = nn.functional.softmax(scores, dim=-1).to(query.dtype)
    quick = next((child for child in module.children() if isinstance(child, QuickDropout)), None)
    if dropout and quick is not None:
        shares = quick.dice.drop(shares, dropout)
    elif dropout:
        shares = nn.functional.dropout(shares, dropout)
    return (shares @ value).transpose(1, 2).contiguous(), None


AttentionInterface.register(ATTENTION, _attention)
AttentionMaskInterface.register(ATTENTION, eager_mask)


@contextmanager
def _freed_memory_retained() -> Iterator[None]:
    """glibc: hand freed memory to the next step rather than back to the system."""
    try:
        allocator = ctypes.CDLL("libc.so.6") if sys.platform == "linux" else None
    except OSError:  # another C library, such as musl
        allocator = None
    if allocator is None:
        yield
        return
    allocator.mallopt(M_MMAP_MAX, 0)
    allocator.mallopt(M_TRIM_THRESHOLD, NEVER)
    try:
        yield
    finally:
        allocator.mallopt(M_MMAP_MAX, DEFAULT_MMAP_MAX)
        allocator.mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
        allocator.mallopt(M_TRIM_THRESHOLD, DEFAULT_TRIM_THRESHOLD)
        allocator.malloc_trim(0)
