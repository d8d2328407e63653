"""Weak supervision to a fine-tuned transformer: labeling functions in, a trusted classifier out.

Importing this package loads neither torch nor streamlit.
"""

from weakft.apply import apply_lfs
from weakft.images import open_image
from weakft.label_models import make_label_model
from weakft.labels import ABSTAIN, LabelMatrix, SoftLabels
from weakft.lf import (
    LabelingFunction,
    keyword_lf,
    labeling_function,
    lookup_lf,
    model_lf,
    regex_lf,
    threshold_lf,
)

__all__ = [
    "ABSTAIN",
    "LabelMatrix",
    "LabelingFunction",
    "SoftLabels",
    "apply_lfs",
    "keyword_lf",
    "labeling_function",
    "lookup_lf",
    "make_label_model",
    "model_lf",
    "open_image",
    "regex_lf",
    "threshold_lf",
]

__version__ = "0.1.0"
