"""LFs over word lists and tables, given as they are or in files."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from weakft.errors import LFImportError
from weakft.labels import ABSTAIN
from weakft.lf.function import ColumnLF
from weakft.lf.normalization import Normalization
from weakft.lf.patterns import keyword_lf
from weakft.lf.words import any_of
from weakft.text_files import NotUTF8, read_text

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
    normalize: bool = False,
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
        normalize: compare normal forms, as `keyword_lf` does.
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
    labels = set(table.values())
    if whole_cell or len(labels) > 1:
        return LookupLF(name, table, column, whole_cell, ignore_case, normalize, doc)
    return keyword_lf(
        name,
        list(table),
        labels.pop(),
        column=column,
        ignore_case=ignore_case,
        normalize=normalize,
        doc=doc,
    )


class LookupLF(ColumnLF):
    """An LF over a table of several classes, or of whole cells; see `lookup_lf`."""

    def __init__(
        self,
        name: str,
        table: Table,
        column: str,
        whole_cell: bool,
        ignore_case: bool,
        normalize: bool,
        doc: str,
    ) -> None:
        self.table = table
        self.whole_cell = whole_cell
        self.ignore_case = ignore_case
        kind = _WholeCells if whole_cell else _Words
        normalization = Normalization(casefold=ignore_case) if normalize else None
        super().__init__(name, column, kind(table, ignore_case, normalization).votes, doc)
        self.normalization = normalization

    def normalized(self) -> "LookupLF":
        """The same LF with `normalize=True`."""
        doc = self.__doc__ or ""
        return LookupLF(
            self.name, self.table, self.column, self.whole_cell, self.ignore_case, True, doc
        )


class _WholeCells:
    def __init__(
        self, table: Table, ignore_case: bool, normalization: Normalization | None
    ) -> None:
        self.ignore_case = ignore_case
        self.normalization = normalization
        self.table = {self._key(entry): label for entry, label in table.items()}

    def votes(self, cells: Sequence[Any]) -> list[int]:
        return [self.table.get(self._key(cell), ABSTAIN) for cell in cells]

    def _key(self, cell: Any) -> str:  # noqa: ANN401
        if self.normalization is not None:
            return self.normalization(str(cell)).strip()
        return str(cell).casefold() if self.ignore_case else str(cell)


class _Words:
    def __init__(
        self, table: Table, ignore_case: bool, normalization: Normalization | None
    ) -> None:
        """One pattern for each class."""
        self.normalization = normalization
        by_label: dict[int, list[str]] = {}
        for entry, label in table.items():
            word = normalization(entry) if normalization else entry
            by_label.setdefault(label, []).append(word)
        flags = re.IGNORECASE if ignore_case else 0
        self.patterns = [
            (label, re.compile(any_of(by_label[label], whole_words=True), flags))
            for label in sorted(by_label)
        ]

    def votes(self, cells: Sequence[Any]) -> list[int]:
        return [self._vote(cell) for cell in cells]

    def _vote(self, cell: str) -> int:
        if self.normalization is not None:
            cell = self.normalization(cell)
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
    except NotUTF8 as error:
        raise LFImportError(f"LF {name!r}: {path}: {error}") from error
    except (ValueError, RecursionError, csv.Error) as error:
        raise LFImportError(
            f"LF {name!r}: {path}: wanted entries, or entries with a class index: {error}."
        ) from error


def _lines(path: Path) -> list[str]:
    lines = read_text(path).splitlines()
    return [line.strip() for line in lines if line.strip()]


def _separated(path: Path) -> Sequence[str] | Table:
    lines = io.StringIO(read_text(path))
    rows = [r for r in csv.reader(lines, delimiter="\t" if path.suffix == ".tsv" else ",") if r]
    if all(len(row) == 1 for row in rows):
        return [row[0] for row in rows]
    if odd := [row for row in rows if len(row) != 2]:
        raise ValueError(f"a row holds {odd[0]!r}")
    return {entry: int(label) for entry, label in rows}


def _json(path: Path) -> Sequence[str] | Table:
    content = json.loads(read_text(path))
    if isinstance(content, list) and all(isinstance(entry, str) for entry in content):
        return content
    if isinstance(content, dict) and all(type(label) is int for label in content.values()):
        return content
    raise ValueError(f"got {content!r:.80}")
