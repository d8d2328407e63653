"""What an edit of the LFs moved, for the terminal and as Markdown for a pull request."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from weakft.comparison import Comparison, LFChange, LFStanding, compare_votes
from weakft.config import Splits
from weakft.dataset import Dataset
from weakft.labels import LabelMatrix
from weakft.visible import listed

HEADER = ("LF", "votes for", "coverage", "conflicts", "accuracy on dev [low, high] (support)")
FLIP_HEADER = ("id", "before", "after", "text")
TEXT_LENGTH = 80
MARKUP = re.compile(r"[\\`*<>|~$&]|\](?=[(\[])|(?<![^\W_])_|_(?![^\W_])")
REFERENCE = re.compile(r"[@#](?=\w)")  # to a person, an issue

Votes = Mapping[Splits, LabelMatrix]
Cells = Sequence[str]
T = TypeVar("T")


def compare(data: Dataset, classes: Sequence[str], before: Votes, after: Votes) -> Comparison:
    """Compare two sets of votes, with the texts and the gold of today's data."""
    dev, train = data.get("dev"), data["train"]
    gold = {} if dev is None or dev.gold is None else dict(zip(dev.ids, dev.gold, strict=True))
    texts = dict(zip(train.ids, train.texts, strict=True))
    return compare_votes(before, after, classes, texts=texts, gold=gold)


def as_markdown(comparison: Comparison) -> str:
    """A heading, the LFs that moved, the rows that flip; one sentence where nothing moved.

    Names and texts are escaped, so that GitHub shows them as they stand.

    Example:
        >>> votes = {"train": LabelMatrix.from_array([[0], [1]])}
        >>> print(as_markdown(compare_votes(votes, votes, ["a", "b"], texts={}, gold={})))
        Nothing moved: 1 LF votes as before on 2 training rows.
    """
    if not (comparison.changes or comparison.flip_count):
        return _unmoved(comparison)
    parts = [f"## {_headline(comparison)}"]
    if comparison.changes:
        parts.append(_markdown_table(HEADER, map(_lf_cells, comparison.changes)))
    parts.append(_rows_line(comparison))
    if comparison.flips:
        parts.append(_markdown_table(FLIP_HEADER, _flip_cells(comparison)))
    return "\n\n".join(parts)


def as_screen(comparison: Comparison) -> RenderableType:
    """The same for a terminal."""
    if not (comparison.changes or comparison.flip_count):
        return Text(_unmoved(comparison))
    parts: list[RenderableType] = [Text(_headline(comparison), style="bold")]
    if comparison.changes:
        parts.append(_grid(HEADER, map(_lf_cells, comparison.changes)))
    parts.append(Text(_rows_line(comparison), style="bold"))
    if comparison.flips:
        parts.append(_grid(FLIP_HEADER, _flip_cells(comparison)))
    return Group(*parts)


def _headline(comparison: Comparison) -> str:
    counts = [f"{comparison.count(kind)} {kind}" for kind in ("added", "removed", "changed")]
    return f"{_counted(comparison.lfs, 'LF')}: {', '.join(counts)}"


def _rows_line(comparison: Comparison) -> str:
    count, shown = comparison.flip_count, len(comparison.flips)
    change = "row changes its label" if count == 1 else "rows change their label"
    first = f" (the first {shown} below)" if shown < count else ""
    covered = _moved(comparison.coverage_before, comparison.coverage_after, "{:.1%}".format)
    return f"{count} {change}{first}; {covered} of train covered. {_others(comparison)}".rstrip()


def _unmoved(comparison: Comparison) -> str:
    vote = "LF votes" if comparison.lfs == 1 else "LFs vote"
    rows = _counted(comparison.rows, "training row")
    said = f"Nothing moved: {comparison.lfs} {vote} as before on {rows}. {_others(comparison)}"
    return said.rstrip()


def _others(comparison: Comparison) -> str:
    new, gone = comparison.rows_new, comparison.rows_gone
    return f"Not compared: {new} new rows, {gone} gone." if new or gone else ""


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _lf_cells(change: LFChange) -> Cells:
    moved = change.kind
    if moved == "changed":
        moved = f"{_counted(change.rows, 'vote')} changed" if change.rows else "changed on dev"
    shown: list[Callable[[LFStanding], str]] = [
        lambda lf: listed(lf.votes_for) or "(never)",
        lambda lf: f"{lf.coverage:.1%}",
        lambda lf: f"{lf.conflicts:.1%}",
        lambda lf: f"{lf.accuracy} ({lf.accuracy.support})" if lf.accuracy else "no evidence",
    ]
    return [f"{change.name} ({moved})", *(_moved(change.before, change.after, f) for f in shown)]


def _moved(before: T | None, after: T | None, shown: Callable[[T], str]) -> str:
    was, now = ("–" if side is None else shown(side) for side in (before, after))
    return now if was == now else f"{was} → {now}"


def _flip_cells(comparison: Comparison) -> list[Cells]:
    return [(flip.id, flip.before, flip.after, _cut(flip.text)) for flip in comparison.flips]


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TEXT_LENGTH else line[: TEXT_LENGTH - 1] + "…"


def _markdown_table(header: Cells, rows: Iterable[Cells]) -> str:
    lines = [header, ["---"] * len(header), *([_escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(cell: str) -> str:
    """Markdown that shows the cell; a zero-width space keeps people from being notified."""
    return REFERENCE.sub(r"\g<0>&#8203;", MARKUP.sub(r"\\\g<0>", cell))


def _grid(header: Cells, rows: Iterable[Cells]) -> Table:
    grid = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for name in header:
        grid.add_column(Text(name))
    for row in rows:
        grid.add_row(*map(Text, row))
    return grid
