"""Rows after Snorkel's preprocessors: each prepared once, none copied by pickling."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from weakft.apply.rows import namespaces
from weakft.data.cells import Columns
from weakft.interrupts import Interrupts


class PreparedRows:
    """Rows behind a chain of preprocessors, shared by all LFs that use the same chain.

    A preprocessor like `SpacyPreprocessor`, whose `_nlp` has a `pipe`, sees all texts at once.

    Args:
        chain: Snorkel preprocessors, the first to run first.
        columns: n cells by column.
        interrupts: signals that a preprocessor may swallow.

    Yields:
        n functions that return the prepared row, or raise as a preprocessor did.
    """

    def __init__(self, chain: Sequence[Any], columns: Columns, interrupts: Interrupts) -> None:
        self._rows = list(namespaces(columns))
        parsed = _parse_at_once(chain[0], columns, self._rows)
        interrupts.reraise()
        self._chain = chain[1:] if parsed else chain
        self._done: dict[int, Any] = {}

    def __iter__(self) -> Iterator[Callable[[], Any]]:
        return (partial(self._row, position) for position in range(len(self._rows)))

    def __len__(self) -> int:
        return len(self._rows)

    def _row(self, position: int) -> Any:  # noqa: ANN401
        if position not in self._done:
            self._done[position] = _run(self._chain, self._rows[position])
        return self._done[position]


def _run(chain: Iterable[Any], row: Any) -> Any:  # noqa: ANN401
    for mapper in chain:
        row = mapper._generate_mapped_data_point(_run(mapper._pre, row))
        if row is None:
            raise ValueError(f"preprocessor {mapper.name!r} returned None")
    return row


def _parse_at_once(mapper: Any, columns: Columns, rows: Sequence[Any]) -> bool:  # noqa: ANN401
    """Let spaCy parse all texts in one call; False where that is not to be had."""
    pipe = getattr(getattr(mapper, "_nlp", None), "pipe", None)
    text_field = str(getattr(mapper, "field_names", {}).get("text"))
    if pipe is None or mapper._pre or text_field not in columns:
        return False
    try:
        documents = list(pipe(columns[text_field]))
    except BaseException:  # one by one, each row has its own fault
        return False
    if len(documents) != len(rows):
        return False
    for row, document in zip(rows, documents, strict=True):
        setattr(row, mapper.mapped_field_names["doc"], document)
    return True
