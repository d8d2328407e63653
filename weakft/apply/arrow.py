"""Batches of rows in, batches of votes out: what Spark's `mapInArrow` takes."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import pyarrow as pa
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.apply.chunk import Terms, merged
from weakft.apply.processes import apply_sent, new_call, sendable
from weakft.data.cells import Columns, frame_of, to_columns
from weakft.data.checked import checked_ids
from weakft.data.quoting import quoted_columns
from weakft.errors import DataError
from weakft.labels import Fault, Votes
from weakft.lf import check_lfs

Batches = Iterable[pa.RecordBatch]


def log_faults(faults: Sequence[Fault]) -> None:
    """Log a warning for each LF that raised."""
    for fault in faults:
        logging.getLogger("weakft").warning(
            "LF %r raised on %d rows, first %r:\n%s",
            *(fault.lf_name, fault.count, fault.row_id, fault.traceback),
        )


def arrow_votes(
    lfs: Sequence[SnorkelLF],
    *,
    cardinality: int | None = None,
    id_column: str = "id",
    text_column: str = "text",
    time_limit: float | None = 10.0,
    on_faults: Callable[[Sequence[Fault]], None] = log_faults,
) -> Callable[[Batches], Iterator[pa.RecordBatch]]:
    """A function from batches of rows to batches of votes, for other engines to call.

    The function may travel: LFs from files are loaded where it runs, from the same paths; other
    LFs travel inside it.

    Args:
        lfs: m labeling functions, names distinct.
        cardinality: k; votes of k and more are refused. 127 if None.
        id_column: the column of row ids; they need not be distinct.
        text_column: the column whose repeated cells are looked at once.
        time_limit: seconds that an LF may take on one row before that counts as a fault.
        on_faults: called where the function runs, after the last batch, if some LF raised.

    Returns:
        For each batch one with a string `id` and a column for each LF, int8 where k is up to 127,
        else int16. It raises
        DataError where the id column is missing or holds a null, and InvalidVote.

    Raises:
        ConfigError: the list of LFs is empty.
        LFError: an element is no LF or a name is taken twice.

    Example:
        >>> from weakft import keyword_lf
        >>> vote = arrow_votes([keyword_lf("praises", ["great"], 1)])
        >>> rows = pa.RecordBatch.from_pydict({"id": [7, 8], "text": ["Great!", "Broke."]})
        >>> [batch.to_pydict() for batch in vote([rows])]
        [{'id': ['7', '8'], 'praises': [1, -1]}]
    """
    check_lfs(lfs)
    sent, names = sendable(lfs, new_call()), [lf.name for lf in lfs]
    terms = Terms(cardinality, text_column, time_limit)

    def vote(batches: Batches) -> Iterator[pa.RecordBatch]:
        """The votes on each batch; faults are told after the last."""
        faults: tuple[Fault, ...] = ()
        for batch in batches:
            columns, ids = cells_of(batch, id_column)
            part = apply_sent(sent, columns, ids, terms)
            faults = merged([*faults, *part.faults])
            yield votes_batch(votes_schema(names, terms), ids, part.values)
        if faults:
            on_faults(faults)

    return vote


def cells_of(
    batch: pa.RecordBatch, id_column: str, *, hidden: Collection[str] = ()
) -> tuple[Columns, list[str]]:
    """The cells of each column as LFs see them, ids as text; and the row ids.

    No message quotes cells of `hidden` columns.

    Raises:
        DataError: there is no id column, an id is null or empty, or neither text nor number.
    """
    names = batch.schema.names
    if id_column not in names:
        raise DataError(
            f"Rows: wanted a column {id_column!r} of ids, got {quoted_columns(names, hidden)}."
        )
    ids = batch.column(id_column)
    if ids.null_count:
        raise DataError(
            f"Rows: {ids.null_count} of {len(ids)} in a batch have no {id_column!r}. Give each "
            "row an id that stays when rows are added."
        )
    columns = to_columns(frame_of(batch))
    texts = checked_ids(columns[id_column], id_column, "Rows of a batch", hidden=hidden)
    return {**columns, id_column: texts}, texts


def votes_schema(names: Iterable[str], terms: Terms) -> pa.Schema:
    """A string `id`, and a column of votes for each LF."""
    votes = pa.from_numpy_dtype(terms.vote_dtype)
    return pa.schema([("id", pa.string()), *((name, votes) for name in names)])


def votes_batch(schema: pa.Schema, ids: Sequence[str], values: Votes) -> pa.RecordBatch:
    """The [n, m] votes as a batch of a `votes_schema`."""
    columns = [pa.array(values[:, j]) for j in range(values.shape[1])]
    return pa.record_batch([pa.array(ids, pa.string()), *columns], schema=schema)
