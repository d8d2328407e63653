"""Stage 3: fine-tune on weak labels, on gold, and on both; keep what gold says is best."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from weakft.config import Splits
from weakft.dataset import Dataset, Split, read_gold
from weakft.end_model import EndModel
from weakft.evaluation import scores
from weakft.labels import Probs, SoftLabels, probabilities_frame
from weakft.narration import Narrator
from weakft.project import Project
from weakft.runs import Json, RunFolder
from weakft.training import TrainingSet, fine_tune
from weakft.training.finetune import FineTuned
from weakft.training.gold import Gold, GoldOutcome, add_gold
from weakft.training.workshop import Workshop


def fit(
    project: Project, data: Dataset, soft: SoftLabels, folder: RunFolder, narrator: Narrator
) -> EndModel:
    """Train the end model and its rivals; write `model/`, `predictions/` and their story.

    Raises:
        DataError: no row is covered, or training diverged.
        ModelNotFound: `train.model` names no model.
    """
    workshop = _workshop(project, data, soft, narrator)
    weak = workshop.weak_model()
    gold = _gold_rows(data, len(project.config.classes))
    outcome = add_gold(workshop, weak, gold)
    final = outcome.final
    final.model.save(folder.model)

    _write_predictions(final.model, data, folder, narrator)
    rivals = {"weak_only": weak, "gold_only": outcome.gold_only}
    if "gold_only" not in project.config.evaluate.rivals:
        del rivals["gold_only"]
    if "all_gold" in project.config.evaluate.rivals:
        rivals["all_gold"] = _all_gold(project, data, workshop)
    for name, rival in rivals.items():
        if rival is not None:
            _write_rival_predictions(name, rival.model, data, folder)

    metrics = folder.read_metrics()
    metrics["end_model"] = _about(project, data, final, outcome, workshop)
    folder.write_metrics(metrics)
    return final.model


def _workshop(project: Project, data: Dataset, soft: SoftLabels, narrator: Narrator) -> Workshop:
    valid = data.get("valid")
    k = len(project.config.classes)
    return Workshop(
        classes=project.config.classes,
        settings=project.config.train,
        texts=data["train"].texts,
        soft=soft,
        valid=None if valid is None else _as_rows(valid, k),
        narrator=narrator,
    )


def _gold_rows(data: Dataset, cardinality: int) -> Gold | None:
    """dev, then valid; valid judges (dev already set LF accuracies), or dev if alone."""
    parts = [split for name in ("dev", "valid") if (split := data.get(name)) is not None]
    if not parts:
        return None
    judged = np.concatenate([np.full(len(part), part is parts[-1]) for part in parts])
    return Gold(TrainingSet.concat([_as_rows(part, cardinality) for part in parts]), judged)


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
        project.config.train,
        valid=workshop.valid,
        title="All of train's gold",
        narrator=workshop.narrator,
    )


def _write_predictions(
    model: EndModel, data: Dataset, folder: RunFolder, narrator: Narrator
) -> None:
    for name, split in data.splits.items():
        probs = model.predict_proba(split.texts, narrator=narrator)
        frame = probabilities_frame(split.ids, probs, model.classes)
        frame.to_parquet(folder.predictions(name), index=False)


def _write_rival_predictions(name: str, model: EndModel, data: Dataset, folder: RunFolder) -> None:
    held_out: tuple[Splits, ...] = ("valid", "test")
    for split_name in held_out:
        split = data.get(split_name)
        if split is not None:
            path = folder.rival_predictions(name, split_name)
            path.parent.mkdir(parents=True, exist_ok=True)
            probs = model.predict_proba(split.texts)
            probabilities_frame(split.ids, probs, model.classes).to_parquet(path, index=False)


def _about(
    project: Project,
    data: Dataset,
    final: FineTuned,
    outcome: GoldOutcome,
    workshop: Workshop,
) -> Json:
    about: Json = {
        "train": {
            "rows": final.rows,
            "examples_per_second": round(final.examples_per_second, 1),
            "seconds": round(final.seconds, 2),
            "best_epoch": final.best_epoch,
        },
        "gold": {
            "recipe": outcome.recipe,
            "reason": outcome.reason,
            "rows": outcome.gold_rows,
            "candidates": [asdict(candidate) for candidate in outcome.candidates],
        },
        "warnings": list(outcome.warnings),
    }
    if scored := _valid_scores(project, data, outcome):
        about["valid"] = scored
    return about


def _valid_scores(project: Project, data: Dataset, outcome: GoldOutcome) -> Json | None:
    """Of out-of-fold predictions where valid was trained on, else of the model itself."""
    valid = data.get("valid")
    if valid is None or valid.gold is None or outcome.valid_probs is None:
        return None
    predicted: Probs = outcome.valid_probs
    settings = project.config.evaluate
    scored: Mapping[str, object] = scores(
        valid.gold,
        predicted.argmax(axis=1),
        len(project.config.classes),
        resamples=settings.resamples,
        seed=settings.seed,
    )
    return {**scored, "how": outcome.valid_how}
