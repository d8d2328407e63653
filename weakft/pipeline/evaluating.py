"""Stage 4: score the end model and its rivals on the same rows, test once."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from weakft.config import Splits
from weakft.dataset import Dataset, Split
from weakft.evaluation import majority_classifier, scores
from weakft.evaluation.metrics import Scores
from weakft.labels import LabelMatrix, Probs
from weakft.narration import Narrator
from weakft.project import Project
from weakft.runs import Json, RunFolder

Votes = Mapping[Splits, LabelMatrix]

SEED_PREFIX = "seed_"
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
        if "seeds" in metrics["end_model"]:
            metrics["end_model"]["seeds"]["test"] = {
                "macro_f1": spread(_seed_scores(project, test, folder, metrics))
            }
    metrics["rivals"] = _rivals(project, data, votes, folder)
    warnings = [*metrics["end_model"]["warnings"], *_warnings(project, data, folder, metrics)]
    metrics["end_model"]["warnings"] = list(dict.fromkeys(warnings))
    folder.write_metrics(metrics)
    return metrics


def spread(values: list[float]) -> Json:
    """Mean, standard deviation (n - 1) and the values, of one score under several seeds.

    Example:
        >>> spread([0.5, 0.7])
        {'mean': 0.6, 'standard_deviation': 0.1414, 'values': [0.5, 0.7]}
    """
    return {
        "mean": round(float(np.mean(values)), 4),
        "standard_deviation": round(float(np.std(values, ddof=1)), 4),
        "values": [round(value, 4) for value in values],
    }


def _seed_scores(project: Project, test: Split, folder: RunFolder, metrics: Json) -> list[float]:
    files = [
        folder.rival_predictions(f"{SEED_PREFIX}{seed}", "test")
        for seed in metrics["end_model"]["seeds"]["seeds"]
    ]
    return [_scored(project, test, file)["macro_f1"]["value"] for file in files]


def _warnings(project: Project, data: Dataset, folder: RunFolder, metrics: Json) -> list[str]:
    """Classes that are never predicted, and a majority vote that does better."""
    test, classes = data.get("test"), project.config.classes
    if test is None or test.gold is None:
        return []
    warnings = []
    predicted = read_probs(folder.predictions("test"), test, classes).argmax(axis=1)
    for k in np.setdiff1d(test.gold, predicted):
        warnings.append(
            f"The end model never predicts {classes[k]!r} on test, where {(test.gold == k).sum()} "
            "rows are of that class."
        )
    vote = metrics["rivals"].get("majority_vote")
    ours = metrics["end_model"]["test"]["macro_f1"]["value"]
    if vote is not None and ours < vote["test"]["macro_f1"]["value"]:
        warnings.append(
            f"The end model is worse than a plain majority vote: macro-F1 {ours:.3f} against "
            f"{vote['test']['macro_f1']['value']:.3f} on test.{_cause(metrics)}"
        )
    return warnings


def _cause(metrics: Json) -> str:
    """Why the model may be behind, where it is known."""
    unread = metrics["end_model"].get("unread")
    if unread is None:
        return ""
    share = (unread["unknown"] + unread["spelled"]) / unread["texts"]
    return f" It does not know the words of {share:.0%} of the training texts, which LFs do read."


def _rivals(project: Project, data: Dataset, votes: Votes, folder: RunFolder) -> Json:
    """On test only: gold_only trained on valid, and valid chose the others' checkpoints."""
    test = data.get("test")
    if test is None:
        return {}
    rivals: Json = {}
    if "majority_vote" in project.config.evaluate.rivals:
        predicted = majority_classifier(
            votes["test"].values, votes["train"].values, len(project.config.classes)
        )
        rivals["majority_vote"] = {"test": score(project, test, predicted)}
    for rival in TRAINED_RIVALS:
        path = folder.rival_predictions(rival, "test")
        if path.exists():
            rivals[rival] = {"test": _scored(project, test, path)}
    return rivals


def _scored(project: Project, split: Split, path: Path) -> Scores:
    return score(project, split, read_probs(path, split, project.config.classes).argmax(axis=1))


def score(project: Project, split: Split, predicted: npt.NDArray[np.integer]) -> Scores:
    """Accuracy and macro-F1 with intervals, as `[evaluate]` asks."""
    settings = project.config.evaluate
    assert split.gold is not None
    return scores(
        split.gold,
        predicted,
        len(project.config.classes),
        resamples=settings.resamples,
        seed=settings.seed,
    )


def read_probs(path: Path, split: Split, classes: tuple[str, ...]) -> Probs:
    """Predictions of a split, in the order of its rows."""
    frame = pd.read_parquet(path).set_index("id").loc[list(split.ids)]
    return frame[[f"p_{c}" for c in classes]].to_numpy(dtype=np.float64)
