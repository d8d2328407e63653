"""The road from a file of rows to a file of predictions."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from weakft.config import DataConfig, Task
from weakft.errors import DataError
from weakft.files import sha256
from weakft.images import checked_images
from weakft.labels import Probs
from weakft.narration import SILENCE, Advance, Narrator, Silence
from weakft.prediction.parts import Parts, parts_of
from weakft.prediction.reading import Chunk, Source
from weakft.prediction.writing import WRITERS, write_tables
from weakft.runs import Json

CHUNK_ROWS = 16_384


@dataclass(frozen=True)
class Predicted:
    """What `predict_file` did.

    Attributes:
        rows: n.
        counts: rows by predicted class, the most frequent first.
        resumed: rows that an earlier, interrupted call had predicted.
    """

    rows: int
    counts: dict[str, int]
    resumed: int


def predict_file(
    model: Path,
    source: Path,
    target: Path,
    columns: DataConfig,
    *,
    task: Task = "text",
    hidden: Collection[str] = (),
    chunk_rows: int = CHUNK_ROWS,
    narrator: Narrator = SILENCE,
) -> Predicted:
    """Predict the class of every row of a file; the answers make another file.

    The rows are looked at twice: all of them are checked before the first is predicted. Complete
    chunks are kept in the hidden folder `.TARGET.parts` beside the target, and a call with the
    same source, model and columns goes on behind them; images are then taken to be unchanged.

    Args:
        model: folder of an end model, as `EndModel.save` writes it.
        source: Parquet, CSV (UTF-8, header) or JSONL, by its suffix.
        target: becomes Parquet, CSV (probabilities with 6 digits) or JSONL with `id`,
            `predicted` and `p_<class>` for each class, rows in their order; written whole or not
            at all. `predicted` is the class of the highest probability; where two or more are
            exactly as high, the first of them in `[project] classes`.
        columns: names of the columns of ids and of texts or images.
        task: what the rows are: texts, or paths of images.
        hidden: columns whose cells no message quotes.
        chunk_rows: rows held in memory at a time; the answers do not depend on it.
        narrator: told of the progress.

    Raises:
        DataError: the source is refused, see `Source.count`; an image cannot be read; the source
            changed meanwhile; the target is of another kind, or cannot be written.
        ModelNotFound: the folder holds no end model.
        LockedError: another process makes this target.
    """
    _refuse_target(target, source)
    content = columns.image if task == "image" else columns.text
    rows = Source(source, columns.id, content, chunk_rows, hidden)
    state = _state(source)
    total = rows.count()
    about = _about(rows, model, task)
    with parts_of(target, about) as parts:
        resumed = parts.rows()
        if resumed:
            narrator.say(f"{resumed} of {total} rows were predicted before; going on behind them.")
        with narrator.task("Predicting", total=total, unit="rows") as advance:
            advance(resumed)
            if resumed < total:
                _predict(model, rows, task, parts, resumed, advance)
        if _state(source) != state:
            raise DataError(f"{source} changed while it was read. Try again when it is complete.")
        counts = _assemble(parts, target, total)
    return Predicted(total, counts, resumed)


def _predict(
    model: Path, rows: Source, task: Task, parts: Parts, start: int, advance: Advance
) -> None:
    from weakft.end_model import EndModel  # imports torch

    loaded = EndModel.load(model)
    for chunk in rows.chunks():
        if chunk.first < start:
            continue
        contents = chunk.contents
        if task == "image":
            contents = checked_images(
                contents,
                chunk.ids,
                rows.path,
                chunk.first,
                name=rows.content_column,
                quoting=rows.quoting,
            )[0]
        probs = loaded.predict_proba(contents, narrator=_Within(advance))
        parts.write(chunk.first, _table(chunk, probs, loaded.classes))


def _table(chunk: Chunk, probs: Probs, classes: Sequence[str]) -> pa.Table:
    predicted = [classes[k] for k in probs.argmax(axis=1)]
    columns = {"id": pa.array(chunk.ids, pa.string()), "predicted": pa.array(predicted)}
    return pa.table(columns | {f"p_{name}": probs[:, k] for k, name in enumerate(classes)})


def _assemble(parts: Parts, target: Path, total: int) -> dict[str, int]:
    counts: Counter[str] = Counter()
    first = next(parts.tables(), pa.table({}))

    def tables() -> Iterator[pa.Table]:
        for table in parts.tables():
            counts.update(table["predicted"].to_pylist())
            yield table

    write_tables(tables(), first.schema, parts.unfinished, target.suffix)
    if counts.total() != total:
        raise DataError(
            f"{parts.folder}: wanted the answers for {total} rows, got {counts.total()}: what was "
            "kept there was damaged meanwhile. The same command makes the rest again."
        )
    parts.unfinished.replace(target)
    return dict(counts.most_common())


def _about(rows: Source, model: Path, task: Task) -> Json:
    return {
        "source": sha256(rows.path),
        "columns": [rows.id_column, rows.content_column],
        "task": task,
        "model": _digest(model),
        "chunk_rows": rows.chunk_rows,
    }


def _digest(folder: Path) -> str:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    listed = "\n".join(f"{sha256(file)} {file.relative_to(folder)}" for file in files)
    return hashlib.sha256(listed.encode()).hexdigest()


def _state(source: Path) -> tuple[int, int]:
    try:
        found = source.stat()
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error}. Wanted rows to predict.") from error
    return found.st_size, found.st_mtime_ns


def _refuse_target(target: Path, source: Path) -> None:
    if target.suffix not in WRITERS:
        raise DataError(f"{target}: wanted a file ending in {', '.join(WRITERS)}.")
    if not target.parent.is_dir() or target.is_dir():
        raise DataError(f"{target}: wanted a file to write in a folder that exists.")
    if target.exists() and source.exists() and target.samefile(source):
        raise DataError(f"{target}: wanted another file than the rows are read from.")


class _Within(Silence):
    """Passes the progress of a chunk on to that of the file."""

    def __init__(self, advance: Advance) -> None:
        self.advance = advance

    @contextmanager
    def task(self, name: str, total: int, unit: str) -> Iterator[Advance]:
        """What is done of the chunk is done of the file."""
        yield self.advance
