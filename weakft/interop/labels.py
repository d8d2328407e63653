"""The soft labels of a run's training rows, for use elsewhere."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from weakft.config import Config
from weakft.data.csv_files import write_csv
from weakft.errors import DataError
from weakft.files import explained, replacing, sole_writer
from weakft.interop.hugging_face import write_dataset
from weakft.interop.label_studio import write_tasks
from weakft.labels import SoftLabels, probabilities_frame
from weakft.runs import RunFolder


@dataclass(frozen=True)
class WeakLabels:
    """Training rows and what the label model says of them.

    Attributes:
        run_id: of the run that labelled them.
        classes: k class names.
        frame: [n] rows with columns `id` and `text` (or `image`: paths), unless hidden; `label`,
            a class name, missing where no LF voted or the likeliest classes tie; `p_<class>` for
            each class; `covered`.
    """

    run_id: str
    classes: tuple[str, ...]
    frame: pd.DataFrame


def read_labels(folder: RunFolder, config: Config, hidden: Iterable[str] = ()) -> WeakLabels:
    """The labels of a run.

    Args:
        folder: of the run.
        config: the settings it was made with.
        hidden: columns to leave out, beside those that were hidden when it was made.

    Raises:
        DataError: an older weakft made the run, and kept no texts.
    """
    soft = SoftLabels.load(folder.soft_labels, config.classes)
    labels = [config.classes[k] if k >= 0 else None for k in soft.hard]
    frame = probabilities_frame(soft.ids, soft.probs, config.classes)
    frame.insert(1, "label", pd.Series(labels, dtype="str"))
    frame["covered"] = soft.covered
    content = config.project.task
    column = config.data.image if content == "image" else config.data.text
    unseen = {*hidden, *config.privacy.hidden}
    if column not in unseen:
        frame.insert(1, content, _contents(folder, soft.ids))
    if config.data.id in unseen:
        frame = frame.drop(columns="id")
    return WeakLabels(folder.id, config.classes, frame)


def export_labels(labels: WeakLabels, target: Path) -> None:
    """Write labels in the form that the target's name asks for, whole or not at all.

    Args:
        labels: of `read_labels`.
        target: `.parquet`; `.csv`, for spreadsheets; `.json`: Label Studio tasks with the
            labels as predictions; without a suffix: a Hugging Face dataset folder.

    Raises:
        DataError: the target has another suffix, is a folder with something else in it, or
            cannot be written; Label Studio is to show what is hidden.
        LockedError: another process writes the target.
    """
    if not target.suffix or target.is_dir():
        with sole_writer(target), explained(target):
            write_dataset(labels.frame, labels.classes, labels.run_id, target)
        return
    if target.suffix not in WRITERS:
        raise DataError(
            f"{target}: wanted a file ending in {', '.join(WRITERS)}, or a folder without a suffix."
        )
    with replacing(target) as draft, explained(target):
        WRITERS[target.suffix](labels, draft)


WRITERS: dict[str, Callable[[WeakLabels, Path], None]] = {
    ".parquet": lambda labels, path: labels.frame.to_parquet(path, index=False),
    ".csv": lambda labels, path: write_csv(labels.frame, path),
    ".json": lambda labels, path: write_tasks(labels.frame, labels.run_id, path),
}


def _contents(folder: RunFolder, ids: tuple[str, ...]) -> pd.Series:
    file = folder.rows("train")
    if not file.exists():
        raise DataError(
            f"Run {folder.id} was made by an older weakft, which kept no texts. Make a new one "
            "with `weakft run`."
        )
    table = pq.read_table(file, columns=["id", "text"])
    by_id = dict(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))
    return pd.Series([by_id[row_id] for row_id in ids], dtype="str")
