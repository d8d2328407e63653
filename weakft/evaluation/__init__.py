"""Scores with intervals, and the rivals every run is held against."""

from weakft.evaluation.metrics import label_quality, scores
from weakft.evaluation.rivals import majority_classifier

__all__ = ["label_quality", "majority_classifier", "scores"]
