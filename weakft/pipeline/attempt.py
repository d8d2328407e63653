"""One training from start to end, and what is to be said of it."""

from dataclasses import asdict, dataclass

import numpy as np

from weakft.dataset import Dataset, Split
from weakft.evaluation.metrics import macro_f1
from weakft.labels import ABSTAIN, TIE, Probs
from weakft.pipeline.evaluating import score
from weakft.pipeline.gold_parts import gold_count, gold_splits
from weakft.project import Project
from weakft.runs import Json
from weakft.training.add_gold import GoldOutcome
from weakft.training.finetune import FineTuned
from weakft.training.precision import uses_bf16
from weakft.training.steps import Steps
from weakft.training.without_effect import without_effect
from weakft.training.workshop import Workshop
from weakft.unknown_tokens import Unread, unread_texts, warning


@dataclass(frozen=True)
class Attempt:
    """One training from start to end, under one seed.

    Attributes:
        workshop: what it started from; its settings hold the seed.
        weak: the model trained on weak labels alone.
        outcome: the model with gold let in.
    """

    workshop: Workshop
    weak: FineTuned
    outcome: GoldOutcome

    @property
    def seed(self) -> int:
        """Of everything that is random in training."""
        return self.workshop.settings.seed

    @property
    def learns_from_uncovered_rows(self) -> bool:
        """Whether rows that no LF votes on have a part in it."""
        return self.workshop.read_anew is not None or self.outcome.recipe == "mix"

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


def about_training(project: Project, data: Dataset, attempt: Attempt) -> Json:
    """`end_model` of metrics.json, but for its score on test and its rivals."""
    weak, outcome = attempt.weak, attempt.outcome
    final = outcome.final
    about: Json = {
        "train": {
            "rows": outcome.rows,
            "bf16": uses_bf16(attempt.workshop.settings),
            "examples_per_second": round(final.examples_per_second, 1),
            "seconds": round(final.seconds, 2),
        },
        "max_length": final.model.processor.max_length,
        "weak": {
            "rows": weak.rows,
            "steps": Steps.of(weak.rows, attempt.workshop.settings).total,
            "best_epoch": weak.best_epoch,
            "relabelled": attempt.workshop.relabelled_share,
        },
        "gold": {
            "recipe": outcome.recipe,
            "reason": outcome.reason,
            "rows": gold_count(data),
            "candidates": [asdict(candidate) for candidate in outcome.candidates],
        },
        "warnings": _warnings(project, data, attempt),
    }
    if said := about_unread(project, data, named=False):
        about["unread"] = said[0].as_dict()
        about["warnings"].insert(0, said[1])
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


def about_unread(
    project: Project, data: Dataset, *, named: bool = True
) -> tuple[Unread, str] | None:
    """How many training texts the model's tokenizer does not know, where they are many.

    Args:
        project: with the model.
        data: with the texts.
        named: name a row, unless ids are hidden.
    """
    if project.config.project.task != "text":
        return None
    train, model = data["train"], project.config.train.model
    found = unread_texts(model, project.root, train.texts)
    if found is None:
        return None
    named = named and project.config.data.id not in project.config.privacy.hidden
    row_id = train.ids[found.example] if named and found.example is not None else None
    return found, warning(found, model, row_id)


def _warnings(project: Project, data: Dataset, attempt: Attempt) -> list[str]:
    """What the data or the settings kept training from, to be told with its scores."""
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
    unread = len(data["train"]) - len(shop.texts)
    if unread and attempt.learns_from_uncovered_rows:
        read = int((~shop.soft.covered).sum())
        warnings.append(
            f"Training reads {read:,} of the {read + unread:,} rows that no LF votes on, drawn at "
            "random; train.max_uncovered_rows sets how many."
        )
    labels = np.setdiff1d(shop.soft.hard, [ABSTAIN, TIE])
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
    if shop.settings.gold not in ("auto", "none") and not gold_splits(data):
        warnings.append(
            f"train.gold = {shop.settings.gold!r} has no effect: there is neither dev nor valid."
        )
    warnings += without_effect(shop.settings)
    if data.reviewed and not gold_splits(data):
        warnings.append(
            f"The reviewed rows ({len(data.reviewed)}) enter as sure labels of train only: without "
            "dev or valid nothing judges how gold should enter."
        )
    return warnings
