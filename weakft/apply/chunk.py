"""LFs x one chunk of rows: the same function in this process, in others and on a cluster."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from types import CoroutineType
from typing import Any

import numpy as np
import numpy.typing as npt
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.apply.budget import FaultBudget
from weakft.apply.patience import patience
from weakft.apply.prepared import PreparedRows
from weakft.apply.rows import ReadsMore, one_column_views, row_views
from weakft.apply.scan import scan
from weakft.apply.shown import clean, fault_text, value_of
from weakft.data.cells import Columns
from weakft.errors import InvalidVote, LFError
from weakft.images import DIGEST
from weakft.interrupts import Interrupts, noted_signals
from weakft.labels import ABSTAIN, MAX_CARDINALITY, SMALL_CARDINALITY, Fault, Votes, vote_dtype
from weakft.lf import ColumnLF, LabelingFunction, PatternLF, importable_for
from weakft.lf.watch import watched
from weakft.visible import HIDDEN

Body = Callable[[Any], Any]
Positions = npt.NDArray[np.intp]


@dataclass(frozen=True)
class ChunkVotes:
    """What the LFs said about a chunk.

    Attributes:
        values: [n, m] votes.
        faults: one entry for each LF that raised.
        seconds: [m] time each LF took; those found in one scan share its time evenly.
        read_text_alone: names of the LFs that were seen to read nothing but the text column.
        overdue: names of the LFs that passed their time limit.
        read_outside: what LFs were seen to read that is no cell, by their names: a file, say.
    """

    values: Votes
    faults: tuple[Fault, ...]
    seconds: npt.NDArray[np.float64]
    read_text_alone: frozenset[str] = frozenset()
    overdue: frozenset[str] = frozenset()
    read_outside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Terms:
    """Under which terms LFs vote.

    Attributes:
        cardinality: k; votes of k and more are refused. None: 127.
        text_column: the column whose repeated cells are worth looking for.
        time_limit: seconds after which a call on one row counts as a fault; None: no limit.
        withhold: leave out of faults and refusals whatever may quote a cell.
        hide_ids: leave out row ids, too.
        budget: faults that the rows of all chunks may have; None: any number.
    """

    cardinality: int | None = None
    text_column: str = "text"
    time_limit: float | None = None
    withhold: bool = False
    hide_ids: bool = False
    budget: FaultBudget | None = None

    @property
    def classes(self) -> int:
        """Votes from here on are refused."""
        return SMALL_CARDINALITY if self.cardinality is None else self.cardinality

    @property
    def vote_dtype(self) -> "np.dtype[np.signedinteger[Any]]":
        """The type of the votes."""
        return vote_dtype(self.classes)


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
        FaultBudgetExceeded: an LF passed its time limit, and raised on more rows of this chunk
            alone than the budget of all rows allows.
        LFError: an LF ran out of memory.
    """
    with noted_signals() as interrupts, importable_for(lfs):
        return _apply(lfs, _Chunk(columns, ids, terms, interrupts))


def _apply(lfs: Sequence[SnorkelLF], chunk: "_Chunk") -> ChunkVotes:
    start = time.perf_counter()
    scanned = _scanned(lfs, chunk)
    scan_share = (time.perf_counter() - start) / max(len(scanned), 1)
    seconds = np.array([scan_share if lf.name in scanned else 0.0 for lf in lfs])
    values = np.full((len(chunk.ids), len(lfs)), ABSTAIN, dtype=chunk.terms.vote_dtype)
    faults: list[Fault] = []
    read_outside: dict[str, str] = {}
    for j, lf in enumerate(lfs):
        start = time.perf_counter()
        if lf.name in scanned:
            values[scanned[lf.name], j] = lf.label
        else:
            with watched() as seen:
                values[:, j], fault = chunk.votes_of(lf)
            faults += [fault] if fault else []
            if found := sorted(seen.outside | seen.folders | (seen.files - chunk.known_files())):
                read_outside[lf.name] = found[0]
        seconds[j] += time.perf_counter() - start
    return ChunkVotes(
        values,
        tuple(faults),
        seconds,
        frozenset(chunk.read_text_alone),
        frozenset(chunk.overdue),
        read_outside,
    )


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
    interrupts: Interrupts
    _cells: dict[str, _Cells] = field(default_factory=dict)
    _views: list[Any] | None = None
    _text_views: tuple[list[Any], list[Any]] | None = None
    _prepared: dict[tuple[int, ...], PreparedRows] = field(default_factory=dict)
    read_text_alone: set[str] = field(default_factory=set)
    overdue: set[str] = field(default_factory=set)

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

    def known_files(self) -> frozenset[str]:
        """Images that cells name, where another cell holds the digest of their content."""
        if DIGEST not in self.columns:
            return frozenset()
        cells = (cell for column in self.columns.values() for cell in column)
        return frozenset(cell for cell in cells if isinstance(cell, str))

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
        every = np.arange(len(self.ids))
        return self._asked(lf, _Shown(rows, every, np.ones_like(every)))

    def prepared(self, lf: SnorkelLF) -> PreparedRows:
        """The rows after the LF's preprocessors, which run once for all LFs that share them."""
        key = tuple(map(id, lf._pre))
        if key not in self._prepared:
            self._prepared[key] = PreparedRows(lf._pre, self.columns, self.interrupts)
        return self._prepared[key]

    def _at_once(self, lf: ColumnLF) -> Votes | None:
        """Votes on distinct cells in one call, or None where some cell makes it raise."""
        cells = self.cells(lf.column)
        votes = None
        with suppress(BaseException):
            votes = list(lf.votes(cells.distinct))
        self.interrupts.reraise()
        if votes is None or len(votes) != len(cells.distinct):
            return None
        first = np.full(len(cells.distinct), len(self.ids))
        np.minimum.at(first, cells.codes, np.arange(len(self.ids)))
        return self._checked(lf, votes, first)[cells.codes]

    def _may_read_text_alone(self, lf: SnorkelLF) -> bool:
        impure = getattr(lf, "pure", None) is False
        return not impure and not lf._pre and self.terms.text_column in self.columns

    def _on_distinct_texts(self, lf: SnorkelLF) -> tuple[Votes, Fault | None]:
        """What an LF that reads the text alone says of each distinct text.

        Raises:
            ReadsMore: it reads something else.
        """
        cells = self.cells(self.terms.text_column)
        rows, beyond = self.text_views
        beyond.clear()
        where = np.argsort(cells.codes, kind="stable")
        first = where[np.searchsorted(cells.codes[where], np.arange(len(rows)))]
        counts = np.bincount(cells.codes, minlength=len(rows))
        votes, fault = self._asked(lf, _Shown(rows, first, counts, beyond))
        self.read_text_alone.add(lf.name)
        return votes[cells.codes], fault

    def _asked(self, lf: SnorkelLF, shown: "_Shown") -> tuple[Votes, Fault | None]:
        """The votes of one LF, called on one view after the other; where it raises it abstains.

        Raises:
            ReadsMore: it asked for a column that the views do not show.
            FaultBudgetExceeded, InvalidVote, LFError: see `apply_chunk`.
        """
        body, signals = _body(lf), self.interrupts.raised
        votes: list[Any] = []
        raised = _Raised(lf.name, shown)
        remaining = iter(shown.rows)
        with patience(self.terms.time_limit, lambda: len(votes)) as late:
            while len(votes) < len(shown.first):
                try:
                    for row in remaining:
                        vote = body(row)
                        if late or signals:  # which the LF swallowed
                            raise late[-1] if late else signals[0]
                        votes.append(vote)
                except BaseException as error:
                    votes.append(ABSTAIN)  # before all else: progress, so that no tick raises here
                    self.interrupts.reraise()
                    if shown.beyond:
                        break
                    raised.add(len(votes) - 1, late[-1] if late else error)
                    if late:
                        late.clear()
                        self.overdue.add(lf.name)
                        raised.refuse_early(self.terms, self.ids)
                    elif issubclass(type(error), MemoryError):
                        raise raised.out_of_memory(self.ids, self.terms) from error
        self.interrupts.reraise()
        if shown.beyond:
            raise ReadsMore(shown.beyond)
        return self._checked(lf, votes, shown.first), raised.fault(self.ids, self.terms)

    def _checked(self, lf: SnorkelLF, votes: list[Any], first: Positions) -> Votes:
        ids = [self.ids[row] for row in first]
        return checked_votes(votes, lf.name, ids, self.terms)


@dataclass(frozen=True)
class _Shown:
    """What an LF is called with.

    Attributes:
        rows: r views of rows, each of which may stand for several.
        first: [r] the first row of the chunk that each stands for, ascending.
        counts: [r] how many rows each stands for.
        beyond: not empty once an LF asked for a column that the views do not show.
    """

    rows: Iterable[Any]
    first: Positions
    counts: Positions
    beyond: Sequence[Any] = ()


class _Raised:
    """Where one LF raised."""

    def __init__(self, lf_name: str, shown: _Shown) -> None:
        self._name = lf_name
        self._shown = shown
        self._positions: list[int] = []
        self._error: BaseException | None = None  # the first
        self._start = time.perf_counter()

    def add(self, position: int, error: BaseException) -> None:
        self._positions.append(position)
        if self._error is None:
            self._error = error

    def fault(self, ids: Sequence[str], terms: Terms) -> Fault | None:
        if self._error is None:
            return None
        row = self._shown.first[self._positions[0]]
        text = fault_text(self._error, withhold=terms.withhold)
        return Fault(self._name, self._count(), ids[row], text, withheld=terms.withhold)

    def refuse_early(self, terms: Terms, ids: Sequence[str]) -> None:
        if terms.budget is not None and terms.budget.is_exceeded_by(self._count()):
            fault = self.fault(ids, terms)
            assert fault is not None
            seconds = {self._name: time.perf_counter() - self._start}
            terms.budget.refuse_early(recorded([fault], terms), seconds, terms.time_limit)

    def out_of_memory(self, ids: Sequence[str], terms: Terms) -> LFError:
        row_id = HIDDEN if terms.hide_ids else ids[self._shown.first[self._positions[-1]]]
        return LFError(
            f"LF {self._name!r} ran out of memory on row {row_id!r}. Let it abstain on such rows, "
            "or give the process more memory.",
            lf_name=self._name,
            row_id=row_id,
        )

    def _count(self) -> int:
        return int(self._shown.counts[self._positions].sum())


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


def checked_votes(votes: list[Any], lf_name: str, ids: Sequence[str], terms: Terms) -> Votes:
    """Votes as an array, None as ABSTAIN.

    Raises:
        InvalidVote: a vote is no class index, with the LF and the first such row.
    """
    limit = terms.classes
    if len(votes) != len(ids):  # numpy would spread a single vote over all rows
        raise RuntimeError(f"{len(votes)} votes of LF {lf_name!r} on {len(ids)} rows")
    refused = [kind for kind in _kinds_of(votes) if not _is_vote_type(kind)]
    if refused:
        position = next(
            i for i, vote in enumerate(votes) if any(type(vote) is kind for kind in refused)
        )
        error = _invalid_vote(lf_name, votes[position], ids[position], limit, terms)
        for vote in votes:
            if type(vote) is CoroutineType:
                vote.close()
        raise error
    numbers = [vote if type(vote) is int else _number(vote) for vote in votes]
    if numbers and not ABSTAIN <= min(numbers) <= max(numbers) < limit:
        position = next(i for i, vote in enumerate(numbers) if not ABSTAIN <= vote < limit)
        raise _invalid_vote(lf_name, votes[position], ids[position], limit, terms)
    return np.array(numbers, dtype=terms.vote_dtype)


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


def _kinds_of(votes: Iterable[Any]) -> list[type]:
    try:
        return list(set(map(type, votes)))
    except BaseException:  # of a metaclass whose objects have no hash
        return list({id(kind): kind for kind in map(type, votes)}.values())


def _is_vote_type(kind: type) -> bool:
    if kind is type(None):
        return True
    if issubclass(kind, np.timedelta64):  # an integer to numpy
        return False
    return issubclass(kind, int | np.integer) and kind is not bool


def _number(vote: Any) -> int:  # noqa: ANN401
    """The vote as a plain int, without calling what a subclass of the user's overrides."""
    if vote is None:
        return ABSTAIN
    return int.__index__(vote) if issubclass(type(vote), int) else int(np.generic.item(vote))


def _name_of(kind: type) -> str:
    """The name of a class, whatever its metaclass makes of it."""
    return clean(str(vars(type)["__name__"].__get__(kind)))


def _invalid_vote(
    lf_name: str,
    vote: Any,  # noqa: ANN401
    row_id: str,
    limit: int,
    terms: Terms,
) -> InvalidVote:
    kind = type(vote)
    hint = ""
    if kind is bool or kind is np.bool_:
        hint = " A comparison is no vote; write `return SPAM if ... else ABSTAIN`."
    if kind is CoroutineType:
        hint = " An LF is a plain function: take out `async`."
    elif (
        terms.cardinality is None
        and _is_vote_type(kind)
        and limit <= _number(vote) < MAX_CARDINALITY
    ):
        hint = f" Of more than {limit} classes, give their number as cardinality."
    returned = HIDDEN if terms.withhold else value_of(vote)
    row_id = HIDDEN if terms.hide_ids else row_id
    return InvalidVote(
        f"LF {lf_name!r} returned {returned} ({_name_of(kind)}) on row {row_id!r}; a vote is "
        f"a class index 0..{limit - 1}, ABSTAIN (-1) or None.{hint}",
        lf_name=lf_name,
        row_id=row_id,
    )
