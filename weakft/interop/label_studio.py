"""Label Studio: weak labels as tasks with predictions, gold from its JSON export.

The labeling interface that the tasks want has a text (or image) and one choice for it named
`label`; see `labeling_interface`.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pandas as pd

from weakft.errors import DataError
from weakft.review import ReviewLog
from weakft.text_files import read_text

CHOICE = "label"
NAMED_IDS = 5


def labeling_interface(classes: Sequence[str], content: str = "text") -> str:
    """The XML to paste into Label Studio's settings, so that it shows the tasks.

    Example:
        >>> print(labeling_interface(["ham", "spam"]))
        <View>
          <Text name="text" value="$text"/>
          <Choices name="label" toName="text" choice="single">
            <Choice value="ham"/>
            <Choice value="spam"/>
          </Choices>
        </View>
    """
    tag = "Image" if content == "image" else "Text"
    choices = [f"    <Choice value={quoteattr(name)}/>" for name in classes]
    return "\n".join(
        [
            "<View>",
            f'  <{tag} name="{content}" value="${content}"/>',
            f'  <Choices name="{CHOICE}" toName="{content}" choice="single">',
            *choices,
            "  </Choices>",
            "</View>",
        ]
    )


def write_tasks(table: pd.DataFrame, run_id: str, path: Path) -> None:
    """Write a JSON list of tasks; the label of a row is its prediction.

    Args:
        table: with columns as `WeakLabels.frame` has them.
        run_id: the model version of the predictions.
        path: of the file.

    Raises:
        DataError: the ids or the contents are hidden, without which there is nothing to label.
    """
    content = "image" if "image" in table else "text"
    if missing := [name for name in ("id", content) if name not in table]:
        raise DataError(
            f"[privacy] hides the column {missing[0]!r}, without which a task in Label Studio "
            "cannot be labelled. Export to .parquet or .csv instead."
        )
    with path.open("w", encoding="utf-8") as file:
        for number, row in enumerate(table.to_dict("records")):
            file.write("[\n" if number == 0 else ",\n")
            json.dump(_task(row, content, run_id), file, ensure_ascii=False)
        file.write("\n]\n" if len(table) else "[]\n")


def _task(row: Mapping[Any, Any], content: str, run_id: str) -> dict[str, Any]:
    task = {"data": {"id": row["id"], content: row[content]}, "predictions": []}
    if pd.isna(row["label"]):
        return task
    choice = {
        "from_name": CHOICE,
        "to_name": content,
        "type": "choices",
        "value": {"choices": [row["label"]]},
    }
    score = row[f"p_{row['label']}"]
    return task | {"predictions": [{"model_version": run_id, "score": score, "result": [choice]}]}


@dataclass(frozen=True)
class ImportedGold:
    """What `import_gold` did.

    Attributes:
        tasks: in the file.
        given: rows labelled now.
        known: rows whose annotation had been imported before.
        skipped: row ids by the reason they were skipped for, in the order of the file.
    """

    tasks: int
    given: int
    known: int
    skipped: dict[str, tuple[str, ...]]

    def told(self) -> list[str]:
        """A line for each reason."""
        return [
            f"{len(ids)} skipped, {reason}: {', '.join(ids[:NAMED_IDS])}"
            + (f" and {len(ids) - NAMED_IDS} more" if len(ids) > NAMED_IDS else "")
            for reason, ids in self.skipped.items()
        ]


@dataclass
class _Row:
    """The annotations of one row, from all of its tasks."""

    choices: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    @property
    def labels(self) -> set[str]:
        return {label for _, chosen in self.choices for label in chosen}


def import_gold(file: Path, log: ReviewLog, known_ids: Set[str]) -> ImportedGold:
    """Give rows of train the class that people chose for them in Label Studio.

    A decision is written down once: where the same annotator's last word on a row is the same
    already, nothing is added, whatever others said of the row since.

    Args:
        file: Label Studio's export in the format "JSON": a list of tasks with `data.id` and
            `annotations`. Annotations that were skipped there do not count.
        log: takes the decisions, by the author `label-studio:<completed_by>`.
        known_ids: of the rows of train.

    Returns:
        Counts, and the rows that were skipped: those that are not in train or whose class is
        unknown, those with no or several choices, those on which annotations disagree.

    Raises:
        DataError: the file is missing or no such export, or the log cannot be read or written.
        LockedError: another process holds the log for long.
    """
    tasks = _read(file)
    last = {(line.id, line.author): line.label for line in log.decisions() if not line.undo}
    counts: Counter[str] = Counter()
    skipped: dict[str, list[str]] = {}
    for row_id, row in _rows(tasks, file).items():
        reason = next((why for why, is_so in REASONS if is_so(row_id, row, known_ids, log)), None)
        if reason is not None:
            skipped.setdefault(reason, []).append(row_id)
            continue
        (label,) = row.labels
        if any(last.get((row_id, author)) == label for author, _ in row.choices):
            counts["known"] += 1
            continue
        log.give(row_id, label, author=row.choices[0][0])
        counts["given"] += 1
    return ImportedGold(
        len(tasks),
        counts["given"],
        counts["known"],
        {reason: tuple(ids) for reason, ids in skipped.items()},
    )


REASONS: tuple[tuple[str, Callable[[str, _Row, Set[str], ReviewLog], bool]], ...] = (
    ("not in train", lambda row_id, row, known, log: row_id not in known),
    ("without a choice", lambda row_id, row, known, log: not row.labels),
    (
        "with several choices",
        lambda row_id, row, known, log: any(len(chosen) > 1 for _, chosen in row.choices),
    ),
    ("annotators disagree", lambda row_id, row, known, log: len(row.labels) > 1),
    ("of an unknown class", lambda row_id, row, known, log: not row.labels <= set(log.classes)),
)


def _read(file: Path) -> list[Any]:
    try:
        tasks = json.loads(read_text(file))
    except FileNotFoundError as error:
        raise DataError(f"{file}: no such file. Wanted an export of Label Studio.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{file} is no UTF-8 JSON: {error}.") from error
    if not isinstance(tasks, list):
        raise DataError(f"{file}: wanted a list of tasks, got {type(tasks).__name__}.")
    return tasks


def _rows(tasks: Sequence[Any], file: Path) -> dict[str, _Row]:
    """By row id, of the tasks that somebody annotated."""
    rows: dict[str, _Row] = {}
    for position, task in enumerate(tasks):
        try:
            row_id = str(task["data"]["id"])
            counted = [_choice(annotation) for annotation in task["annotations"]]
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{file}: task {position} (counted from 0) is none that `weakft export labels` "
                f"made and Label Studio exported as JSON: {type(error).__name__}: {error}. Wanted "
                '{"data": {"id": ...}, "annotations": [...]}; the format "JSON-MIN" has less.'
            ) from error
        choices = [choice for choice in counted if choice is not None]
        if choices:
            rows.setdefault(row_id, _Row()).choices += choices
    return rows


def _choice(annotation: Mapping[str, Any]) -> tuple[str, tuple[str, ...]] | None:
    """Author and choices of an annotation; None where the task was skipped."""
    if annotation.get("was_cancelled"):
        return None
    results = [result for result in annotation["result"] if result.get("type") == "choices"]
    named = [result for result in results if result.get("from_name") == CHOICE]
    chosen = [str(c) for result in named or results for c in result["value"]["choices"]]
    by = annotation.get("completed_by")
    if isinstance(by, Mapping):
        by = by.get("email") or by.get("id")
    return f"label-studio:{'unknown' if by is None else by}", tuple(chosen)
