"""A project of a few rows, and runs of it published by hand: votes, labels, predictions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from weakft.config import Splits
from weakft.end_model import EndModel
from weakft.inputs import input_hashes
from weakft.labels import LabelMatrix, SoftLabels, probabilities_frame
from weakft.pipeline.story import manifest_head, write_config
from weakft.project import Project
from weakft.report import Report
from weakft.runs import Json, sha256

CLASSES = ("ham", "spam")
TRAIN = "abcde"
GOLD: dict[Splits, tuple[int, ...]] = {"test": (1, 1, 0, 0), "valid": (0, 1)}
SCORE = {"value": 0.5, "low": 0.1, "high": 0.9, "support": 4}

Votes = Mapping[str, Sequence[int]]
Labels = Mapping[str, int | None]
Predictions = Mapping[Splits, Mapping[str, int]]

VOTES: Votes = {"cash": [1, 1, -1, -1, -1], "noon": [-1, -1, 0, 0, -1]}
LABELS: Labels = {"a": 1, "b": 1, "c": 0, "d": 0, "e": None}


def write_small_project(root: Path, classes: tuple[str, ...] = CLASSES) -> Project:
    """Write weakft.toml, five training rows, four test rows and two valid rows."""
    pd.DataFrame({"id": list(TRAIN), "text": list(TRAIN)}).to_parquet(root / "train.parquet")
    for split, gold in GOLD.items():
        write_gold(root, split, gold)
    (root / "rules.py").write_text("raise RuntimeError('nothing here imports LFs')\n")
    (root / "weakft.toml").write_text(
        f"[project]\nname = 'small'\nclasses = {list(classes)}\n[data]\ntrain = 'train.parquet'\n"
        "test = 'test.parquet'\nvalid = 'valid.parquet'\n[labeling]\nmodules = ['rules.py']\n"
    )
    return Project.open(root)


def unloaded_inputs(project: Project) -> Json:
    """The `input_hashes` of a project whose LF files cannot be loaded."""
    labeling = project.config.labeling.model_copy(update={"modules": ()})
    unloaded = replace(project, config=project.config.model_copy(update={"labeling": labeling}))
    files = {str(file.relative_to(project.root)): sha256(file) for file in project.lf_files}
    return {**input_hashes(unloaded), "lf_files": files}


def write_gold(root: Path, split: Splits, gold: Sequence[int]) -> None:
    """Write a split of rows `<split>_0` and so on with these classes."""
    ids = [f"{split}_{row}" for row in range(len(gold))]
    frame = pd.DataFrame({"id": ids, "text": ids, "label": [CLASSES[k] for k in gold]})
    frame.to_parquet(root / f"{split}.parquet")


def publish(
    project: Project,
    *,
    votes: Votes = VOTES,
    ids: str = TRAIN,
    labels: Labels = LABELS,
    predictions: Predictions | None = None,
    test_votes: Votes | None = None,
    model: Path | None = None,
) -> Report:
    """Publish a run.

    Args:
        project: its project.
        votes: for each LF, one vote for each of `ids`.
        ids: of the training rows, a letter each.
        labels: the class of each training row; None for an uncovered one.
        predictions: by split and row id; without any the model is always right.
        test_votes: for each LF, one vote for each test row.
        model: folder of a pre-trained one, which the end model is then, untrained.
    """
    if predictions is None:
        predictions = {
            split: {f"{split}_{row}": k for row, k in enumerate(gold)}
            for split, gold in GOLD.items()
        }
    L = LabelMatrix(np.array(list(votes.values()), dtype=np.int8).T, tuple(votes), tuple(ids))
    classes = project.config.classes
    with project.runs.staging() as folder:
        L.save(folder.votes("train"))
        if test_votes is not None:
            matrix = np.array(list(test_votes.values()), dtype=np.int8).T
            rows = tuple(f"test_{row}" for row in range(len(matrix)))
            LabelMatrix(matrix, tuple(test_votes), rows).save(folder.votes("test"))
        known = np.array([k is not None for k in labels.values()])
        probs = _probs([k or 0 for k in labels.values()], len(classes))
        SoftLabels(probs, known, tuple(labels), classes).save(folder.soft_labels)
        for split, said in predictions.items():
            table = probabilities_frame(list(said), _probs(said.values(), len(classes)), classes)
            table.to_parquet(folder.predictions(split), index=False)
        scored = {split: {"macro_f1": SCORE} for split in predictions}
        end_model = {"gold": {"recipe": "none"}, **scored}
        folder.write_metrics({"labels": {"chosen": "majority_vote"}, "end_model": end_model})
        if model is not None:
            EndModel.from_pretrained(str(model), classes, max_length=8, seed=0).save(folder.model)
        write_config(project, folder)
        return Report(
            project,
            project.runs.publish(folder, manifest_head(project, L, unloaded_inputs(project))),
        )


def _probs(classes: Iterable[int], cardinality: int) -> np.ndarray:
    return 0.2 + (1 - 0.2 * cardinality) * np.eye(cardinality)[list(classes)]
