"""Stage 3: fine-tune on weak labels, on gold, and on both; keep what gold says is best."""

import gc
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from weakft.config import Config, TrainConfig
from weakft.dataset import Dataset, read_gold
from weakft.end_model import EndModel
from weakft.errors import DataError, TrainingDiverged
from weakft.labels import ABSTAIN, TIE, LabelMatrix, SoftLabels, probabilities_frame
from weakft.narration import Narrator
from weakft.pipeline.attempt import Attempt, about_training, about_unread
from weakft.pipeline.evaluating import SEED_PREFIX, spread
from weakft.pipeline.gold_parts import as_rows, gold_rows, judging_part
from weakft.pipeline.probing import probed
from weakft.project import Project
from weakft.ranks import leads
from weakft.runs import Json, RunFolder
from weakft.training import TrainingSet, fine_tune
from weakft.training.add_gold import GoldOutcome, add_gold, refuse_unjudged_mix
from weakft.training.finetune import UNFINISHED, FineTuned
from weakft.training.gold import Gold
from weakft.training.gold_stages import gold_settings
from weakft.training.pool import rows_to_read
from weakft.training.workshop import Workshop

CACHE = Path(".weakft")


def fit(
    project: Project, data: Dataset, soft: SoftLabels, folder: RunFolder, narrator: Narrator
) -> EndModel:
    """Train the end model and its rivals; write `model/`, `predictions/` and their story.

    Raises:
        DataError: no row is covered, labels and gold are all of one class, or training diverged.
        ModelNotFound: `train.model` names no model.
    """
    if said := about_unread(project, data):
        narrator.say(said[1])
    with _old_objects_unsearched(), _rows_named(data, project.config):
        attempts = _attempts(project, data, soft, folder, narrator)
    taken = max(attempts, key=lambda attempt: attempt.valid_f1(data))
    rivals = {"weak_only": taken.weak, "gold_only": taken.outcome.gold_only}
    if "gold_only" not in project.config.evaluate.rivals:
        del rivals["gold_only"]
    if "all_gold" in project.config.evaluate.rivals:
        rivals["all_gold"] = _all_gold(project, data, taken.workshop)
    if leads():
        _write(project, data, attempts, taken, rivals, folder, narrator)
    return taken.outcome.final.model


@contextmanager
def _rows_named(data: Dataset, config: Config) -> Iterator[None]:
    """Where training diverges, say on which rows."""
    try:
        yield
    except TrainingDiverged as error:
        hide_ids = config.data.id in config.privacy.hidden
        named = {
            text: f"row {position} of {split.name} (counted from 0)" if hide_ids else row_id
            for split in data.splits.values()
            for position, (text, row_id) in enumerate(zip(split.texts, split.ids, strict=True))
        }
        rows = [named[text] for text in error.texts if text in named]
        if not rows:
            raise
        message = f"{error} Its rows: {', '.join(rows)}."
        raise TrainingDiverged(message, error.texts) from error


@contextmanager
def _old_objects_unsearched() -> Iterator[None]:
    """Each training collects garbage as it begins: not among what imports and data have made."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _write(
    project: Project,
    data: Dataset,
    attempts: list[Attempt],
    taken: Attempt,
    rivals: Mapping[str, FineTuned | None],
    folder: RunFolder,
    narrator: Narrator,
) -> None:
    shutil.rmtree(folder.path / "predictions" / "rivals", ignore_errors=True)  # of other settings
    taken.outcome.final.model.save(folder.model)
    _write_predictions(taken.outcome, data, folder, narrator)
    for name, rival in rivals.items():
        if rival is not None:
            _write_rival_predictions(name, rival.model, data, folder)
    for name, split, probs in probed(taken.workshop, data, folder, project.config.evaluate.rivals):
        path = folder.rival_predictions(name, split.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        frame = probabilities_frame(split.ids, probs, taken.workshop.classes)
        frame.to_parquet(path, index=False)
    metrics = folder.read_metrics()
    metrics["end_model"] = about_training(project, data, taken)
    if len(attempts) > 1:
        metrics["end_model"]["seeds"] = _about_seeds(attempts, taken, data, folder)
    folder.write_metrics(metrics)
    shutil.rmtree(project.root / CACHE / UNFINISHED, ignore_errors=True)


def _attempts(
    project: Project, data: Dataset, soft: SoftLabels, folder: RunFolder, narrator: Narrator
) -> list[Attempt]:
    """`train.seeds` trainings, from `train.seed` on."""
    settings = project.config.train
    k = len(project.config.classes)
    gold = gold_rows(data, folder, k)
    if gold is not None:
        refuse_unjudged_mix(settings, gold)
    _refuse_one_class(project, soft, gold)
    attempts = []
    for seed in range(settings.seed, settings.seed + settings.seeds):
        if settings.seeds > 1:
            narrator.say(f"Training with seed {seed}.")
        workshop = _workshop(project, data, soft, folder, narrator, seed)
        weak = workshop.weak_model()
        attempts.append(Attempt(workshop, weak, add_gold(workshop, weak, gold)))
    return attempts


def _refuse_one_class(project: Project, soft: SoftLabels, gold: Gold | None) -> None:
    labels = set(soft.hard.tolist()) - {ABSTAIN, TIE}
    if gold is not None:
        labels |= set(gold.labels.tolist())
    if not labels:
        raise DataError(
            "On every covered row classes tie, and no gold says otherwise, so there is nothing to "
            "tell apart. Write LFs that vote where others do not, or for one class alone."
        )
    if len(labels) == 1:
        raise DataError(
            f"Every covered row is labelled {project.config.classes[labels.pop()]!r}, and no gold "
            "says otherwise, so there is nothing to tell apart. Write LFs that vote for the other "
            "classes; label_model.class_balance says how frequent those are."
        )


def _about_seeds(attempts: list[Attempt], taken: Attempt, data: Dataset, folder: RunFolder) -> Json:
    """Every seed's score on valid; their predictions of test are left for evaluation to score."""
    for attempt in attempts:
        name = f"{SEED_PREFIX}{attempt.seed}"
        _write_rival_predictions(name, attempt.outcome.final.model, data, folder)
    about: Json = {"taken": taken.seed, "seeds": [attempt.seed for attempt in attempts]}
    if any(attempt.valid_f1(data) for attempt in attempts):
        about["valid"] = {"macro_f1": spread([attempt.valid_f1(data) for attempt in attempts])}
    else:
        about["why"] = "No valid split can be scored: the first seed was taken."
    return about


def _workshop(
    project: Project,
    data: Dataset,
    soft: SoftLabels,
    folder: RunFolder,
    narrator: Narrator,
    seed: int,
) -> Workshop:
    valid = data.get("valid")
    k = len(project.config.classes)
    whole = Workshop(
        classes=project.config.classes,
        settings=_settings(project).model_copy(update={"seed": seed}),
        texts=data["train"].texts,
        soft=soft,
        valid=None if valid is None else as_rows(valid, k),
        votes=LabelMatrix.load(folder.votes("train")).values,
        cache=project.root / CACHE,
        task=project.config.project.task,
        narrator=narrator,
    )
    train = project.config.train
    return whole.take(rows_to_read(soft.covered, train.max_uncovered_rows, train.seed))


def _settings(project: Project) -> TrainConfig:
    """`[train]`, with a model folder of the project as an absolute path."""
    settings = project.config.train
    folder = project.root / settings.model
    if settings.model != "default" and folder.is_dir():
        return settings.model_copy(update={"model": str(folder)})
    return settings


def _all_gold(project: Project, data: Dataset, workshop: Workshop) -> FineTuned | None:
    file = project.config.evaluate.train_gold
    if file is None:
        return None
    config = project.config
    gold = read_gold(project.root / file, config.data, config.classes, hidden=config.privacy.hidden)
    train = data["train"]
    labels = gold.loc[list(train.ids)].to_numpy()
    rows = TrainingSet.from_gold(train.texts, labels, len(project.config.classes)).balanced()
    return fine_tune(
        workshop.fresh_model(),
        rows,
        gold_settings(workshop.settings, len(rows)),
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
        if outcome.judged_probs is not None and name == judging_part(data):
            probs = outcome.judged_probs
        else:
            probs = outcome.final.model.predict_proba(split.texts, narrator=narrator)
        frame = probabilities_frame(split.ids, probs, outcome.final.model.classes)
        frame.to_parquet(folder.predictions(name), index=False)


def _write_rival_predictions(name: str, model: EndModel, data: Dataset, folder: RunFolder) -> None:
    test = data.get("test")
    if test is not None:
        path = folder.rival_predictions(name, "test")
        path.parent.mkdir(parents=True, exist_ok=True)
        probs = model.predict_proba(test.texts)
        probabilities_frame(test.ids, probs, model.classes).to_parquet(path, index=False)
