"""Write the tables of a run, when all else of it is there."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from weakft.config import Config, Splits
from weakft.dataset import Dataset, read_gold
from weakft.label_models import LabelModel
from weakft.label_models.registry import load_label_model
from weakft.labels import ABSTAIN, LabelMatrix, Probs, SoftLabels, Votes
from weakft.runs import RunFolder, write_json
from weakft.tables.columns import Columns, Ints
from weakft.tables.rows import ROWS_A_GROUP, slice_column
from weakft.tables.slices import sliced_columns
from weakft.tables.summaries import summaries
from weakft.visible import HIDDEN

GROUP_OF_COLUMNS = 1 << 16
QUICK_TO_SEARCH: dict[str, Any] = {
    "compression": "lz4",
    "use_dictionary": False,
    "write_page_checksum": True,
}
"""Half again as large as with zstd, and read in a fifth of the time; each page can be checked."""


def write_tables(root: Path, config: Config, data: Dataset, folder: RunFolder) -> None:
    """Rows, their columns, and sums over all of them.

    Texts are left out where `[privacy]` hides their column.

    Args:
        root: of the project.
        config: its settings.
        data: the splits, in the order of the votes.
        folder: with votes, soft labels, label model and predictions.
    """
    folder.rows("train").parent.mkdir(parents=True, exist_ok=True)
    folder.columns("train").parent.mkdir(parents=True, exist_ok=True)
    label_model = load_label_model(folder.label_model)
    hidden = {config.data.text, config.data.image} & set(config.privacy.hidden)
    sliced = sliced_columns(data, config)
    columns: dict[Splits, Columns] = {}
    votes: dict[Splits, Votes] = {}
    lf_names: tuple[str, ...] = ()
    for name, split in data.splits.items():
        L = LabelMatrix.load(folder.votes(name))
        lf_names = L.lf_names
        soft = _soft_labels(folder, config, name, L, label_model)
        gold = _train_gold(root, config, split.ids) if name == "train" else split.gold
        probs = _predictions(folder.predictions(name), config.classes, split.ids)
        votes[name], columns[name] = L.values, Columns.of(L.values, gold, soft, probs)
        texts = [HIDDEN] * len(split) if hidden else list(split.texts)
        rows = pa.table({"id": pa.array(split.ids, pa.string()), "text": pa.array(texts)})
        pq.write_table(rows, folder.rows(name), row_group_size=ROWS_A_GROUP, **QUICK_TO_SEARCH)
        by = {slice_column(c): pa.array(v, pa.string()) for c, v in sliced.get(name, {}).items()}
        small = pa.table({**asdict(columns[name]), **by})
        pq.write_table(small, folder.columns(name), row_group_size=GROUP_OF_COLUMNS)
    write_json(folder.summaries, summaries(columns, votes, config.classes, lf_names, sliced))


def _soft_labels(
    folder: RunFolder, config: Config, name: str, L: LabelMatrix, model: LabelModel
) -> tuple[Probs, npt.NDArray[np.bool_]]:
    if name == "train":
        soft = SoftLabels.load(folder.soft_labels, config.classes)
        return soft.probs, soft.covered
    return model.predict_proba(L.values), L.covered


def _train_gold(root: Path, config: Config, ids: tuple[str, ...]) -> Ints | None:
    if config.evaluate.train_gold is None:
        return None
    file, hidden = root / config.evaluate.train_gold, config.privacy.hidden
    gold = read_gold(file, config.data, config.classes, hidden=hidden)
    return np.asarray(gold.reindex(list(ids), fill_value=ABSTAIN), dtype=np.int64)


def _predictions(path: Path, classes: tuple[str, ...], ids: tuple[str, ...]) -> Probs | None:
    if not path.exists():
        return None
    frame = pd.read_parquet(path)
    if tuple(frame["id"]) != ids:
        frame = frame.set_index("id").loc[list(ids)]
    return frame[[f"p_{c}" for c in classes]].to_numpy(dtype=np.float64)
