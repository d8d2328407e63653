"""The gate before a candidate goes into service: it must be shown to be no worse."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from weakft.config import SPLITS, RetrainConfig, Splits
from weakft.drift import Drift
from weakft.evaluation import majority_classifier
from weakft.evaluation.metrics import macro_f1
from weakft.evaluation.paired import Losses, bounded_losses
from weakft.report import Report
from weakft.run_diff import RunDiff

LISTED_ROWS = 20
REMEDY = (
    "Mend the LFs or the training. To have it in service all the same: `weakft runs promote "
    'latest`, or retrain.first = "promote".'
)

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Check:
    """One thing the gate looks at.

    Attributes:
        name: of the check.
        passed: whether the candidate may pass.
        says: what was found and what was wanted.
    """

    name: str
    passed: bool
    says: str


@dataclass(frozen=True)
class Verdict:
    """What the gate says of a candidate.

    Attributes:
        checks: all of them.
        newly_wrong: ids of the first gold rows that only the model in service gets right.
        split: whose gold judged; None where there was none.
    """

    checks: tuple[Check, ...]
    newly_wrong: tuple[str, ...]
    split: Splits | None = None

    @property
    def passed(self) -> bool:
        """Whether the candidate goes into service."""
        return all(check.passed for check in self.checks)

    @property
    def reasons(self) -> list[str]:
        """Why it does not."""
        return [check.says for check in self.checks if not check.passed]


def judge(
    current: Report,
    candidate: Report,
    change: RunDiff,
    drifts: Sequence[Drift],
    settings: RetrainConfig,
) -> Verdict:
    """Compare a candidate with the run in service.

    Args:
        current: the run in service.
        candidate: the run that would replace it.
        change: what differs between the two.
        drifts: what differs between the rows that are new and those before.
        settings: `[retrain]`.
    """
    checks = [*_about_labels(current, candidate, change, settings)]
    checks.append(_about_drift(drifts, len(candidate.manifest["lfs"]), settings))
    split = judging_split(current, candidate, settings)
    if split is None:
        says = (
            "No gold can judge: neither test nor valid was scored by both runs on the same file. "
            'Add one, or set retrain.unjudged = "promote".'
        )
        checks.append(Check("gold", settings.unjudged == "promote", says))
        return Verdict(tuple(checks), ())
    ids, gold, old, new = _on_the_same_rows(current, candidate, split)
    losses = bounded_losses(gold, old, new, len(candidate.classes), level=settings.level)
    checks += _about_scores(losses, split, candidate.classes, settings)
    wrong = np.flatnonzero((old == gold) & (new != gold))[:LISTED_ROWS]
    return Verdict(tuple(checks), tuple(ids[int(row)] for row in wrong), split)


def check_first(candidate: Report, settings: RetrainConfig) -> Verdict:
    """Whether a run that would be the first in service is fit for it at all.

    Gold of test tells, else of valid, else of dev.

    Args:
        candidate: the run.
        settings: `[retrain]`.
    """
    if settings.first == "promote":
        return Verdict((), ())
    checks = [_about_classes(candidate)]
    split = judging_split(candidate, candidate, settings) or _dev(candidate)
    if split is None:
        return Verdict(tuple(checks), ())
    ids, gold, _, predicted = _on_the_same_rows(candidate, candidate, split)
    checks += [
        _about_recalls(gold, predicted, candidate.classes, split, settings.level),
        _about_vote(candidate, ids, gold, predicted, split, settings.level),
    ]
    return Verdict(tuple(checks), (), split)


def _about_classes(candidate: Report) -> Check:
    """Every class is predicted somewhere."""
    splits = [split for split in SPLITS if candidate.run.predictions(split).exists()]
    predicted = [_predicted(candidate, split) for split in splits]
    found = np.bincount(np.concatenate(predicted), minlength=len(candidate.classes))
    never = [repr(name) for name, count in zip(candidate.classes, found, strict=True) if not count]
    if not never:
        return Check("classes", True, "The model predicts every class.")
    says = f"The model never predicts {', '.join(never)} on any of the {found.sum():,} rows."
    return Check("classes", False, f"{says} {REMEDY}")


def _about_recalls(
    gold: Labels, predicted: Labels, classes: Sequence[str], split: Splits, level: float
) -> Check:
    """No class is missed on so many rows that its recall is shown to be below one half."""
    missed = []
    for k, name in enumerate(classes):
        rows = int((gold == k).sum())
        if not (predicted == k).any() and 0.5**rows <= 1 - level:
            missed.append(f"{name!r}, the class of {rows:,} rows")
    if not missed:
        return Check("recall", True, f"The model misses no class altogether on {split}.")
    says = f"The model never predicts {' nor '.join(missed)}, on {split}."
    return Check("recall", False, f"{says} {REMEDY}")


def _about_vote(
    candidate: Report,
    ids: Sequence[str],
    gold: Labels,
    predicted: Labels,
    split: Splits,
    level: float,
) -> Check:
    """The model is not shown to be below the vote; on few rows chance alone may put it there."""
    L, L_train = candidate.votes(split), candidate.votes("train")
    k, rows = len(candidate.classes), {row_id: row for row, row_id in enumerate(L.ids)}
    vote = majority_classifier(L.values[[rows[row_id] for row_id in ids]], L_train.values, k)
    gain = bounded_losses(gold, vote, predicted, k, level=level).macro_f1
    says = (
        f"macro-F1 on {split} is {macro_f1(gold, predicted, k):.3f}, that of a plain majority vote "
        f"{macro_f1(gold, vote, k):.3f} ({gain.support:,} rows)"
    )
    if gain.high < 0:
        says += f": shown to be less ({level:.0%} sure). {REMEDY}"
    elif gain.value < 0:
        says += ": less, but so few rows may say so by chance."
    else:
        says += ": no less."
    return Check("majority vote", gain.high >= 0, says)


def judging_split(current: Report, candidate: Report, settings: RetrainConfig) -> Splits | None:
    """The split both runs scored on the same file, as `[retrain] gold` asks."""
    wanted: tuple[Splits, ...] = ("test", "valid") if settings.gold == "auto" else (settings.gold,)
    hashes = [report.manifest["data"] for report in (current, candidate)]
    for split in wanted:
        scored = all(split in report.metrics["end_model"] for report in (current, candidate))
        if scored and hashes[0][split]["sha256"] == hashes[1][split]["sha256"]:
            return split
    return None


def _dev(report: Report) -> Splits | None:
    """The last resort: no later candidate is compared there, where all have learned."""
    there = "dev" in report.manifest["data"] and report.run.predictions("dev").exists()
    return "dev" if there else None


def _on_the_same_rows(
    current: Report, candidate: Report, split: Splits
) -> tuple[list[str], Labels, Labels, Labels]:
    gold = candidate.gold(split)
    assert gold is not None
    ids = [str(row) for row in gold.index]
    old, new = (_predicted(report, split, ids) for report in (current, candidate))
    return ids, gold.to_numpy(dtype=np.int64), old, new


def _predicted(report: Report, split: Splits, ids: Sequence[str] | None = None) -> Labels:
    """The classes a run predicts on a split: on all rows, or on those of these ids, in order."""
    table = pd.read_parquet(report.run.predictions(split)).set_index("id")
    table = table if ids is None else table.loc[list(ids)]
    probs = table[[f"p_{name}" for name in report.classes]].to_numpy(dtype=np.float64)
    return np.asarray(probs.argmax(axis=1))


def _about_scores(
    losses: Losses, split: str, classes: Sequence[str], settings: RetrainConfig
) -> list[Check]:
    checks = []
    for name, gain in (("macro-F1", losses.macro_f1), ("accuracy", losses.accuracy)):
        passed = gain.low > -settings.margin
        says = (
            f"{name} on {split} changes by {gain.value:+.3f}, at worst {gain.low:+.3f} "
            f"({settings.level:.0%} sure, {gain.support:,} rows); wanted better than "
            f"-{settings.margin:g}."
        )
        checks.append(Check(name, passed, says if passed else f"{says}{_advice(gain.value)}"))
    for name, recall in zip(classes, losses.recalls, strict=True):
        if recall is None:
            continue
        shown_worse = recall.high < 0 and recall.value < -settings.class_margin
        says = (
            f"recall of {name!r} on {split} changes by {recall.value:+.3f} ({recall.low:+.3f} to "
            f"{recall.high:+.3f}, {recall.support:,} rows); refused where it is shown to lose more "
            f"than {settings.class_margin:g}."
        )
        checks.append(Check(f"recall of {name}", not shown_worse, says))
    return checks


def _advice(gain: float) -> str:
    if gain < 0:
        return ""
    return " The candidate may well be as good: with more gold rows that could be shown."


def _about_labels(
    current: Report, candidate: Report, change: RunDiff, settings: RetrainConfig
) -> list[Check]:
    before, after = (report.metrics["labels"]["coverage"] for report in (current, candidate))
    flips = change.flip_count / max(change.rows, 1)
    return [
        Check(
            "coverage",
            before - after <= settings.max_coverage_drop,
            f"Coverage goes from {before:.1%} to {after:.1%}; a drop of "
            f"{settings.max_coverage_drop:.1%} is allowed.",
        ),
        Check(
            "label flips",
            flips <= settings.max_label_flips,
            f"{change.flip_count:,} of {change.rows:,} rows in both runs have a label of another "
            f"class ({flips:.1%}); {settings.max_label_flips:.1%} are allowed.",
        ),
    ]


def _about_drift(drifts: Sequence[Drift], lfs: int, settings: RetrainConfig) -> Check:
    drifted = [drift for drift in drifts if drift.kind == "vote rate"]
    share = len(drifted) / max(lfs, 1)
    named = " ".join(str(drift) for drift in drifted[:3])
    says = (
        f"{len(drifted)} of {lfs} LFs fire more or less often in the new rows; "
        f"{settings.max_drifted_lfs:.0%} are allowed. {named}"
    )
    return Check("drift", share <= settings.max_drifted_lfs, says.strip())
