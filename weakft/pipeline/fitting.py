"""Stage 3: fine-tune on weak labels, on gold, and on both; keep what gold says is best."""

import gc
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from weakft.config import Splits, TrainConfig
from weakft.dataset import Dataset, Split, read_gold
from weakft.end_model import EndModel
from weakft.errors import ConfigError
from weakft.evaluation.metrics import macro_f1
from weakft.labels import LabelMatrix, Probs, SoftLabels, probabilities_frame
from weakft.narration import Narrator
from weakft.pipeline.evaluating import SEED_PREFIX, score, spread
from weakft.project import Project
from weakft.ranks import leads, world_size
from weakft.runs import Json, RunFolder
from weakft.training import TrainingSet, fine_tune
from weakft.training.add_gold import GoldOutcome, add_gold
from weakft.training.finetune import UNFINISHED, FineTuned
from weakft.training.gold import Gold
from weakft.training.pool import rows_to_read
from weakft.training.precision import uses_bf16
from weakft.training.recipes import Choice, choose_recipe
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
    with _old_objects_unsearched():
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
def _old_objects_unsearched() -> Iterator[None]:
    """Each training collects garbage as it begins: not among what imports and data have made."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@dataclass(frozen=True)
class Attempt:
    """One training from start to end, under one seed.

    Attributes:
        workshop: what it started from; its settings hold the seed.
        weak: the model trained on weak labels alone.
        outcome: the model with gold let in.
        choice: of the recipe, where it was left to us.
    """

    workshop: Workshop
    weak: FineTuned
    outcome: GoldOutcome
    choice: Choice | None = None

    @property
    def seed(self) -> int:
        """Of everything that is random in training."""
        return self.workshop.settings.seed

    def judged_valid(self, valid: Split) -> tuple[Probs, str] | None:
        """Predictions on valid that may be scored, and how they came about, if there are any."""
        if self.outcome.judged_probs is not None:
            how = "out of fold: no model trained on the rows it is scored on"
            return self.outcome.judged_probs, how
        if self.outcome.recipe == "none":
            return self.outcome.final.model.predict_proba(valid.texts), "valid chose the checkpoint"
        return None

    def valid_f1(self, data: Dataset) -> float:
        """Macro-F1 on valid; 0 where nothing can be scored."""
        valid = data.get("valid")
        judged = None if valid is None or valid.gold is None else self.judged_valid(valid)
        if valid is None or valid.gold is None or judged is None:
            return 0.0
        return macro_f1(valid.gold, judged[0].argmax(axis=1), judged[0].shape[1])


def _write(
    project: Project,
    data: Dataset,
    attempts: list[Attempt],
    taken: Attempt,
    rivals: Mapping[str, FineTuned | None],
    folder: RunFolder,
    narrator: Narrator,
) -> None:
    taken.outcome.final.model.save(folder.model)
    _write_predictions(taken.outcome, data, folder, narrator)
    for name, rival in rivals.items():
        if rival is not None:
            _write_rival_predictions(name, rival.model, data, folder)
    metrics = folder.read_metrics()
    metrics["end_model"] = _about(project, data, taken)
    if len(attempts) > 1:
        metrics["end_model"]["seeds"] = _about_seeds(attempts, taken, data, folder)
    folder.write_metrics(metrics)
    shutil.rmtree(project.root / CACHE / UNFINISHED, ignore_errors=True)


def _warnings(project: Project, data: Dataset, attempt: Attempt) -> list[str]:
    """Texts not read to their end, labels all of one class, reviewed rows that nothing judges."""
    warnings = []
    shop, model = attempt.workshop, attempt.outcome.final.model
    if cut := model.processor.cut_off(shop.texts):
        limit = model.processor.max_length
        room = (
            "raise it to read more"
            if limit == project.config.train.max_length
            else "this model reads no more"
        )
        warnings.append(
            f"{cut:,} of {len(shop.texts):,} training texts are longer than {limit} tokens "
            f"(train.max_length); only their beginning is read: {room}."
        )
    if unread := len(data["train"]) - len(shop.texts):
        read = int((~shop.soft.covered).sum())
        warnings.append(
            f"Training reads {read:,} of the {read + unread:,} rows that no LF votes on, drawn at "
            "random; train.max_uncovered_rows sets how many."
        )
    labels = np.unique(shop.soft.probs[shop.soft.covered].argmax(axis=1))
    if len(labels) == 1:
        only = project.config.classes[int(labels[0])]
        warnings.append(
            f"Every covered row is labelled {only!r}, so weak labels tell nothing apart. Write LFs "
            "that vote for the other classes, or set label_model.class_balance."
        )
    if shop.settings.relabel and shop.read_anew is None:
        warnings.append(
            "train.relabel = true, but labels stay as voted: fewer than 40 covered rows, labels "
            "all of one class, or embeddings that do not know them from chance."
        )
    if data.reviewed and not _gold_splits(data):
        warnings.append(
            f"The reviewed rows ({len(data.reviewed)}) enter as sure labels of train only: without "
            "dev or valid nothing judges how gold should enter."
        )
    return warnings


def _attempts(
    project: Project, data: Dataset, soft: SoftLabels, folder: RunFolder, narrator: Narrator
) -> list[Attempt]:
    """`train.seeds` trainings, from `train.seed` on."""
    settings = project.config.train
    if world_size() > 1 and settings.recipe == "auto":
        raise ConfigError(
            'train.recipe = "auto" tries recipes against the clock, which several processes read '
            "differently. Let one process choose, then train what it chose."
        )
    gold = _gold_rows(data, folder, len(project.config.classes))
    attempts = []
    for seed in range(settings.seed, settings.seed + settings.seeds):
        if settings.seeds > 1:
            narrator.say(f"Training with seed {seed}.")
        workshop = _workshop(project, data, soft, folder, narrator, seed)
        choice = None
        if settings.recipe == "auto":
            choice = choose_recipe(workshop, settings.budget)
            narrator.say(choice.reason)
            workshop = choice.workshop
        weak = workshop.weak_model()
        attempts.append(Attempt(workshop, weak, add_gold(workshop, weak, gold), choice))
    return attempts


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
        valid=None if valid is None else _as_rows(valid, k),
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


def _gold_rows(data: Dataset, folder: RunFolder, cardinality: int) -> Gold | None:
    """dev, valid, reviewed rows; valid judges (LF authors have looked at dev), or dev if alone.

    Reviewed rows never judge: picked ones are no fair sample. Where nothing else judges they are
    no gold, only sure labels of train: a gold stage on a few picked rows could do harm unseen.
    """
    splits = _gold_splits(data)
    if not splits:
        return None
    parts = [_split_gold(split, split is splits[-1], folder, cardinality) for split in splits]
    if data.reviewed:
        parts.append(_reviewed_gold(data, folder, cardinality))
    return Gold(
        rows=TrainingSet.concat([part.rows for part in parts]),
        judged=np.concatenate([part.judged for part in parts]),
        votes=np.concatenate([part.votes for part in parts]),
    )


def _gold_splits(data: Dataset) -> list[Split]:
    return [split for name in GOLD_PARTS if (split := data.get(name)) is not None]


def _split_gold(split: Split, judges: bool, folder: RunFolder, cardinality: int) -> Gold:
    votes = LabelMatrix.load(folder.votes(split.name)).values
    return Gold(_as_rows(split, cardinality), np.full(len(split), judges), votes)


def _reviewed_gold(data: Dataset, folder: RunFolder, cardinality: int) -> Gold:
    """The reviewed rows of train, with their votes."""
    train = data["train"]
    position = {row_id: row for row, row_id in enumerate(train.ids)}
    rows = [position[row_id] for row_id in data.reviewed]
    texts = [train.texts[row] for row in rows]
    labels = np.array(list(data.reviewed.values()))
    return Gold(
        rows=TrainingSet.from_gold(texts, labels, cardinality),
        judged=np.full(len(rows), False),
        votes=LabelMatrix.load(folder.votes("train")).values[rows],
    )


def _gold_count(data: Dataset) -> int:
    splits = _gold_splits(data)
    return sum(map(len, splits)) + len(data.reviewed) if splits else 0


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
    return _gold_splits(data)[-1].name


def _write_rival_predictions(name: str, model: EndModel, data: Dataset, folder: RunFolder) -> None:
    test = data.get("test")
    if test is not None:
        path = folder.rival_predictions(name, "test")
        path.parent.mkdir(parents=True, exist_ok=True)
        probs = model.predict_proba(test.texts)
        probabilities_frame(test.ids, probs, model.classes).to_parquet(path, index=False)


def _about(project: Project, data: Dataset, attempt: Attempt) -> Json:
    weak, outcome = attempt.weak, attempt.outcome
    final = outcome.final
    about: Json = {
        "train": {
            "rows": outcome.rows,
            "bf16": uses_bf16(attempt.workshop.settings),
            "examples_per_second": round(final.examples_per_second, 1),
            "seconds": round(final.seconds, 2),
        },
        "weak": {
            "rows": weak.rows,
            "best_epoch": weak.best_epoch,
            "relabelled": attempt.workshop.relabelled_share,
        },
        "gold": {
            "recipe": outcome.recipe,
            "reason": outcome.reason,
            "rows": _gold_count(data),
            "candidates": [asdict(candidate) for candidate in outcome.candidates],
        },
        "warnings": _warnings(project, data, attempt),
    }
    if attempt.choice is not None:
        about["recipe"] = attempt.choice.as_dict()
    valid = data.get("valid")
    if valid is None or valid.gold is None:
        return about
    judged = attempt.judged_valid(valid)
    if judged is None:
        about["warnings"].append(
            "Valid was trained on and not judged by folds: it has no honest score."
        )
        return about
    probs, how = judged
    about["valid"] = {**score(project, valid, probs.argmax(axis=1)), "how": how}
    return about
