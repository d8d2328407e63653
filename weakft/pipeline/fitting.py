"""Stage 3: fine-tune on weak labels, on gold, and on both; keep what gold says is best."""

import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np

from weakft.config import Splits, TrainConfig
from weakft.dataset import Dataset, Split, read_gold
from weakft.end_model import EndModel
from weakft.labels import LabelMatrix, SoftLabels, probabilities_frame
from weakft.narration import Narrator
from weakft.pipeline.evaluating import score
from weakft.project import Project
from weakft.runs import Json, RunFolder
from weakft.training import TrainingSet, fine_tune
from weakft.training.finetune import UNFINISHED, FineTuned
from weakft.training.gold import Gold, GoldOutcome, add_gold
from weakft.training.workshop import Workshop

CACHE = Path(".weakft")
GOLD_PARTS: tuple[Splits, ...] = ("dev", "valid")


def fit(
    project: Project, data: Dataset, soft: SoftLabels, folder: RunFolder, narrator: Narrator
) -> EndModel:
    """Train the end model and its rivals; write `model/`, `predictions/` and their story.

    Raises:
        DataError: no row is covered, or training diverged.
        ModelNotFound: `train.model` names no model.
    """
    workshop = _workshop(project, data, soft, folder, narrator)
    weak = workshop.weak_model()
    gold = _gold_rows(data, folder, len(project.config.classes))
    outcome = add_gold(workshop, weak, gold)
    final = outcome.final
    final.model.save(folder.model)

    _write_predictions(outcome, data, folder, narrator)
    rivals = {"weak_only": weak, "gold_only": outcome.gold_only}
    if "gold_only" not in project.config.evaluate.rivals:
        del rivals["gold_only"]
    if "all_gold" in project.config.evaluate.rivals:
        rivals["all_gold"] = _all_gold(project, data, workshop)
    for name, rival in rivals.items():
        if rival is not None:
            _write_rival_predictions(name, rival.model, data, folder)

    metrics = folder.read_metrics()
    metrics["end_model"] = _about(project, data, weak, outcome)
    folder.write_metrics(metrics)
    shutil.rmtree(project.root / CACHE / UNFINISHED, ignore_errors=True)
    return final.model


def _workshop(
    project: Project, data: Dataset, soft: SoftLabels, folder: RunFolder, narrator: Narrator
) -> Workshop:
    valid = data.get("valid")
    k = len(project.config.classes)
    return Workshop(
        classes=project.config.classes,
        settings=_settings(project),
        texts=data["train"].texts,
        soft=soft,
        valid=None if valid is None else _as_rows(valid, k),
        votes=LabelMatrix.load(folder.votes("train")).values,
        cache=project.root / CACHE,
        narrator=narrator,
    )


def _settings(project: Project) -> TrainConfig:
    """`[train]`, with a model folder of the project as an absolute path."""
    settings = project.config.train
    folder = project.root / settings.model
    if settings.model != "default" and folder.is_dir():
        return settings.model_copy(update={"model": str(folder)})
    return settings


def _gold_rows(data: Dataset, folder: RunFolder, cardinality: int) -> Gold | None:
    """dev, then valid; valid judges (LF authors have looked at dev), or dev if alone."""
    parts = [split for name in GOLD_PARTS if (split := data.get(name)) is not None]
    if not parts:
        return None
    return Gold(
        rows=TrainingSet.concat([_as_rows(part, cardinality) for part in parts]),
        judged=np.concatenate([np.full(len(part), part is parts[-1]) for part in parts]),
        votes=np.concatenate([LabelMatrix.load(folder.votes(p.name)).values for p in parts]),
    )


def _as_rows(split: Split, cardinality: int) -> TrainingSet:
    assert split.gold is not None
    return TrainingSet.from_gold(split.texts, split.gold, cardinality)


def _all_gold(project: Project, data: Dataset, workshop: Workshop) -> FineTuned | None:
    file = project.config.evaluate.train_gold
    if file is None:
        return None
    gold = read_gold(project.root / file, project.config.data, project.config.classes)
    train = data["train"]
    labels = gold.loc[list(train.ids)].to_numpy()
    rows = TrainingSet.from_gold(train.texts, labels, len(project.config.classes))
    return fine_tune(
        workshop.fresh_model(),
        rows,
        workshop.settings,
        valid=workshop.valid,
        title="All of train's gold",
        narrator=workshop.narrator,
        cache=workshop.cache,
    )


def _write_predictions(
    outcome: GoldOutcome, data: Dataset, folder: RunFolder, narrator: Narrator
) -> None:
    """Of the end model; on the split that judged recipes, those of models that had not seen it."""
    for name, split in data.splits.items():
        if outcome.judged_probs is not None and name == _judging_part(data):
            probs = outcome.judged_probs
        else:
            probs = outcome.final.model.predict_proba(split.texts, narrator=narrator)
        frame = probabilities_frame(split.ids, probs, outcome.final.model.classes)
        frame.to_parquet(folder.predictions(name), index=False)


def _judging_part(data: Dataset) -> Splits:
    """The last gold part: valid, or dev where there is no valid."""
    return [name for name in GOLD_PARTS if data.get(name) is not None][-1]


def _write_rival_predictions(name: str, model: EndModel, data: Dataset, folder: RunFolder) -> None:
    test = data.get("test")
    if test is not None:
        path = folder.rival_predictions(name, "test")
        path.parent.mkdir(parents=True, exist_ok=True)
        probs = model.predict_proba(test.texts)
        probabilities_frame(test.ids, probs, model.classes).to_parquet(path, index=False)


def _about(project: Project, data: Dataset, weak: FineTuned, outcome: GoldOutcome) -> Json:
    final = outcome.final
    about: Json = {
        "train": {
            "rows": outcome.rows,
            "examples_per_second": round(final.examples_per_second, 1),
            "seconds": round(final.seconds, 2),
        },
        "weak": {"rows": weak.rows, "best_epoch": weak.best_epoch},
        "gold": {
            "recipe": outcome.recipe,
            "reason": outcome.reason,
            "rows": sum(len(data[name]) for name in GOLD_PARTS if data.get(name)),
            "candidates": [asdict(candidate) for candidate in outcome.candidates],
        },
        "warnings": [],
    }
    valid = data.get("valid")
    if valid is None or valid.gold is None:
        return about
    if outcome.judged_probs is not None:
        predicted, how = (
            outcome.judged_probs,
            "out of fold: no model trained on the rows it is scored on",
        )
    elif outcome.recipe == "none":
        predicted, how = final.model.predict_proba(valid.texts), "valid chose the checkpoint"
    else:
        about["warnings"].append(
            "Valid was trained on and not judged by folds: it has no honest score."
        )
        return about
    about["valid"] = {**score(project, valid, predicted.argmax(axis=1)), "how": how}
    return about
