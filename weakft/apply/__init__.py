"""Labeling functions x rows -> label matrix."""

from weakft.apply.applier import apply_lfs
from weakft.apply.cache import VoteCache

__all__ = ["VoteCache", "apply_lfs"]
