"""Labeling functions x rows -> label matrix."""

from weakft.apply.applier import apply_lfs

__all__ = ["apply_lfs"]
