"""What tends to go wrong with labeling functions, looked for on a sample of rows."""

import contextlib
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.analysis import near_copies
from weakft.apply import apply_lfs
from weakft.apply.patience import TimeLimitExceeded, patience
from weakft.apply.rows import RowView, row_views
from weakft.data.cells import to_columns
from weakft.interrupts import noted_signals
from weakft.labels import ABSTAIN, LabelMatrix
from weakft.lf import PatternLF
from weakft.lf.fingerprint import NotCacheable, fingerprint
from weakft.lint.backtracking import backtracks

PROBED_ROWS = 50  # looked at for reads of the label column
FEW_ROWS = 50  # below, firing never or always says nothing


@dataclass(frozen=True)
class Finding:
    """Something about one LF that a person should look at.

    Attributes:
        lf: its name.
        rule: always_votes, never_votes, reads_label, near_copy, backtracks, spelling or impure.
        message: what was seen, and what to do.
    """

    lf: str
    rule: str
    message: str


def find_faults(
    lfs: Sequence[SnorkelLF],
    sample: pd.DataFrame,
    *,
    id_column: str = "id",
    text_column: str = "text",
    label_column: str = "label",
    unquoted: Collection[str] = (),
    time_limit: float | None = 10.0,
    max_fault_rate: float = 1.0,
) -> list[Finding]:
    """Look at the LFs themselves and at their votes on a sample.

    Args:
        lfs: m labeling functions.
        sample: rows as LFs see them, without gold.
        id_column: names the rows.
        text_column: the column whose repeated cells are looked at once.
        label_column: the column of gold labels, which no LF may read.
        unquoted: columns that no refusal may quote, see `apply_lfs`.
        time_limit: seconds that an LF may take on one row.
        max_fault_rate: share of the sample on which an LF may raise.

    Raises:
        FaultBudgetExceeded: an LF raised on more rows than allowed.
        InvalidVote: an LF returned something that is no vote.

    Example:
        >>> from weakft import regex_lf
        >>> rows = pd.DataFrame({"text": [f"text {i}" for i in range(60)]})
        >>> faults = find_faults([regex_lf("any", "t", 1), regex_lf("none", "(x+)+y", 0)], rows)
        >>> [(fault.lf, fault.rule) for fault in faults]
        [('any', 'always_votes'), ('none', 'never_votes'), ('none', 'backtracks')]
    """
    L = apply_lfs(
        lfs,
        sample,
        id_column=id_column,
        text_column=text_column,
        unquoted=unquoted,
        time_limit=time_limit,
        max_fault_rate=max_fault_rate,
        what="sampled train",
    )
    rows = _trapped_rows(sample, label_column)
    found = []
    for j, lf in enumerate(lfs):
        found += [
            *_about_votes(L, j),
            *_about_label(lf, rows, label_column, time_limit),
            *_about_patterns(lf),
            *_about_purity(lf),
        ]
    return [*found, *_about_spelling(lfs, L, sample, id_column, text_column), *_copies(L)]


def _about_votes(L: LabelMatrix, j: int) -> Iterator[Finding]:
    name, votes = L.lf_names[j], L.values[:, j]
    count = len(votes)
    if count < FEW_ROWS or any(fault.lf_name == name for fault in L.faults):
        return
    if (votes != ABSTAIN).all():
        constant = "the same " if len(np.unique(votes)) == 1 else ""
        message = f"votes {constant}on all of {count} rows; abstain where it does not know."
        yield Finding(name, "always_votes", message)
    if (votes == ABSTAIN).all():
        message = f"votes on none of {count} rows; loosen it, or take it out."
        yield Finding(name, "never_votes", message)


class ReadsLabel(BaseException):
    """An LF asked for the label column."""


class TrappedView(RowView):
    """A row that notes in `_sprung` whether an LF asks it for the label column."""

    __slots__ = ()
    _label: ClassVar[str] = ""
    _sprung: ClassVar[list[str]] = []

    def __getattr__(self, column: str) -> Any:  # noqa: ANN401
        self._spring(column)
        return super().__getattr__(column)

    def __getitem__(self, column: Any) -> Any:  # noqa: ANN401
        self._spring(column)
        return super().__getitem__(column)

    def get(self, column: str, default: Any = None) -> Any:  # noqa: ANN401
        """The cell, or `default` where there is no such column."""
        self._spring(column)
        return super().get(column, default)

    def _spring(self, column: Any) -> None:  # noqa: ANN401
        if column == self._label:
            self._sprung.append(column)
            raise ReadsLabel


def _trapped_rows(sample: pd.DataFrame, label_column: str) -> list[Any]:
    probed = sample.head(PROBED_ROWS).drop(columns=label_column, errors="ignore")
    trap = {"__slots__": (), "_label": label_column, "_sprung": []}
    return row_views(to_columns(probed), type("Trapped", (TrappedView,), trap))


def _about_label(
    lf: SnorkelLF, rows: Sequence[Any], label_column: str, time_limit: float | None
) -> Iterator[Finding]:
    column = getattr(lf, "column", None)
    if column == label_column or (not lf._pre and _any_reads_label(lf, rows, time_limit)):
        message = (
            f"reads the label column {label_column!r}, which no row shows it: a rule that "
            "knows the answer teaches nothing. Judge by other columns."
        )
        yield Finding(lf.name, "reads_label", message)


def _any_reads_label(lf: SnorkelLF, rows: Sequence[Any], time_limit: float | None) -> bool:
    seen = 0
    with contextlib.suppress(TimeLimitExceeded), patience(time_limit, lambda: seen) as late:
        for row in rows:
            if _reads_label(lf, row):
                return True
            if late:
                return False
            seen += 1
    return False


def _reads_label(lf: Callable[[Any], Any], row: Any) -> bool:  # noqa: ANN401
    row._sprung.clear()
    with noted_signals() as interrupts:
        with contextlib.suppress(BaseException):  # faults count where votes are cast
            lf(row)
        interrupts.reraise()
    return bool(row._sprung)


def _about_patterns(lf: SnorkelLF) -> Iterator[Finding]:
    for pattern in _patterns_of(lf):
        if (text := backtracks(pattern)) is not None:
            message = (
                f"/{pattern.pattern:.60}/ takes exponential time on texts like "
                f"{text[:12]!r}...; do not repeat what is itself repeated, as in (a+)+."
            )
            yield Finding(lf.name, "backtracks", message)


def _patterns_of(lf: SnorkelLF) -> list[re.Pattern[str]]:
    """The LF's own pattern, or the compiled ones that its function names or closes over."""
    if isinstance(lf, PatternLF):
        return [lf.pattern]
    function = lf._f
    names = getattr(getattr(function, "__code__", None), "co_names", ())
    scope = getattr(function, "__globals__", {})
    cells = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    seen = [*(scope.get(name) for name in names), *cells, *lf._resources.values()]
    return [value for value in seen if isinstance(value, re.Pattern)]


def _about_spelling(
    lfs: Sequence[SnorkelLF], L: LabelMatrix, sample: pd.DataFrame, id_column: str, text_column: str
) -> Iterator[Finding]:
    """LFs that would vote otherwise if they compared normal forms of texts."""
    literal = [lf for lf in lfs if getattr(lf, "normalization", ...) is None]
    if not literal:
        return
    variants = [lf.normalized() for lf in literal]
    normal = apply_lfs(variants, sample, id_column=id_column, text_column=text_column)
    for j, lf in enumerate(literal):
        was, now = L.values[:, L.lf_names.index(lf.name)], normal.values[:, j]
        more = int(((was == ABSTAIN) & (now != ABSTAIN)).sum())
        other = int((was != now).sum()) - more
        if more or other:
            fewer = f", and otherwise on {other}" if other else ""
            message = (
                f"would vote on {more} more of {len(was)} rows with normalize=True{fewer}: they "
                "spell what it looks for another way (apostrophes, spaces, accents, HTML). Set "
                "it (in a rules file the option `normalize`) if these rows are meant."
            )
            yield Finding(lf.name, "spelling", message)


def _about_purity(lf: SnorkelLF) -> Iterator[Finding]:
    if getattr(lf, "pure", None) is False:
        return
    try:
        fingerprint(lf)
    except NotCacheable as why:
        message = (
            f"{why}: its votes cannot be kept between runs. If they hang on a clock, the network "
            "or chance, say so with pure=False; if on the row alone, with pure=True."
        )
        yield Finding(lf.name, "impure", message)


def _copies(L: LabelMatrix) -> Iterator[Finding]:
    for pair in near_copies(L):
        message = (
            f"agrees with {pair.first} on {pair.agreement:.0%} of {pair.rows} rows, nearly all of "
            "both: together they count twice. Merge them."
        )
        yield Finding(pair.second, "near_copy", message)
