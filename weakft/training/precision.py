"""bf16 or fp32: whichever this machine multiplies quicker."""

import time
from functools import cache
from pathlib import Path

import torch

from weakft.config import TrainConfig
from weakft.ranks import shared

CPU_FLAGS = ("avx512_bf16", "amx_bf16")  # of /proc/cpuinfo; without them bf16 is not tried
ROWS, WIDTH, INNER = 1024, 384, 1536  # of the product timed: a small encoder's feed-forward layer
ROUNDS = 8
WORTH_IT = 0.8  # of fp32's time; casts cost something too


def uses_bf16(settings: TrainConfig) -> bool:
    """Whether to train in bf16: as configured, or where it pays."""
    if settings.bf16 is not None:
        return settings.bf16
    return bf16_pays(torch.cuda.is_available() and not settings.use_cpu)


@cache
def bf16_pays(on_gpu: bool) -> bool:
    """Whether the GPU has bf16, or this CPU multiplies bf16 matrices quicker than fp32 ones.

    Having the instructions is not enough: with avx512_bf16 some CPUs are twice as slow as in fp32.
    A CPU is timed once, in a fraction of a second, by one of several processes for all.
    """
    if on_gpu:
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return shared(_cpu_is_quicker_in_bf16)


def _cpu_is_quicker_in_bf16() -> bool:
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    if not any(flag in flags for flag in CPU_FLAGS):
        return False
    return seconds_of_product(torch.bfloat16) < WORTH_IT * seconds_of_product(torch.float32)


@torch.inference_mode()
def seconds_of_product(dtype: torch.dtype) -> float:
    """The least time that one product of matrices took, of several."""
    rows, weights = torch.ones(ROWS, WIDTH, dtype=dtype), torch.ones(INNER, WIDTH, dtype=dtype)
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        torch.nn.functional.linear(rows, weights)
        seconds.append(time.perf_counter() - start)
    return min(seconds)
