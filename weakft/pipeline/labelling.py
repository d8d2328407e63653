"""Stage 2: a label model turns the votes on the training rows into soft labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from weakft.analysis import lf_summary, marginal_values, near_copies
from weakft.cast_votes import column_counts
from weakft.config import Splits
from weakft.data.quoting import Quoting
from weakft.dataset import Dataset, read_gold
from weakft.errors import DataError
from weakft.evaluation import label_quality
from weakft.gaps import Gap, find_gaps
from weakft.label_models import LabelModel, make_label_model
from weakft.label_models.registry import save_label_model
from weakft.labels import LabelMatrix, SoftLabels
from weakft.narration import Narrator
from weakft.project import Project
from weakft.runs import Json, RunFolder, write_json
from weakft.visible import listed

FLAT = 0.05
OVERCONFIDENT = 0.05

Votes = Mapping[Splits, LabelMatrix]


def label(
    project: Project, data: Dataset, votes: Votes, folder: RunFolder, narrator: Narrator
) -> SoftLabels:
    """Fit the label model; write soft labels, the LF table and the quality of both.

    Reviewed rows get the class a person gave them. The label model does not learn from them: they
    were picked because they are hard, so LFs would look worse on them than they are.

    Raises:
        DataError: no row is covered, or the label model cannot use so few LFs.
    """
    config = project.config
    model = make_label_model(
        config.label_model.name,
        len(config.classes),
        seed=config.label_model.seed,
        class_balance=config.label_model.class_balance,
    )
    _fitted(model, data, votes)
    estimated = _soft_labels(model, votes["train"], config.classes)
    soft = _with_reviewed(estimated, data.reviewed)
    summary = summarise_lfs(project, data, votes, model)
    narrator.say(model.details().get("reason", f"Label model: {model.name}, as configured."))

    save_label_model(model, folder.label_model)
    soft.save(folder.soft_labels)
    summary.to_parquet(folder.lf_summary, index=False)
    write_json(folder.gaps, {"gaps": [vars(gap) for gap in gaps_of(data, votes["train"])]})
    quality = _quality(project, data, votes, model, soft)
    quality["warnings"] = [
        *_about_classes(votes["train"], config.classes, data),
        *_about_classes_without_gold(votes["train"], config.classes, data),
        *_about_classes_without_label(votes["train"], estimated),
        *_warnings(votes, summary, quality, _confidence(estimated)),
    ]
    folder.write_metrics({"labels": quality})
    return soft


def summarise_lfs(
    project: Project, data: Dataset, votes: Votes, model: LabelModel | None = None
) -> pd.DataFrame:
    """The LF table: votes on train, accuracies on dev, and as the model estimates them."""
    dev = data.get("dev")
    measured = None if dev is None or dev.gold is None else (votes["dev"], dev.gold)
    estimated = None if model is None else model.lf_accuracies
    summary = lf_summary(
        votes["train"], project.config.classes, dev=measured, estimated_accuracies=estimated
    )
    return summary if model is None else summary.join(_values(data, votes, model))


def quick_model(project: Project, data: Dataset, votes: Votes) -> LabelModel | None:
    """One-coin, fitted in a moment: for what LFs are estimated to be worth. None: no votes."""
    if not votes["train"].covered.any():
        return None
    model = make_label_model("one_coin", len(project.config.classes))
    return _fitted(model, data, votes)


def gaps_of(data: Dataset, L: LabelMatrix) -> list[Gap]:
    """What the uncovered training rows are about."""
    return find_gaps(L.ids, data["train"].texts, L.covered.tolist())


def _values(data: Dataset, votes: Votes, model: LabelModel) -> pd.DataFrame:
    """The marginal value of each LF, on gold that the label model has not learned from if any."""
    for name in ("valid", "dev"):
        split = data.get(name)
        if split is not None and split.gold is not None:
            L = votes[name]
            return marginal_values(lambda v: model.predict_proba(v), L, split.gold)
    missing = np.full((len(votes["train"].lf_names), 3), np.nan)
    return pd.DataFrame(missing, columns=["value", "value_low", "value_high"])


def _fitted(model: LabelModel, data: Dataset, votes: Votes) -> LabelModel:
    dev = data.get("dev")
    if dev is None or dev.gold is None:
        return model.fit(votes["train"])
    return model.fit(votes["train"], Y_dev=dev.gold, L_dev=votes["dev"])


def _soft_labels(model: LabelModel, L: LabelMatrix, classes: tuple[str, ...]) -> SoftLabels:
    return SoftLabels(model.predict_proba(L), L.covered, L.ids, classes)


def _with_reviewed(soft: SoftLabels, reviewed: Mapping[str, int]) -> SoftLabels:
    """The same, but sure of the reviewed rows, which count as covered."""
    if not reviewed:
        return soft
    position = {row_id: row for row, row_id in enumerate(soft.ids)}
    rows = [position[row_id] for row_id in reviewed]
    probs, covered = soft.probs.copy(), soft.covered.copy()
    probs[rows] = np.eye(len(soft.classes))[list(reviewed.values())]
    covered[rows] = True
    return SoftLabels(probs, covered, soft.ids, soft.classes)


def _confidence(soft: SoftLabels) -> float:
    return float(soft.probs[soft.covered].max(axis=1).mean())


def _quality(
    project: Project,
    data: Dataset,
    votes: Votes,
    model: LabelModel,
    soft: SoftLabels,
) -> Json:
    quality: Json = {
        "label_model": project.config.label_model.name,
        "chosen": model.details().get("chosen", model.name),
        "lfs": len(votes["train"].lf_names),
        "rows": len(soft.ids),
        "covered": int(soft.covered.sum()),
        "coverage": float(soft.covered.mean()),
        "reviewed": len(data.reviewed),
        "mean_confidence": _confidence(soft),
        "class_shares": dict(
            zip(soft.classes, soft.probs[soft.covered].mean(axis=0).tolist(), strict=True)
        ),
        **{key: value for key, value in model.details().items() if key != "chosen"},
    }
    for name, split in data.splits.items():
        if split.gold is not None and name != "test":
            quality[name] = label_quality(
                split.gold, model.predict_proba(votes[name]), votes[name].covered
            )
    if gold := project.config.evaluate.train_gold:
        quality["train"] = _train_quality(project, gold, soft)
    return quality


def _train_quality(project: Project, file: str, soft: SoftLabels) -> Json:
    config = project.config
    hidden = config.privacy.hidden
    gold = read_gold(project.root / file, config.data, config.classes, hidden=hidden)
    missing = [row for row, row_id in enumerate(soft.ids) if row_id not in gold.index]
    if missing:
        first = Quoting(hidden, config.data.id).row(soft.ids[missing[0]], missing[0])
        raise DataError(
            f"{file}: {len(missing)} training rows have no gold, first {first}. Leave "
            "[evaluate] train_gold out, or give gold for all of train."
        )
    return label_quality(gold.loc[list(soft.ids)].to_numpy(), soft.probs, soft.covered)


def _warnings(
    votes: Votes, summary: pd.DataFrame, quality: Mapping[str, Any], confidence: float
) -> list[str]:
    """What a person should know; `confidence` is the label model's own, without reviewed rows."""
    warnings = []
    silent = summary.loc[summary["votes"] == 0, "lf"].tolist()
    if silent:
        warnings.append(f"{listed(silent, 5)} never voted on train: no evidence, no effect.")
    warnings += _about_dependence(votes["train"], quality)
    faulty = summary.loc[summary["faults"] > 0, ["lf", "faults"]]
    for name, count in faulty.itertuples(index=False):
        warnings.append(
            f"{name} raised on {count} train rows (see faults.json); it abstained there."
        )
    chance = 1 / len(quality["class_shares"])
    doubted = summary.loc[summary["estimated_accuracy"] < chance, "lf"].tolist()
    if doubted and len(doubted) == summary["estimated_accuracy"].notna().sum():
        warnings.append(
            f"{quality['chosen']} takes every LF for worse than chance. Do LFs and gold number the "
            "classes alike, in the order of [project] classes? Compare some rows by hand."
        )
    elif doubted:
        warnings.append(
            f"{quality['chosen']} takes {listed(doubted, 5)} for worse than chance: their votes "
            "count for nothing, or against what they say. Fix or drop them."
        )
    for candidate in quality.get("candidates", []):
        if candidate["name"] == quality["chosen"] and (candidate["unanimous_flips"] or 0) > 0:
            warnings.append(
                f"{candidate['name']} labels {candidate['unanimous_flips']:.1%} of the unanimous "
                "rows against every vote on them."
            )
    warnings += _about_confidence(quality, confidence, chance)
    coverage = float(votes["train"].covered.mean())
    if coverage < 0.5:
        warnings.append(f"Only {coverage:.0%} of train is covered by any LF.")
    return warnings


def _about_classes(L: LabelMatrix, classes: Sequence[str], data: Dataset) -> list[str]:
    """Classes that no LF votes for, since no label can be one of them."""
    voted = column_counts(L.values, len(classes)).any(axis=0)
    known = set(np.flatnonzero(voted).tolist()) | set(data.reviewed.values())
    missing = [name for k, name in enumerate(classes) if k not in known]
    if not missing:
        return []
    if voted.sum() == 1:
        only = int(voted.argmax())
        return [
            f"Every vote on train is for {classes[only]!r}, so votes cannot tell it from "
            f"{listed(missing)}, and neither can a model that learns from them. Write LFs for the "
            "other classes too, or give gold."
        ]
    return [
        f"No LF votes for {listed(missing)} on train: {len(missing)} of {len(classes)} classes "
        "that the soft labels never are, and that the end model learns from gold alone, if at "
        "all. Write an LF for each, or drop them from [project] classes."
    ]


def _about_classes_without_gold(L: LabelMatrix, classes: Sequence[str], data: Dataset) -> list[str]:
    """Classes that LFs vote for and that valid has rows of, but not dev."""
    dev, valid = data.get("dev"), data.get("valid")
    if dev is None or dev.gold is None or valid is None or valid.gold is None:
        return []
    voted = np.flatnonzero(column_counts(L.values, len(classes)).any(axis=0))
    known = np.intersect1d(voted, valid.gold)
    missing = [classes[k] for k in np.setdiff1d(known, dev.gold).tolist()]
    if not missing:
        return []
    return [
        f"dev has no gold row of {listed(missing)}: nothing says how good votes for "
        f"{'it' if len(missing) == 1 else 'them'} are. Label a few such rows."
    ]


def _about_classes_without_label(L: LabelMatrix, soft: SoftLabels) -> list[str]:
    """Classes that LFs vote for, but that no covered row has for its label."""
    voted = np.flatnonzero(column_counts(L.values, len(soft.classes)).any(axis=0))
    lost = [soft.classes[k] for k in np.setdiff1d(voted, soft.hard).tolist()]
    if not lost:
        return []
    return [
        f"LFs vote for {listed(lost)} on train, but no row is labelled so: other votes outweigh "
        "theirs everywhere, or the label model distrusts them. Look at those LFs, and label a few "
        "such rows."
    ]


def _about_dependence(L: LabelMatrix, quality: Mapping[str, Any]) -> list[str]:
    groups = quality.get("dependent_groups")
    if not groups:
        return [
            f"{copies.first} and {copies.second} agree on {copies.agreement:.0%} of {copies.rows} "
            "rows they share, nearly all of both: they count twice. Merge them."
            for copies in near_copies(L)
        ]
    return [
        f"{listed(group['lfs'], 5)} say the same more often than independent LFs would (dependence "
        f"{group['dependence']:.2f}, {group['z']:.0f} standard errors): where several of them "
        "vote, they count as little more than one."
        for group in groups
    ]


def _about_confidence(quality: Mapping[str, Any], confidence: float, chance: float) -> list[str]:
    """Posteriors that say nothing, or that are surer than they are right."""
    judged = quality.get("valid") or quality.get("dev") or {}
    accuracy = judged.get("accuracy")
    if confidence < chance + FLAT * (1 - chance):
        return [
            f"The labels are nearly flat: mean confidence {confidence:.2f}, chance {chance:.2f}."
        ]
    if accuracy is not None and accuracy["high"] < chance:
        return [
            f"The labels contradict gold: right on {accuracy['value']:.2f} "
            f"[{accuracy['low']:.2f}, {accuracy['high']:.2f}] of the {accuracy['support']} covered "
            f"gold rows, where chance is right on {chance:.2f}. Do LFs and gold number the classes "
            "alike, in the order of [project] classes? Compare some rows by hand."
        ]
    if accuracy is not None and confidence > accuracy["high"] + OVERCONFIDENT:
        calibrates = quality["label_model"] != "auto" and "dev" in quality
        hint = ' label_model.name = "auto" calibrates them on dev.' if calibrates else ""
        return [
            f"The labels are surer than they are right: mean confidence {confidence:.2f}, right "
            f"on {accuracy['value']:.2f} [{accuracy['low']:.2f}, {accuracy['high']:.2f}] of the "
            f"covered gold rows.{hint}"
        ]
    return []
