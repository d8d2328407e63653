"""Read train/dev/valid/test from Parquet, CSV or JSONL, and check them at the door."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from weakft.config import SPLITS, Config, DataConfig, Splits, Task
from weakft.data.checked import checked_ids, checked_texts, refuse_missing_columns
from weakft.data.quoting import Quoting
from weakft.data.reading import read_frame
from weakft.errors import DataError
from weakft.images import DIGEST, checked_images
from weakft.labels import duplicates
from weakft.review import ReviewLog
from weakft.visible import listed

LISTED = 20  # classes

Gold = npt.NDArray[np.int64]

FROM_ONE = "Do your labels count from 1? Then write class names instead, or subtract 1 from each."
NAMED_IDS = 5  # in a warning; the others are counted


@dataclass(frozen=True)
class Split:
    """The rows of one split, checked: ids distinct, no empty text, known classes.

    Attributes:
        name: train, dev, valid or test.
        frame: [n] rows as LFs may see them: every column of the file but the gold label.
        ids: n distinct row ids.
        texts: n non-empty texts; where the end model looks at images, their absolute paths.
        gold: [n] class positions, or None where the file has no label column.
        numbered: whether the file names the classes by position.
    """

    name: Splits
    frame: pd.DataFrame
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    gold: Gold | None
    numbered: bool = False

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Dataset:
    """The splits of a project; train is always there, the others may be missing.

    Attributes:
        splits: by name.
        warnings: what a person should know: a missing split, a text that stands in two.
        reviewed: class positions that people gave rows of train, by id, in the order of train.
    """

    splits: Mapping[Splits, Split]
    warnings: tuple[str, ...]
    reviewed: Mapping[str, int] = field(default_factory=dict)

    def __getitem__(self, name: Splits) -> Split:
        return self.splits[name]

    def get(self, name: Splits) -> Split | None:
        """The split, or None where the project has none of this name."""
        return self.splits.get(name)


def read_dataset(config: Config, root: Path) -> Dataset:
    """Read and check every split that `[data]` names, and the gold that people gave train.

    Raises:
        DataError: a file is missing, unreadable, empty or not UTF-8; a column is missing;
            an id is missing, empty or there twice, within a split or across two; a text is
            missing or empty, or an image cannot be read; a label is no class; labels are numbers
            and none of them is 0; dev, valid or test has no labels; the file of reviewed rows is
            broken, or a class in it is none any more.
    """
    splits: dict[Splits, Split] = {}
    for name in SPLITS:
        if file := getattr(config.data, name):
            splits[name] = read_split(
                root / file,
                name,
                config.data,
                config.classes,
                task=config.project.task,
                hidden=config.privacy.hidden,
            )
    _refuse_shared_ids(splits, Quoting(config.privacy.hidden, config.data.id))
    numbered = {
        name: split.gold
        for name, split in splits.items()
        if split.gold is not None and split.numbered
    }
    _refuse_counting_from_one({str(name): gold for name, gold in numbered.items()}, config.classes)
    reviewed, lost = _reviewed(config, root, splits["train"])
    told = [_missing(name) for name in SPLITS if name not in splits]
    told += _without_zero(numbered, config.classes)
    told += _about_thin_classes(splits, reviewed, config.classes)
    return Dataset(splits, tuple(told + _shared_texts(splits) + lost), reviewed)


def image_files(table: Path, column: str) -> list[Path]:
    """The images that a table names, in its order; none where it cannot be read.

    Paths are relative to the folder of the table.
    """
    try:
        values = read_frame(table)[column].dropna().astype(str)
    except (DataError, KeyError):
        return []
    return [table.parent / value for value in values]


def read_split(
    path: Path,
    name: Splits,
    columns: DataConfig,
    classes: tuple[str, ...],
    *,
    task: Task = "text",
    hidden: Collection[str] = (),
) -> Split:
    """Read and check one file; see `read_dataset` for what is refused.

    No message quotes cells of `hidden` columns. Of images LFs see the absolute path and, so that
    votes are known to be stale when an image is replaced, the digest of its content.
    """
    quoting = Quoting(hidden, columns.id)
    frame = read_frame(path, hidden=hidden)
    content = columns.image if task == "image" else columns.text
    needed = [columns.id, content] + ([columns.label] if name != "train" else [])
    refuse_missing_columns(frame.columns, needed, path, hidden=hidden)
    ids = _distinct_ids(frame, path, quoting)
    texts = checked_texts(frame[content].tolist(), content, ids, path, quoting=quoting)
    if task == "image":
        texts, digests = checked_images(texts, ids, path, name=content, quoting=quoting)
        frame = frame.assign(**{DIGEST: digests})
    frame = frame.assign(**{columns.id: ids, content: texts})
    if columns.label not in frame.columns or name == "train":
        visible = frame.drop(columns=columns.label, errors="ignore")
        return Split(name, visible, tuple(ids), tuple(texts), None)
    labels = frame[columns.label]
    gold = _checked_gold(labels, ids, classes, path, quoting)
    visible, numbered = frame.drop(columns=columns.label), _are_numbers(labels, classes)
    return Split(name, visible, tuple(ids), tuple(texts), gold, numbered)


def read_gold(
    path: Path,
    columns: DataConfig,
    classes: tuple[str, ...],
    *,
    hidden: Collection[str] = (),
) -> pd.Series:
    """Gold labels set aside for evaluation: class positions indexed by row id.

    No message quotes cells of `hidden` columns.

    Raises:
        DataError: as for `read_split`.
    """
    quoting = Quoting(hidden, columns.id)
    frame = read_frame(path, hidden=hidden)
    refuse_missing_columns(frame.columns, [columns.id, columns.label], path, hidden=hidden)
    ids = _distinct_ids(frame, path, quoting)
    gold = _checked_gold(frame[columns.label], ids, classes, path, quoting)
    if _are_numbers(frame[columns.label], classes):
        _refuse_counting_from_one({str(path): gold}, classes)
    return pd.Series(gold, index=ids)


def _distinct_ids(frame: pd.DataFrame, path: Path, quoting: Quoting) -> list[str]:
    name = quoting.id_column
    ids = checked_ids(frame[name].tolist(), name, path, hidden=quoting.hidden)
    if repeated := duplicates(ids):
        which = quoting.cell(name, repeated[0])
        if name in quoting.hidden:
            which = f"that of row {quoting.row(repeated[0], ids.index(repeated[0]))}"
        what = "a value occurs" if len(repeated) == 1 else f"{len(repeated):,} values occur"
        raise DataError(
            f"{path}: {name!r} must be distinct, but {what} more than once, first {which}."
        )
    return ids


def _checked_gold(
    column: pd.Series, ids: list[str], classes: tuple[str, ...], path: Path, quoting: Quoting
) -> Gold:
    names = {name: k for k, name in enumerate(classes)}
    gold = column.astype(str).map(names)
    if gold.isna().all():  # positions, then: all of the column, never a mixture
        gold = column.astype(str).map({str(k): k for k in range(len(classes))})
    if gold.isna().any():
        row = _first(gold.isna())
        known = listed([repr(name) for name in classes], LISTED)
        found = quoting.cell(str(column.name), str(column[row]))
        raise DataError(
            f"{path}: {int(gold.isna().sum())} labels are no class, first {found} on "
            f"row {quoting.row(ids[row], row)}. Classes are [{known}] ([project] classes), "
            f"or positions 0..{len(classes) - 1}.{_about_counting(column, classes)}"
        )
    return np.asarray(gold, dtype=np.int64)


def _are_numbers(column: pd.Series, classes: tuple[str, ...]) -> bool:
    return not column.astype(str).isin(classes).any()


def _about_counting(column: pd.Series, classes: tuple[str, ...]) -> str:
    from_one = column.astype(str).isin([str(k) for k in range(1, len(classes) + 1)])
    return f" {FROM_ONE}" if from_one.all() else ""


def _refuse_counting_from_one(golds: Mapping[str, Gold], classes: tuple[str, ...]) -> None:
    """Refuse positions of which none is 0, in all files together: each may be off by one."""
    if not golds or any((gold == 0).any() for gold in golds.values()):
        return
    highest = max(int(gold.max()) for gold in golds.values())
    raise DataError(
        f"{' and '.join(golds)}: labels are numbers, and none of them is 0, which stands for "
        f"{classes[0]!r}; the highest is {highest}, taken for {classes[highest]!r}. {FROM_ONE} "
        f"Where they count from 0 and no row is {classes[0]!r}, write class names, too."
    )


def _without_zero(golds: Mapping[Splits, Gold], classes: tuple[str, ...]) -> list[str]:
    return [
        f"{name}: labels are numbers, and none of them is 0, which stands for {classes[0]!r}. "
        f"{FROM_ONE}"
        for name, gold in golds.items()
        if not (gold == 0).any()
    ]


def _about_thin_classes(
    splits: Mapping[Splits, Split], reviewed: Mapping[str, int], classes: tuple[str, ...]
) -> list[str]:
    """Classes of which there is next to no gold: nobody can tell how well they are learned."""
    golds = {name: split.gold for name, split in splits.items() if split.gold is not None}
    found = []
    learned = [name for name in ("dev", "valid") if name in golds]
    if learned:
        labels = np.concatenate([*(golds[name] for name in learned), [*reviewed.values()]])
        rows = np.bincount(labels.astype(np.int64), minlength=len(classes))
        counts = {"no row of": rows == 0, "one row each of": rows == 1}
        thin = [
            f"{count} {_names(classes, which)}" for count, which in counts.items() if which.any()
        ]
        if thin:
            found.append(
                f"Gold of {' and '.join(learned)} has {' and '.join(thin)}. So little can neither "
                "teach a class nor tell how well it is learned; label a few rows more."
            )
    if "test" in golds and len(missing := np.setdiff1d(np.arange(len(classes)), golds["test"])):
        names = _names(classes, np.isin(np.arange(len(classes)), missing))
        found.append(f"test has no gold row of {names}: no score there says anything about them.")
    return found


def _names(classes: tuple[str, ...], which: npt.NDArray[np.bool_]) -> str:
    return listed([repr(classes[k]) for k in np.flatnonzero(which)], LISTED)


def _first(mask: pd.Series) -> int:
    return int(np.flatnonzero(mask.to_numpy())[0])


def _refuse_shared_ids(splits: Mapping[Splits, Split], quoting: Quoting) -> None:
    seen: dict[str, str] = {}
    for split in splits.values():
        for position, row_id in enumerate(split.ids):
            if row_id in seen:
                row = quoting.row(row_id, position)
                if quoting.id_column in quoting.hidden:
                    row += f" of {split.name}"
                raise DataError(
                    f"Row {row} stands in {seen[row_id]} and in {split.name}. A row belongs "
                    "to one split; take it out of one of the two files."
                )
        seen.update(dict.fromkeys(split.ids, split.name))


def _shared_texts(splits: Mapping[Splits, Split]) -> list[str]:
    told = []
    names = list(splits)
    for position, first in enumerate(names):
        for second in names[position + 1 :]:
            shared = set(_contents(splits[first])) & set(_contents(splits[second]))
            if shared:
                what = "images" if DIGEST in splits[first].frame.columns else "texts"
                told.append(
                    f"{len(shared)} {what} stand in both {first} and {second}: scores on "
                    f"{second} flatter a model that saw them."
                )
    return told


def _reviewed(config: Config, root: Path, train: Split) -> tuple[dict[str, int], list[str]]:
    """The reviewed rows of train, and a warning about those that are not there."""
    given = ReviewLog(root / config.data.review, config.classes).given()
    reviewed = {
        row_id: config.classes.index(given[row_id]) for row_id in train.ids if row_id in given
    }
    lost = [row_id for row_id in given if row_id not in reviewed]
    if not lost:
        return reviewed, []
    rows = "1 reviewed row is" if len(lost) == 1 else f"{len(lost)} reviewed rows are"
    if config.data.id in config.privacy.hidden:
        return reviewed, [f"{rows} not in train any more. Nothing learns from them."]
    more = f" and {len(lost) - NAMED_IDS} more" if len(lost) > NAMED_IDS else ""
    named = ", ".join(lost[:NAMED_IDS])
    return reviewed, [f"{rows} not in train any more: {named}{more}. Nothing learns from them."]


def _contents(split: Split) -> Iterable[str]:
    return split.frame[DIGEST] if DIGEST in split.frame.columns else split.texts


def _missing(name: str) -> str:
    consequence = {
        "dev": "LF accuracies are estimated without gold",
        "valid": "no checkpoint is chosen; training runs to its last epoch",
        "test": "no final score",
    }
    return f"No {name} split: {consequence.get(name, '')}."
