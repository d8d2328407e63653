"""LFs x one chunk of rows: the same function in this process, in others and on a cluster."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.apply.patience import patience
from weakft.apply.prepared import PreparedRows
from weakft.apply.rows import ReadsMore, one_column_views, row_views
from weakft.apply.scan import scan
from weakft.data.cells import Columns
from weakft.errors import InvalidVote
from weakft.labels import ABSTAIN, MAX_CARDINALITY, Fault, Votes
from weakft.lf import ColumnLF, LabelingFunction, PatternLF
from weakft.recording import traceback_of
from weakft.visible import HIDDEN

Body = Callable[[Any], Any]


@dataclass(frozen=True)
class ChunkVotes:
    """What the LFs said about a chunk.

    Attributes:
        values: [n, m] votes.
        faults: one entry for each LF that raised.
        seconds: [m] time each LF took; those found in one scan share its time evenly.
        read_text_alone: names of the LFs that were seen to read nothing but the text column.
    """

    values: Votes
    faults: tuple[Fault, ...]
    seconds: npt.NDArray[np.float64]
    read_text_alone: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Terms:
    """Under which terms LFs vote.

    Attributes:
        cardinality: k; votes of k and more are refused. None: of 127 and more.
        text_column: the column whose repeated cells are worth looking for.
        time_limit: seconds after which a call on one row counts as a fault; None: no limit.
        withhold: leave out of faults and refusals whatever may quote a cell.
        hide_ids: leave out row ids, too.
    """

    cardinality: int | None = None
    text_column: str = "text"
    time_limit: float | None = None
    withhold: bool = False
    hide_ids: bool = False


def apply_chunk(
    lfs: Sequence[SnorkelLF], columns: Columns, ids: Sequence[str], terms: Terms
) -> ChunkVotes:
    """Let every LF vote on every row.

    Args:
        lfs: m labeling functions.
        columns: the n cells of each column.
        ids: n row ids, for messages.
        terms: what is allowed.

    Raises:
        InvalidVote: an LF returned something other than a class index, ABSTAIN or None.
    """
    chunk = _Chunk(columns, ids, terms)
    start = time.perf_counter()
    scanned = _scanned(lfs, chunk)
    scan_share = (time.perf_counter() - start) / max(len(scanned), 1)
    seconds = np.array([scan_share if lf.name in scanned else 0.0 for lf in lfs])
    values = np.full((len(ids), len(lfs)), ABSTAIN, dtype=np.int8)
    faults: list[Fault] = []
    for j, lf in enumerate(lfs):
        start = time.perf_counter()
        if lf.name in scanned:
            values[scanned[lf.name], j] = lf.label
        else:
            values[:, j], fault = chunk.votes_of(lf)
            faults += [fault] if fault else []
        seconds[j] += time.perf_counter() - start
    return ChunkVotes(values, tuple(faults), seconds, frozenset(chunk.read_text_alone))


@dataclass(frozen=True)
class _Cells:
    """The cells of one column, each distinct text once.

    Attributes:
        distinct: u cells.
        codes: [n] position among them of each row's cell.
        text: whether every cell is a string.
    """

    distinct: list[Any]
    codes: npt.NDArray[np.intp]
    text: bool

    @classmethod
    def of(cls, cells: Sequence[Any]) -> "_Cells":
        if set(map(type, cells)) <= {str}:
            positions: dict[str, int] = {}
            codes = [positions.setdefault(cell, len(positions)) for cell in cells]
            return cls(list(positions), np.array(codes, dtype=np.intp), text=True)
        return cls(list(cells), np.arange(len(cells)), text=False)


@dataclass
class _Chunk:
    columns: Columns
    ids: Sequence[str]
    terms: Terms
    _cells: dict[str, _Cells] = field(default_factory=dict)
    _views: list[Any] | None = None
    _text_views: tuple[list[Any], list[Any]] | None = None
    _prepared: dict[tuple[int, ...], PreparedRows] = field(default_factory=dict)
    read_text_alone: set[str] = field(default_factory=set)

    def cells(self, column: str) -> _Cells:
        if column not in self._cells:
            self._cells[column] = _Cells.of(self.columns[column])
        return self._cells[column]

    @property
    def views(self) -> list[Any]:
        if self._views is None:
            self._views = row_views(self.columns)
        return self._views

    @property
    def text_views(self) -> tuple[list[Any], list[Any]]:
        """A view of each distinct text, and the list of what an LF asked for beyond it."""
        if self._text_views is None:
            column = self.terms.text_column
            self._text_views = one_column_views(column, self.cells(column).distinct)
        return self._text_views

    def votes_of(self, lf: SnorkelLF) -> tuple[Votes, Fault | None]:
        """[n] votes of one LF, and its fault; patterns on which the scan gave up go row by row."""
        at_once = isinstance(lf, ColumnLF) and not isinstance(lf, PatternLF)
        if at_once and lf.column in self.columns:
            found = self._at_once(lf)
            if found is not None:
                return found, None
        elif self._may_read_text_alone(lf):
            try:
                return self._on_distinct_texts(lf)
            except ReadsMore:
                pass
        rows = self.prepared(lf) if lf._pre else self.views
        votes, raised = _call(_body(lf), rows, self.terms)
        return self._checked(lf, votes, self.ids), self._fault(lf, raised)

    def prepared(self, lf: SnorkelLF) -> PreparedRows:
        """The rows after the LF's preprocessors, which run once for all LFs that share them."""
        key = tuple(map(id, lf._pre))
        if key not in self._prepared:
            self._prepared[key] = PreparedRows(lf._pre, self.columns)
        return self._prepared[key]

    def _at_once(self, lf: ColumnLF) -> Votes | None:
        """Votes on distinct cells in one call, or None where some cell makes it raise."""
        cells = self.cells(lf.column)
        try:
            votes = list(lf.votes(cells.distinct))
        except Exception:
            return None
        if len(votes) != len(cells.distinct):
            return None
        first = np.full(len(cells.distinct), len(self.ids))
        np.minimum.at(first, cells.codes, np.arange(len(self.ids)))
        return self._checked(lf, votes, [self.ids[row] for row in first])[cells.codes]

    def _may_read_text_alone(self, lf: SnorkelLF) -> bool:
        pure = getattr(lf, "pure", True)
        return pure and not lf._pre and self.terms.text_column in self.columns

    def _on_distinct_texts(self, lf: SnorkelLF) -> tuple[Votes, Fault | None]:
        """What an LF that reads the text alone says of each distinct text.

        Raises:
            ReadsMore: it reads something else.
        """
        cells = self.cells(self.terms.text_column)
        rows, asked = self.text_views
        asked.clear()
        votes, raised = _call(_body(lf), rows, self.terms)
        if asked:
            raise ReadsMore(asked)
        self.read_text_alone.add(lf.name)
        where = np.argsort(cells.codes, kind="stable")
        starts = np.searchsorted(cells.codes[where], np.arange(len(rows)))
        first = where[starts]
        checked = self._checked(lf, votes, [self.ids[row] for row in first])
        counts = np.bincount(cells.codes, minlength=len(rows))
        spread = {int(first[u]): (text, int(counts[u])) for u, (text, _) in raised.items()}
        return checked[cells.codes], self._fault(lf, dict(sorted(spread.items())))

    def _fault(self, lf: SnorkelLF, raised: dict[int, tuple[str, int]]) -> Fault | None:
        if not raised:
            return None
        row, (text, _) = next(iter(raised.items()))
        count = sum(count for _, count in raised.values())
        return Fault(lf.name, count, self.ids[row], text, withheld=self.terms.withhold)

    def _checked(self, lf: SnorkelLF, votes: list[Any], ids: Sequence[str]) -> Votes:
        return checked_votes(votes, lf.name, ids, self.terms)


def _scanned(lfs: Sequence[SnorkelLF], chunk: _Chunk) -> dict[str, npt.NDArray[np.intp]]:
    """Rows on which each pattern LF votes, one scan for each column and form they read it in.

    An LF that takes too long on some text is left out.
    """
    found: dict[str, npt.NDArray[np.intp]] = {}
    patterns = [
        lf
        for lf in lfs
        if isinstance(lf, PatternLF) and lf.column in chunk.columns and chunk.cells(lf.column).text
    ]
    for column, normalization in dict.fromkeys((lf.column, lf.normalization) for lf in patterns):
        here = [lf for lf in patterns if (lf.column, lf.normalization) == (column, normalization)]
        cells = chunk.cells(column)
        texts = [normalization(t) for t in cells.distinct] if normalization else cells.distinct
        unique = len(cells.distinct) == len(cells.codes)
        for position, hits in scan([lf.pattern for lf in here], texts, chunk.terms.time_limit):
            lf = here[position]
            rows = np.array(hits, dtype=np.intp)
            if not unique:
                hit = np.zeros(len(cells.distinct), dtype=bool)
                hit[rows] = True
                rows = np.flatnonzero(hit[cells.codes])
            first = [chunk.ids[row] for row in rows[:1]]
            checked_votes([lf.label] * len(first), lf.name, first, chunk.terms)
            found[lf.name] = rows
    return found


def _body(lf: SnorkelLF) -> Body:
    """What to call with a row: the function itself where nothing of the user's lies between."""
    if type(lf).__call__ not in (SnorkelLF.__call__, LabelingFunction.__call__):
        return lambda row: lf(row)
    body: Body = partial(lf._f, **lf._resources) if lf._resources else lf._f
    if lf._pre:
        return lambda prepared: body(prepared())
    return body


def _call(
    body: Body, rows: Iterable[Any], terms: Terms
) -> tuple[list[Any], dict[int, tuple[str, int]]]:
    """Votes on the rows; a row on which the body raises abstains: (traceback, 1) by position."""
    votes: list[Any] = []
    raised: dict[int, tuple[str, int]] = {}
    remaining = iter(rows)
    with patience(terms.time_limit, lambda: len(votes)):
        while True:
            try:
                votes.extend(map(body, remaining))
                return votes, raised
            except (Exception, SystemExit) as error:
                text = "" if raised else traceback_of(error, withhold=terms.withhold)
                raised[len(votes)] = (text, 1)
                votes.append(ABSTAIN)


def checked_votes(votes: list[Any], lf_name: str, ids: Sequence[str], terms: Terms) -> Votes:
    """Votes as int8, None as ABSTAIN.

    Raises:
        InvalidVote: a vote is no class index, with the LF and the first such row.
    """
    limit = MAX_CARDINALITY if terms.cardinality is None else terms.cardinality
    refused = {kind for kind in set(map(type, votes)) if not _is_vote_type(kind)}
    if refused:
        position = next(i for i, vote in enumerate(votes) if type(vote) in refused)
        raise _invalid_vote(lf_name, votes[position], ids[position], limit, terms)
    numbers = [ABSTAIN if vote is None else int(vote) for vote in votes]
    if numbers and not ABSTAIN <= min(numbers) <= max(numbers) < limit:
        position = next(i for i, vote in enumerate(numbers) if not ABSTAIN <= vote < limit)
        raise _invalid_vote(lf_name, votes[position], ids[position], limit, terms)
    return np.array(numbers, dtype=np.int8)


def merged(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """One fault for each LF: counts added, the first traceback kept."""
    by_name: dict[str, Fault] = {}
    for fault in faults:
        earlier = by_name.get(fault.lf_name)
        by_name[fault.lf_name] = (
            replace(earlier, count=earlier.count + fault.count) if earlier else fault
        )
    return tuple(by_name.values())


def recorded(faults: Iterable[Fault], terms: Terms) -> tuple[Fault, ...]:
    """One fault for each LF, as it is kept and shown: without row ids where they are hidden."""
    found = merged(faults)
    return tuple(replace(fault, row_id=HIDDEN) for fault in found) if terms.hide_ids else found


def _is_vote_type(kind: type) -> bool:
    if kind is type(None):
        return True
    return issubclass(kind, int | np.integer) and kind is not bool


def _invalid_vote(
    lf_name: str,
    vote: Any,  # noqa: ANN401
    row_id: str,
    limit: int,
    terms: Terms,
) -> InvalidVote:
    hint = " A comparison is no vote; write `return SPAM if ... else ABSTAIN`."
    returned = HIDDEN if terms.withhold else repr(vote)
    row_id = HIDDEN if terms.hide_ids else row_id
    return InvalidVote(
        f"LF {lf_name!r} returned {returned} ({type(vote).__name__}) on row {row_id!r}; a vote is "
        f"a class index 0..{limit - 1}, ABSTAIN (-1) or None."
        + (hint if isinstance(vote, bool | np.bool_) else ""),
        lf_name=lf_name,
        row_id=row_id,
    )
