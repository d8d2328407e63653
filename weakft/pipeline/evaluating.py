"""Stage 4: score the end model and its rivals on the same rows, test once."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from weakft.config import Splits
from weakft.dataset import Dataset, Split
from weakft.evaluation import majority_classifier, scores
from weakft.evaluation.metrics import Scores
from weakft.labels import LabelMatrix, read_probs
from weakft.narration import Narrator
from weakft.pipeline.shortfalls import against_labels, never_predicted, shortfalls
from weakft.project import Project
from weakft.runs import Json, RunFolder

Votes = Mapping[Splits, LabelMatrix]

SEED_PREFIX = "seed_"
PROBES: tuple[str, ...] = ("gold_probe", "weak_probe")
TRAINED_RIVALS = ("weak_only", "gold_only", *PROBES, "all_gold")


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
    ours = metrics["end_model"]
    ours["never_predicted"] = never_predicted(data["train"].ids, folder, project.config.classes)
    if "valid" in ours and (compared := against_labels(project, data, votes, folder)) is not None:
        ours["against_labels"] = compared
    warnings = [*ours["warnings"], *shortfalls(project, data, votes, folder, metrics)]
    ours["warnings"] = list(dict.fromkeys(warnings))
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


def _rivals(project: Project, data: Dataset, votes: Votes, folder: RunFolder) -> Json:
    """On test, and on valid those that have not learned from what they are scored on."""
    rivals: Json = {}
    held: dict[Splits, tuple[str, ...]] = {"valid": PROBES, "test": TRAINED_RIVALS}
    for name, trained in held.items():
        split = data.get(name)
        if split is None or split.gold is None:
            continue
        if "majority_vote" in project.config.evaluate.rivals:
            predicted = majority_classifier(
                votes[name].values, votes["train"].values, len(project.config.classes)
            )
            rivals.setdefault("majority_vote", {})[name] = score(project, split, predicted)
        for rival in trained:
            path = folder.rival_predictions(rival, name)
            if path.exists():
                rivals.setdefault(rival, {})[name] = _scored(project, split, path)
    return rivals


def _scored(project: Project, split: Split, path: Path) -> Scores:
    probs = read_probs(path, split.ids, project.config.classes)
    return score(project, split, probs.argmax(axis=1))


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
