"""Randomness is an argument: seed inside, leave the caller's random state as it was."""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def preserved_random_state(seed: int) -> Iterator[None]:
    """Seed Python's, NumPy's and torch's global generators, and restore them after.

    For libraries that draw from global state. torch is touched only if it is loaded already.

    Example:
        >>> random.seed(1); expected = random.random(); random.seed(1)
        >>> with preserved_random_state(0): _ = random.random()
        >>> random.random() == expected
        True
    """
    torch = sys.modules.get("torch")
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    torch_state = torch.get_rng_state() if torch else None
    cuda_states = torch.cuda.get_rng_state_all() if torch and torch.cuda.is_available() else []
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    if torch:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        if torch and torch_state is not None:
            torch.set_rng_state(torch_state)
            if cuda_states:
                torch.cuda.set_rng_state_all(cuda_states)
