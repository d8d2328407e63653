"""Tidy tables in, Altair charts out; pure functions, no Streamlit."""

from weakft.charts.labels import class_shares, confidences, explanation
from weakft.charts.lfs import lf_accuracies, pair_heat_map
from weakft.charts.model import (
    acceptance,
    confusion,
    largest_confusions,
    matrix_size,
    mistakes_by_state,
    reliability,
    scoreboard,
    slices,
)
from weakft.charts.palette import (
    GREY,
    MANY_CLASSES,
    MATRIX_CLASSES,
    MOST_DRAWN,
    PALETTE,
    Chart,
    class_colours,
)
from weakft.charts.runs import score_history

__all__ = [
    "GREY",
    "MANY_CLASSES",
    "MATRIX_CLASSES",
    "MOST_DRAWN",
    "PALETTE",
    "Chart",
    "acceptance",
    "class_colours",
    "class_shares",
    "confidences",
    "confusion",
    "explanation",
    "largest_confusions",
    "lf_accuracies",
    "matrix_size",
    "mistakes_by_state",
    "pair_heat_map",
    "reliability",
    "score_history",
    "scoreboard",
    "slices",
]
