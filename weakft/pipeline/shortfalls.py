"""Where the end model falls short: classes it never predicts, rivals and labels that do better."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from weakft.config import Splits
from weakft.dataset import Dataset, Split
from weakft.evaluation import majority_classifier
from weakft.evaluation.paired import PairedScore, compare_predictions
from weakft.intervals import Estimate
from weakft.label_models.registry import load_label_model
from weakft.labels import LabelMatrix, SoftLabels, hard_labels, read_probs
from weakft.project import Project
from weakft.report import MODEL_NAMES
from weakft.runs import Json, RunFolder
from weakft.unknown_tokens import Unread
from weakft.visible import listed

LISTED = 10
MARGIN = 0.01  # macro-F1; a smaller difference is not worth a warning
FEW_ROWS = 10  # fewer show nothing
RIVALS = ("gold_only", "gold_probe", "weak_probe")  # whose predictions are written
REMEDIES = {
    "gold_only": 'Set train.gold = "only", or fix the LFs: adding weak labels lowers the score.',
    "gold_probe": (
        "Fine-tuning scores below a linear probe of the same encoder: set train.strategy = "
        '"head", or a smaller train.learning_rate.'
    ),
    "weak_probe": (
        "Fine-tuning does not get as far as the head it starts from: raise "
        'train.num_train_epochs, or set train.strategy = "head".'
    ),
}

Labels = npt.NDArray[np.integer]


def shortfalls(
    project: Project,
    data: Dataset,
    votes: Mapping[Splits, LabelMatrix],
    folder: RunFolder,
    metrics: Json,
) -> list[str]:
    """One sentence for each way in which the end model falls short, and what to do.

    Args:
        project: with the classes.
        data: the splits.
        votes: on them.
        folder: with soft labels and all predictions.
        metrics: of the run, with never_predicted and against_labels as below.
    """
    classes = project.config.classes
    found = [_never_on_the_pool(metrics["end_model"]["never_predicted"], folder, classes)]
    for name in ("valid", "test"):
        split = data.get(name)
        if split is not None and split.gold is not None and name in metrics["end_model"]:
            ours = read_probs(folder.predictions(name), split.ids, classes).argmax(axis=1)
            found.append(_below_chance(split, metrics, len(classes)))
            found.append(_never_on_gold(split, ours, classes))
            found.append(_below_the_vote(split, ours, votes, project, metrics))
            found.append(_below_a_rival(split, ours, folder, project))
    found.append(_below_its_labels(metrics["end_model"].get("against_labels")))
    return [sentence for sentence in found if sentence]


def never_predicted(ids: Sequence[str], folder: RunFolder, classes: Sequence[str]) -> list[str]:
    """The classes that the end model predicts on no training row."""
    predicted = read_probs(folder.predictions("train"), ids, classes).argmax(axis=1)
    return [classes[k] for k in np.setdiff1d(np.arange(len(classes)), predicted)]


def against_labels(
    project: Project, data: Dataset, votes: Mapping[Splits, LabelMatrix], folder: RunFolder
) -> Json | None:
    """The end model and the labels of the kind it learned from, on the covered rows of valid.

    Rows whose likeliest classes tie have no label, and are left out.

    Returns:
        labels, end_model and difference (the end model's minus the labels'), macro-F1 with
        intervals; None without gold, or where no row of valid has a label.
    """
    valid = data.get("valid")
    if valid is None or valid.gold is None:
        return None
    probs = load_label_model(folder.label_model).predict_proba(votes["valid"])
    hard = hard_labels(probs)
    rows = np.flatnonzero(votes["valid"].covered & (hard >= 0))
    if not len(rows):
        return None
    classes, settings = project.config.classes, project.config.evaluate
    ours = read_probs(folder.predictions("valid"), valid.ids, classes).argmax(axis=1)
    paired = compare_predictions(
        valid.gold[rows],
        hard[rows],
        ours[rows],
        len(classes),
        resamples=settings.resamples,
        seed=settings.seed,
    ).macro_f1
    return {
        "labels": paired.old.as_dict(),
        "end_model": paired.new.as_dict(),
        "difference": paired.difference.as_dict(),
    }


def _never_on_the_pool(never: Sequence[str], folder: RunFolder, classes: Sequence[str]) -> str:
    if not never:
        return ""
    labelled = SoftLabels.load(folder.soft_labels, tuple(classes)).hard
    rows = [int((labelled == classes.index(name)).sum()) for name in never]
    names = [f"{name!r} ({_rows(n)} labelled so)" for name, n in zip(never, rows, strict=True)]
    remedy = "Raise train.num_train_epochs" if any(rows) else f"Write LFs for {_it(never)}"
    return (
        f"The end model never predicts {listed(names, LISTED)} among the {len(labelled):,} "
        f"training rows. {remedy}, or give gold rows of {_it(never)}."
    )


def _never_on_gold(split: Split, predicted: Labels, classes: Sequence[str]) -> str:
    assert split.gold is not None
    never = np.setdiff1d(split.gold, predicted)
    if not len(never):
        return ""
    names = [f"{classes[k]!r} ({_rows(int((split.gold == k).sum()))})" for k in never]
    return (
        f"The end model never predicts {listed(names, LISTED)} on {split.name}, where gold does. "
        f"Write LFs for {_it(names)}, or give more gold."
    )


def _below_chance(split: Split, metrics: Json, cardinality: int) -> str:
    accuracy = metrics["end_model"][split.name]["accuracy"]
    if accuracy["high"] >= 1 / cardinality:
        return ""
    return (
        f"The end model is worse than chance: right on {accuracy['value']:.2f} "
        f"[{accuracy['low']:.2f}, {accuracy['high']:.2f}] of {_rows(accuracy['support'])} on "
        f"{split.name}. Do LFs and gold number the classes alike, in the order of [project] "
        "classes? Compare some rows by hand."
    )


def _below_the_vote(
    split: Split,
    ours: Labels,
    votes: Mapping[Splits, LabelMatrix],
    project: Project,
    metrics: Json,
) -> str:
    if "majority_vote" not in project.config.evaluate.rivals:
        return ""
    k = len(project.config.classes)
    vote = majority_classifier(votes[split.name].values, votes["train"].values, k)
    paired = _paired(split, vote, ours, project)
    if not _worse(paired):
        return ""
    return (
        f"The end model is worse than a plain majority vote: macro-F1 {_with_interval(paired)} on "
        f"{split.name}.{_cause(metrics)}"
    )


def _paired(split: Split, rival: Labels, ours: Labels, project: Project) -> PairedScore:
    assert split.gold is not None
    settings = project.config.evaluate
    return compare_predictions(
        split.gold,
        rival,
        ours,
        len(project.config.classes),
        resamples=settings.resamples,
        seed=settings.seed,
    ).macro_f1


def _cause(metrics: Json) -> str:
    """Why the model may be behind, where it is known."""
    unread = metrics["end_model"].get("unread")
    if unread is None:
        return ""
    return f" It knows too little of {Unread.from_dict(unread).what}, which LFs do read."


def _below_a_rival(split: Split, ours: Labels, folder: RunFolder, project: Project) -> str:
    """The rival that is ahead by most, if one is by more than MARGIN."""
    ahead = dict(_rivals_ahead(split, ours, folder, project))
    if not ahead:
        return ""
    best = max(ahead, key=lambda name: ahead[name].old.value)
    return (
        f"The end model is worse than its rival {MODEL_NAMES[best]!r}: macro-F1 "
        f"{_with_interval(ahead[best])} on {split.name}. {REMEDIES[best]}"
    )


def _rivals_ahead(
    split: Split, ours: Labels, folder: RunFolder, project: Project
) -> Iterator[tuple[str, PairedScore]]:
    for name in RIVALS:
        path = folder.rival_predictions(name, split.name)
        if not path.exists():
            continue
        rival = read_probs(path, split.ids, project.config.classes).argmax(axis=1)
        paired = _paired(split, rival, ours, project)
        if _worse(paired):
            yield name, paired


def _below_its_labels(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    paired = PairedScore(
        *(Estimate(**found[name]) for name in ("labels", "end_model", "difference"))
    )
    if not _worse(paired):
        return ""
    return (
        "The end model is worse than the labels it learned from: macro-F1 "
        f"{_with_interval(paired)} on the covered rows of valid. It has not learned what the LFs "
        "know: raise train.num_train_epochs, or take a larger train.model."
    )


def _worse(paired: PairedScore) -> bool:
    return paired.difference.value < -MARGIN and paired.difference.support >= FEW_ROWS


def _with_interval(paired: PairedScore) -> str:
    gain = paired.difference
    chance = "" if gain.high < 0 else "; the interval includes 0"
    return (
        f"{paired.new.value:.3f} against {paired.old.value:.3f} (difference {gain.value:+.3f}, 95% "
        f"interval {gain.low:+.3f} to {gain.high:+.3f}, {_rows(gain.support)}{chance})"
    )


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def _it(names: Sequence[object]) -> str:
    return "it" if len(names) == 1 else "them"
