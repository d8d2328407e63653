"""Labeling functions x rows -> label matrix."""

from weakft.apply.applier import apply_lfs
from weakft.apply.arrow import arrow_votes
from weakft.apply.cache import VoteCache
from weakft.apply.streaming import Streamed, apply_parquet

__all__ = ["Streamed", "VoteCache", "apply_lfs", "apply_parquet", "arrow_votes"]
