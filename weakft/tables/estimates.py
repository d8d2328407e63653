"""Shares under names of their own, so that a table may hold several with their intervals."""

from collections.abc import Mapping
from typing import Any

from weakft.intervals import jeffreys


def named_share(name: str, successes: int, trials: int) -> Mapping[str, Any]:
    """A share as <name>, <name>_low, <name>_high, <name>_support; nothing known of no trials.

    Example:
        >>> told = named_share("accuracy", 1, 1)
        >>> told["accuracy"], told["accuracy_high"], told["accuracy_support"]
        (1.0, 1.0, 1)
        >>> named_share("accuracy", 0, 0)["accuracy"] is None
        True
    """
    estimate = jeffreys(successes, trials)
    return {
        name: estimate.value if estimate else None,
        f"{name}_low": estimate.low if estimate else None,
        f"{name}_high": estimate.high if estimate else None,
        f"{name}_support": trials,
    }
