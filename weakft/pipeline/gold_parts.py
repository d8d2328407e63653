"""Which rows are gold to a training, and which of them judge it."""

import numpy as np

from weakft.config import Splits
from weakft.dataset import Dataset, Split
from weakft.labels import LabelMatrix
from weakft.runs import RunFolder
from weakft.training import TrainingSet
from weakft.training.gold import Gold

GOLD_PARTS: tuple[Splits, ...] = ("dev", "valid")


def gold_rows(data: Dataset, folder: RunFolder, cardinality: int) -> Gold | None:
    """dev, valid, reviewed rows; valid judges (LF authors have looked at dev), or dev if alone.

    Reviewed rows never judge: picked ones are no fair sample. Where nothing else judges they are
    no gold, only sure labels of train: a gold stage on a few picked rows could do harm unseen.
    """
    splits = gold_splits(data)
    if not splits:
        return None
    parts = [_split_gold(split, split is splits[-1], folder, cardinality) for split in splits]
    if data.reviewed:
        parts.append(_reviewed_gold(data, folder, cardinality))
    return Gold(
        rows=TrainingSet.concat([part.rows for part in parts]),
        judged=np.concatenate([part.judged for part in parts]),
        votes=np.concatenate([part.votes for part in parts]),
    )


def gold_splits(data: Dataset) -> list[Split]:
    """Dev and valid, as far as there are any; the last one judges."""
    return [split for name in GOLD_PARTS if (split := data.get(name)) is not None]


def _split_gold(split: Split, judges: bool, folder: RunFolder, cardinality: int) -> Gold:
    votes = LabelMatrix.load(folder.votes(split.name)).values
    return Gold(as_rows(split, cardinality), np.full(len(split), judges), votes)


def _reviewed_gold(data: Dataset, folder: RunFolder, cardinality: int) -> Gold:
    """The reviewed rows of train, with their votes."""
    train = data["train"]
    position = {row_id: row for row, row_id in enumerate(train.ids)}
    rows = [position[row_id] for row_id in data.reviewed]
    texts = [train.texts[row] for row in rows]
    labels = np.array(list(data.reviewed.values()))
    return Gold(
        rows=TrainingSet.from_gold(texts, labels, cardinality),
        judged=np.full(len(rows), False),
        votes=LabelMatrix.load(folder.votes("train")).values[rows],
    )


def gold_count(data: Dataset) -> int:
    """Rows of all gold, reviewed ones too where something judges them."""
    splits = gold_splits(data)
    return sum(map(len, splits)) + len(data.reviewed) if splits else 0


def as_rows(split: Split, cardinality: int) -> TrainingSet:
    """A split with gold as rows to learn from."""
    assert split.gold is not None
    return TrainingSet.from_gold(split.texts, split.gold, cardinality)


def judging_part(data: Dataset) -> Splits:
    """The last gold part: valid, or dev where there is no valid."""
    return gold_splits(data)[-1].name
