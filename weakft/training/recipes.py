"""Which settings suit the data? A few are tried on a sample, as long as the user has time."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from weakft.config import TrainConfig
from weakft.errors import WeakftError
from weakft.training.gold import Mask
from weakft.training.judging import clearly_better
from weakft.training.rows import TrainingSet
from weakft.training.workshop import Workshop

SAMPLE = 2000  # rows of the pool that a trial learns from
LEAST_JUDGES = 30
CONFIGURED = "as configured"

TRIALS: dict[str, dict[str, Any]] = {
    "relabelled": {"relabel": None, "uncovered": "ignore", "selection": "all"},
    "labels as voted": {"relabel": False, "uncovered": "ignore"},
    "uncovered filled": {"relabel": False, "uncovered": "fill"},
    "cut statistic": {"relabel": False, "selection": "cut_statistic"},
    "self-training": {"self_training": 1},
    "averaged weights": {"ema": 0.99, "tail_average": 0},
    "labels as voted, self-training": {
        "relabel": False,
        "uncovered": "ignore",
        "self_training": 1,
    },
    "confident learning": {"relabel": False, "selection": "confident_learning"},
    "generalised cross-entropy": {"loss": "generalised_cross_entropy"},
    "probe first": {"probe_epochs": 1},
    "frozen half": {"strategy": "freeze"},
}
"""Changes to `[train]` by name, the most promising first."""


@dataclass(frozen=True)
class Trial:
    """How one recipe did.

    Attributes:
        recipe: its name; "as configured" is `[train]` as it stands.
        settings: what it changes.
        accuracy: share of the judging rows it got right.
        ahead: by how much that is more than "as configured", and
        standard_error: of that, paired by row.
        seconds: it took.
    """

    recipe: str
    settings: Mapping[str, Any]
    accuracy: float
    ahead: float
    standard_error: float
    seconds: float


@dataclass(frozen=True)
class Choice:
    """The recipe taken, and all that was tried.

    Attributes:
        workshop: with the settings of the recipe taken.
        reason: a sentence.
        trials: as far as time allowed.
        left_out: recipes that do not go with the model or the data, and why.
    """

    workshop: Workshop
    reason: str
    trials: tuple[Trial, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        return {
            "reason": self.reason,
            "trials": [asdict(trial) for trial in self.trials],
            "left_out": dict(self.left_out),
        }


def choose_recipe(workshop: Workshop, judges: TrainingSet | None, budget: float) -> Choice:
    """The recipe that labels gold rows best after training on weak labels alone.

    Each learns from the same sample of the pool and is judged on rows that none of them learns
    from: valid, or dev where there is no valid. Dev has a part in the weak labels, the same one in
    those of every recipe. "As configured" stays unless the best is `clearly_better`.

    Args:
        workshop: the pool and its settings.
        judges: the gold rows, if there are any.
        budget: seconds; a trial that would end later, by the time the longest took, is not begun.
    """
    if judges is None or len(judges) < LEAST_JUDGES:
        rows = 0 if judges is None else len(judges)
        return Choice(
            workshop,
            f"Recipe as configured: choosing wants {LEAST_JUDGES} gold rows in valid, or in dev "
            f"where there is no valid; there are {rows}.",
        )
    start, gold = time.perf_counter(), judges.probs.argmax(axis=1)
    sample = workshop.sample(SAMPLE)
    right: dict[str, Mask] = {}
    left_out: dict[str, str] = {}
    trials: list[Trial] = []
    tried: list[TrainConfig] = []
    for recipe, changes in {CONFIGURED: {}, **TRIALS}.items():
        longest = max((trial.seconds for trial in trials), default=0.0)
        if trials and time.perf_counter() - start + longest > budget:
            break
        began = time.perf_counter()
        shop = sample.changed(changes)
        in_effect = shop.settings.model_copy(update={"relabel": shop.reads_texts})
        if in_effect in tried:
            continue
        tried.append(in_effect)
        try:
            predicted = shop.weak_model().model.predict_proba(judges.texts).argmax(axis=1)
        except WeakftError as error:
            if recipe == CONFIGURED:
                raise
            left_out[recipe] = str(error)
            continue
        right[recipe] = predicted == gold
        ahead = right[recipe].astype(float) - right[CONFIGURED]
        trials.append(
            Trial(
                recipe,
                changes,
                accuracy=float(right[recipe].mean()),
                ahead=float(ahead.mean()),
                standard_error=float(ahead.std(ddof=1) / np.sqrt(len(ahead))),
                seconds=time.perf_counter() - began,
            )
        )
    best = max(trials, key=lambda trial: trial.accuracy)
    if not clearly_better(right[best.recipe], right[CONFIGURED]):
        best = trials[0]
    others = ", ".join(f"{t.recipe} {t.accuracy:.3f}" for t in trials if t is not best)
    reason = (
        f"Recipe: {best.recipe}, right on {best.accuracy:.3f} of {len(judges)} gold rows"
        + (f", against {others}" if others else "")
        + f". {len(trials)} of {len(TRIALS) + 1} recipes fit into {budget:.0f} s."
    )
    return Choice(workshop.changed(best.settings), reason, tuple(trials), left_out)
