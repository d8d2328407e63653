"""LFs over word lists and tables, given as they are or in files."""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from weakft.errors import LFImportError
from weakft.labels import ABSTAIN
from weakft.lf.function import ColumnLF
from weakft.lf.patterns import any_of, keyword_lf

Table = Mapping[str, int]

project_root: ContextVar[Path] = ContextVar("project_root", default=Path())
"""Where the paths of word lists start: the project whose LFs are being loaded."""


def lookup_lf(
    name: str,
    source: str | Path | Sequence[str] | Table,
    label: int | None = None,
    *,
    column: str = "text",
    whole_cell: bool = False,
    ignore_case: bool = True,
    doc: str = "",
) -> ColumnLF:
    """An LF that looks entries of a word list or a table up in a column.

    Args:
        name: the LF's name.
        source: entries, or a table entry -> class index, or a file of either, relative to
            the project: `.txt` (one entry a line), `.csv` or `.tsv` (entry, or entry and class
            index; no header), `.json` (a list or an object).
        label: class index of all entries; left out where the source gives one for each.
        column: the column it reads.
        whole_cell: the whole cell is the entry ("gmail.com"), rather than an entry standing
            somewhere in the cell as whole words. Entries found that disagree: abstain.
        ignore_case: "Great" counts for "great".
        doc: one sentence on what the rule looks for.

    Raises:
        LFImportError: the file is missing or holds something else; no entry at all; a label
            both here and in the source, or nowhere.

    Example:
        >>> from types import SimpleNamespace
        >>> mood = lookup_lf("mood", {"great": 1, "works well": 1, "broke": 0})
        >>> [mood(SimpleNamespace(text=t)) for t in ("It broke.", "Great!", "Great, but broke")]
        [0, 1, -1]
        >>> mail = lookup_lf("sent_by_shop", ["shop.example"], 0, column="domain", whole_cell=True)
        >>> mail(SimpleNamespace(domain="Shop.example"))
        0
    """
    table = _labelled(name, _read(name, source), label)
    doc = doc or f"Looks up {len(table)} entries in `{column}`."
    if whole_cell:
        return ColumnLF(name, column, _WholeCells(table, ignore_case).votes, doc)
    if len(set(table.values())) == 1:
        only = next(iter(table.values()))
        return keyword_lf(name, list(table), only, column=column, ignore_case=ignore_case, doc=doc)
    return ColumnLF(name, column, _Words(table, ignore_case).votes, doc)


class _WholeCells:
    def __init__(self, table: Table, ignore_case: bool) -> None:
        self.ignore_case = ignore_case
        self.table = {self._key(entry): label for entry, label in table.items()}

    def votes(self, cells: Sequence[Any]) -> list[int]:
        return [self.table.get(self._key(cell), ABSTAIN) for cell in cells]

    def _key(self, cell: Any) -> str:  # noqa: ANN401
        return str(cell).casefold() if self.ignore_case else str(cell)


class _Words:
    def __init__(self, table: Table, ignore_case: bool) -> None:
        """One pattern for each class."""
        flags = re.IGNORECASE if ignore_case else 0
        self.patterns = [
            (
                label,
                re.compile(
                    any_of([e for e in table if table[e] == label], whole_words=True), flags
                ),
            )
            for label in sorted(set(table.values()))
        ]

    def votes(self, cells: Sequence[Any]) -> list[int]:
        return [self._vote(cell) for cell in cells]

    def _vote(self, cell: str) -> int:
        found = [label for label, pattern in self.patterns if pattern.search(cell)]
        return found[0] if len(found) == 1 else ABSTAIN


def _labelled(name: str, source: Sequence[str] | Table, label: int | None) -> dict[str, int]:
    if isinstance(source, Mapping):
        if label is not None:
            raise LFImportError(f"LF {name!r}: the table gives each entry its class; drop `label`.")
        table = {str(entry): int(value) for entry, value in source.items()}
    else:
        if label is None:
            raise LFImportError(f"LF {name!r}: a list of entries wants a `label`, got none.")
        table = dict.fromkeys(source, int(label))
    if not table or "" in table:
        raise LFImportError(f"LF {name!r}: wanted at least one entry, none of them empty.")
    return table


def _read(name: str, source: str | Path | Sequence[str] | Table) -> Sequence[str] | Table:
    if not isinstance(source, str | Path):
        return source
    path = project_root.get() / source
    reader = {".txt": _lines, ".csv": _separated, ".tsv": _separated, ".json": _json}.get(
        path.suffix
    )
    if reader is None:
        raise LFImportError(f"LF {name!r}: {path}: wanted a .txt, .csv, .tsv or .json file.")
    try:
        return reader(path)
    except OSError as error:
        raise LFImportError(f"LF {name!r}: {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise LFImportError(
            f"LF {name!r}: {path}: wanted entries, or entries with a class index: {error}."
        ) from error


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip()]


def _separated(path: Path) -> Sequence[str] | Table:
    with path.open(encoding="utf-8", newline="") as file:
        rows = [r for r in csv.reader(file, delimiter="\t" if path.suffix == ".tsv" else ",") if r]
    if all(len(row) == 1 for row in rows):
        return [row[0] for row in rows]
    if odd := [row for row in rows if len(row) != 2]:
        raise ValueError(f"a row holds {odd[0]!r}")
    return {entry: int(label) for entry, label in rows}


def _json(path: Path) -> Sequence[str] | Table:
    content = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(content, list) and all(isinstance(entry, str) for entry in content):
        return content
    if isinstance(content, dict) and all(type(label) is int for label in content.values()):
        return content
    raise ValueError(f"got {content!r:.80}")
