"""Stage 4: score the end model and its rivals on the same rows, test once."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from weakft.config import Splits
from weakft.dataset import Dataset, Split
from weakft.evaluation import majority_classifier, scores
from weakft.labels import LabelMatrix, Probs
from weakft.narration import Narrator
from weakft.project import Project
from weakft.runs import Json, RunFolder

Votes = Mapping[Splits, LabelMatrix]

TRAINED_RIVALS = ("weak_only", "gold_only", "all_gold")


def evaluate(
    project: Project, data: Dataset, votes: Votes, folder: RunFolder, narrator: Narrator
) -> Json:
    """Score what the training stage predicted; write `metrics.json` and return it."""
    metrics = folder.read_metrics()
    test = data.get("test")
    if test is not None:
        narrator.say(f"Scoring {len(test)} test rows, once.")
        metrics["end_model"]["test"] = _scored(project, test, folder.predictions("test"))
    metrics["rivals"] = _rivals(project, data, votes, folder)
    folder.write_metrics(metrics)
    return metrics


def _rivals(project: Project, data: Dataset, votes: Votes, folder: RunFolder) -> Json:
    rivals: Json = {}
    held_out = [split for name in ("valid", "test") if (split := data.get(name)) is not None]
    for split in held_out:
        if "majority_vote" in project.config.evaluate.rivals:
            predicted = majority_classifier(
                votes[split.name].values, votes["train"].values, len(project.config.classes)
            )
            rivals.setdefault("majority_vote", {})[split.name] = _score(project, split, predicted)
        for rival in TRAINED_RIVALS:
            path = folder.rival_predictions(rival, split.name)
            if path.exists():
                rivals.setdefault(rival, {})[split.name] = _scored(project, split, path)
    return rivals


def _scored(project: Project, split: Split, path: Any) -> Json:  # noqa: ANN401
    return _score(project, split, read_probs(path, split, project.config.classes).argmax(axis=1))


def _score(project: Project, split: Split, predicted: npt.NDArray[np.integer]) -> Json:
    settings = project.config.evaluate
    assert split.gold is not None
    return {
        **scores(
            split.gold,
            predicted,
            len(project.config.classes),
            resamples=settings.resamples,
            seed=settings.seed,
        )
    }


def read_probs(path: Any, split: Split, classes: tuple[str, ...]) -> Probs:  # noqa: ANN401
    """Predictions of a split, in the order of its rows."""
    frame = pd.read_parquet(path).set_index("id").loc[list(split.ids)]
    return frame[[f"p_{c}" for c in classes]].to_numpy(dtype=np.float64)
