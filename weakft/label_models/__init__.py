"""Label models: label matrix -> probabilistic labels, behind one interface."""

from weakft.label_models.base import LabelModel
from weakft.label_models.choose import AutoLabelModel
from weakft.label_models.registry import LABEL_MODELS, load_label_model, make_label_model

__all__ = [
    "LABEL_MODELS",
    "AutoLabelModel",
    "LabelModel",
    "load_label_model",
    "make_label_model",
]
