"""What a page is built of, and how its numbers are written: never without their evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd
from markupsafe import Markup

from weakft.visible import visible

NO_EVIDENCE = "no evidence"


@dataclass(frozen=True)
class Heading:
    """Of a part of a section."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Paragraph:
    """One or two sentences.

    Attributes:
        text: the sentences.
        quiet: they explain what stands above.
    """

    kind: ClassVar[str] = "paragraph"
    text: str
    quiet: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list of sentences."""

    kind: ClassVar[str] = "bullets"
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Cards:
    """Numbers that matter most, each as name, value and evidence."""

    kind: ClassVar[str] = "cards"
    cards: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Table:
    """Cells as they are shown.

    Attributes:
        caption: what the rows are.
        columns: their titles; the first names the row.
        rows: as many cells each.
        words: positions of columns that hold words, not numbers.
    """

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: tuple[int, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A chart.

    Attributes:
        svg: the drawing.
        alt: what it shows, for those who do not see it.
        caption: how to read it.
    """

    kind: ClassVar[str] = "figure"
    svg: Markup
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class Beside:
    """Blocks next to each other where the page is wide enough."""

    kind: ClassVar[str] = "beside"
    blocks: tuple["Block", ...]


Block = Heading | Paragraph | Bullets | Cards | Table | Figure | Beside


@dataclass(frozen=True)
class Section:
    """One question and its answer.

    Attributes:
        anchor: its id on the page.
        title: in the table of contents.
        blocks: from top to bottom.
    """

    anchor: str
    title: str
    blocks: tuple[Block, ...]


def seen(rows: pd.DataFrame | Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A table for charts and cells, its strings made visible."""
    return pd.DataFrame(rows).map(lambda cell: visible(cell) if isinstance(cell, str) else cell)


def percent(value: float | None) -> str:
    """A share.

    Example:
        >>> percent(0.1234), percent(None)
        ('12.3%', 'no evidence')
    """
    return NO_EVIDENCE if pd.isna(value) else f"{value:.1%}"


def number(value: float | None, spec: str = ".3f") -> str:
    """Any other number.

    Example:
        >>> number(0.12345), number(float("nan"))
        ('0.123', 'no evidence')
    """
    return NO_EVIDENCE if pd.isna(value) else format(value, spec)


def interval(low: float | None, high: float | None, support: int, unit: str = "rows") -> str:
    """The evidence for a share: its 95% interval and how many it was counted on.

    Example:
        >>> interval(0.5, 0.75, 1, "votes"), interval(None, None, 0)
        ('50% to 75%, 1 vote', 'no evidence')
    """
    if not support or pd.isna(low) or pd.isna(high):
        return NO_EVIDENCE
    return f"{low:.0%} to {high:.0%}, {count(support, unit)}"


def named_interval(row: Mapping[Any, Any], name: str, support: str, unit: str = "rows") -> str:
    """`interval` of a row with columns <name>_low and <name>_high."""
    return interval(row[f"{name}_low"], row[f"{name}_high"], int(row[support]), unit)


def score(value: Mapping[str, Any] | None, unit: str = "rows") -> tuple[str, str]:
    """An estimate and its evidence."""
    if not value:
        return NO_EVIDENCE, ""
    evidence = interval(value["low"], value["high"], value["support"], unit)
    return percent(value["value"]), evidence


def bounds(low: float | None, high: float | None, spec: str = ".3f") -> str:
    """An interval of what is no share.

    Example:
        >>> bounds(-0.5, 0.25, "+.2f"), bounds(None, None)
        ('-0.50 to +0.25', 'no evidence')
    """
    if pd.isna(low) or pd.isna(high):
        return NO_EVIDENCE
    return f"{number(low, spec)} to {number(high, spec)}"


def count(rows: int, unit: str = "rows") -> str:
    """How many.

    Example:
        >>> count(1), count(1200, "votes")
        ('1 row', '1,200 votes')
    """
    return f"{rows:,} {unit.removesuffix('s') if rows == 1 else unit}"
