"""A project on somebody's own rows, with LFs whose words are to be replaced."""

import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from weakft.config import FILE_NAME
from weakft.data.csv_files import write_faithful_csv
from weakft.data.jsonl import records_of
from weakft.data.reading import read_frame
from weakft.errors import ConfigError, DataError
from weakft.scaffold.templates import filled, toml_string
from weakft.scaffold.writing import Started, settle, staged

ID, LABEL = "id", "label"
ID_LENGTH = 12  # hex digits


def start_with_data(
    root: Path, file: Path, classes: Sequence[str], text: str | None = None
) -> Started:
    """Make a project whose pool is a copy of a file.

    Args:
        root: its folder; may be there, but hold none of the files.
        file: CSV, Parquet or JSONL. Without a column `id` the copy gets one, made of the texts,
            so that a row keeps its id when others come.
        classes: k class names.
        text: the column of texts; None: `text`.

    Raises:
        ConfigError: `root` is a project already or holds a file of the same name, or there is
            no such column, or the classes are not at least two different names.
        DataError: the file is refused, see `weakft.dataset.read_dataset`.
    """
    _refuse_odd_classes(classes)
    frame = read_frame(file)
    column = _text_column(frame, text, file)
    with staged(root) as stage:
        (stage / "data").mkdir()
        pool = stage / "data" / f"train{file.suffix}"
        if ID in frame.columns:
            shutil.copyfile(file, pool)
        else:
            _WRITERS[file.suffix](file, frame, ids_of(frame[column]), pool)
        (stage / FILE_NAME).write_text(_settings(root.name, classes, pool.name, column), "utf-8")
        (stage / ".gitignore").write_text(filled("gitignore.in"), "utf-8")
        (stage / "labeling").mkdir()
        (stage / "labeling" / "rules.py").write_text(_rules(classes, column), "utf-8")
        try:
            started = settle(stage, root)
        except DataError as error:
            raise DataError(str(error).replace(str(pool), str(file))) from error
    return replace(started, hints=(*started.hints, *_about_labels(frame)))


def ids_of(texts: Iterable[object]) -> list[str]:
    """An id for each text, from its content; of like texts the later ones are numbered.

    Example:
        >>> ids_of(["great", "bad", "great"])
        ['87765da6ccf0', '2f05d4b689d2', '87765da6ccf0-2']
    """
    seen: Counter[str] = Counter()
    ids = []
    for text in texts:
        digest = hashlib.sha256(str(text).encode()).hexdigest()[:ID_LENGTH]
        seen[digest] += 1
        ids.append(digest if seen[digest] == 1 else f"{digest}-{seen[digest]}")
    return ids


def member_names(classes: Sequence[str]) -> list[str]:
    """Names for the members of an enumeration of the classes.

    Example:
        >>> member_names(["spam", "not spam", "not-spam", "5 stars"])
        ['SPAM', 'NOT_SPAM', 'NOT_SPAM_2', 'CLASS_5_STARS']
    """
    names: list[str] = []
    for name in classes:
        plain = re.sub(r"\W+", "_", name.upper()).strip("_")
        plain = plain if plain.isidentifier() else f"CLASS_{plain}".rstrip("_")
        taken = sum(re.fullmatch(rf"{plain}(_\d+)?", other) is not None for other in names)
        names.append(f"{plain}_{taken + 1}" if taken else plain)
    return names


def _refuse_odd_classes(classes: Sequence[str]) -> None:
    if len(classes) < 2 or "" in classes or len(set(classes)) < len(classes):
        raise ConfigError(
            f"Wanted at least two different names of classes, got {list(classes)}. Say what is to "
            "be told apart, as in --classes spam,ham."
        )


def _text_column(frame: pd.DataFrame, wanted: str | None, file: Path) -> str:
    column = wanted or "text"
    if column not in frame.columns:
        raise ConfigError(
            f"{file}: wanted a column {column!r}, got {list(frame.columns)}. Say which one holds "
            "the texts: --text COLUMN."
        )
    return column


def _about_labels(frame: pd.DataFrame) -> tuple[str, ...]:
    labelled = int(frame[LABEL].notna().sum()) if LABEL in frame.columns else 0
    if not labelled:
        return ()
    have = "row has" if labelled == 1 else "rows have"
    return (
        f"{labelled:,} {have} a {LABEL!r}, which is not read in train: move rows labelled by hand "
        f"out of it, into files that {FILE_NAME} names as dev, valid and test.",
    )


def _settings(name: str, classes: Sequence[str], pool: str, text: str) -> str:
    values = {
        "NAME": toml_string(name),
        "CLASSES": f"[{', '.join(map(toml_string, classes))}]",
        "TRAIN_FILE": toml_string(f"data/{pool}"),
        "TEXT": toml_string(text),
        "SETTINGS": filled("settings.toml.in"),
    }
    return filled("own/weakft.toml.in", values)


def _rules(classes: Sequence[str], text: str) -> str:
    members = member_names(classes)
    literal = json.dumps(text, ensure_ascii=False)
    values = {
        "MEMBERS": "\n".join(f"    {member} = {k}" for k, member in enumerate(members)),
        "FIRST": members[0],
        "SECOND": members[1],
        "COLUMN": "" if text == "text" else f", column={literal}",
        "CELL": "x.text" if text == "text" else f"x[{literal}]",
    }
    return filled("own/rules.py.in", values)


def _write_csv(file: Path, frame: pd.DataFrame, ids: list[str], target: Path) -> None:
    write_faithful_csv(frame.assign(**{ID: ids})[[ID, *frame.columns]], target)


def _write_parquet(file: Path, frame: pd.DataFrame, ids: list[str], target: Path) -> None:
    table = pq.read_table(file)
    pq.write_table(table.add_column(0, ID, pa.array(ids, pa.string())), target)


def _write_jsonl(file: Path, frame: pd.DataFrame, ids: list[str], target: Path) -> None:
    """Line by line, so that each row keeps the columns that it has."""
    with target.open("w", encoding="utf-8") as copy:
        for row_id, record in zip(ids, records_of(file), strict=True):
            copy.write(json.dumps({ID: row_id, **record}, ensure_ascii=False) + "\n")


_WRITERS: dict[str, Callable[[Path, pd.DataFrame, list[str], Path], None]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".jsonl": _write_jsonl,
}
