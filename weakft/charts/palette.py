"""One palette, and what every chart shares.

Okabe and Ito's colours, told apart by the colour-blind: a class has the same colour on every page,
rows without a label are grey, and what is no class is drawn in `INK`.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
GREY = "#999999"
INK = "#8779C6"
GOOD = "#009E73"
WRONG = "#D55E00"
SEVERAL = "(several)"
FEW = 10  # classes that a legend, or bars side by side, can hold

MANY_CLASSES = 20
"""Of more, the cells of a confusion matrix have no room for numbers."""

MATRIX_CLASSES = 100
"""Of more, a confusion matrix fits no screen."""

MOST_DRAWN = 60
"""Rows of a chart, at most."""

Chart = alt.Chart | alt.LayerChart | alt.FacetChart


def class_colours(classes: Sequence[str], *others: str) -> alt.Scale:
    """The colour of each class, by its position; `others` are grey."""
    colours = [PALETTE[k % len(PALETTE)] for k in range(len(classes))]
    return alt.Scale(domain=[*classes, *others], range=[*colours, *[GREY] * len(others)])


def class_legend(classes: Sequence[str], **options: Any) -> alt.Legend | None:  # noqa: ANN401
    """A legend of classes; None where they are many and colours recur: tooltips name them."""
    return alt.Legend(**options) if len(classes) <= FEW else None


def names_axis(limit: int) -> alt.Axis:
    """An axis of names, each written out up to so many pixels."""
    return alt.Axis(labelLimit=limit, labelFlush=False)


def share_axis(field: str, title: str, *, whole: bool = True) -> alt.X:
    """An axis of shares; not `whole`: no more of it than is needed."""
    scale = alt.Scale(domain=[0, 1]) if whole else alt.Scale(zero=False, padding=24)
    return alt.X(f"{field}:Q", title=title, scale=scale, axis=alt.Axis(format=".0%", tickCount=6))
