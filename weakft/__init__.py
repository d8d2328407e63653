"""Weak supervision to a fine-tuned transformer: labeling functions in, a trusted classifier out.

Importing this package loads neither torch, snorkel nor streamlit; a public name is loaded when
it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

_HOMES = {
    "apply_lfs": "weakft.apply",
    "open_image": "weakft.images",
    "make_label_model": "weakft.label_models",
    "ABSTAIN": "weakft.labels",
    "LabelMatrix": "weakft.labels",
    "SoftLabels": "weakft.labels",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "weakft.lf")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
