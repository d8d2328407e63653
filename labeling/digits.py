"""Rules of thumb about images: handwritten digits from five to nine, by their holes and strokes.

An LF sees the row of the table; `x.image` is the path of its image. The project they belong to is
made by `python -m benchmarks.images`.
"""

from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from weakft import ABSTAIN, labeling_function, open_image

FIVE, SIX, SEVEN, EIGHT, NINE = range(5)  # positions in `classes`
INKED = 96  # of 255
ABOVE, BELOW = "above", "below"

Ink = npt.NDArray[np.bool_]


class Row(Protocol):
    """What the rules read of a row."""

    image: str


def ink_of(x: Row) -> Ink:
    """[height, width] True where there is ink."""
    return open_image(x.image)[:, :, 0] >= INKED


def holes_of(ink: Ink) -> list[str]:
    """Where the paper that ink encloses lies: above or below the middle, one entry a hole."""
    patches, count = ndimage.label(~np.pad(ink, 1))
    outside = patches[0, 0]
    rows = [np.nonzero(patches == k)[0].mean() - 1 for k in range(1, count + 1) if k != outside]
    return sorted(ABOVE if row < (len(ink) - 1) / 2 else BELOW for row in rows)


@labeling_function()
def two_holes(x: Row) -> int:
    """Only an eight encloses paper twice."""
    return EIGHT if holes_of(ink_of(x)) == [ABOVE, BELOW] else ABSTAIN


@labeling_function()
def one_hole_above(x: Row) -> int:
    """A nine."""
    return NINE if holes_of(ink_of(x)) == [ABOVE] else ABSTAIN


@labeling_function()
def one_hole_below(x: Row) -> int:
    """A six."""
    return SIX if holes_of(ink_of(x)) == [BELOW] else ABSTAIN


@labeling_function()
def begins_on_the_left(x: Row) -> int:
    """Without a hole, a stroke in the upper left is that of a five."""
    ink = ink_of(x)
    return FIVE if not holes_of(ink) and ink[1:4, :3].sum() >= 3 else ABSTAIN


@labeling_function()
def stands_on_one_leg(x: Row) -> int:
    """Without a hole, nothing in the upper left and a thin foot: a seven."""
    ink = ink_of(x)
    thin_foot = ink[-2:].sum() <= 4
    return SEVEN if not holes_of(ink) and thin_foot and ink[2:4, :3].sum() <= 1 else ABSTAIN
