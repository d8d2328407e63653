"""How gold enters: candidates judged by k-fold on the gold at hand, gold alone among them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from weakft.labels import Probs
from weakft.training.finetune import FineTuned, fine_tune
from weakft.training.rows import TrainingSet
from weakft.training.workshop import Workshop


@dataclass(frozen=True)
class Gold:
    """Hand-labelled rows to train on.

    Attributes:
        rows: all of them, one-hot.
        judged: [n] True for the rows that judge recipes, each in a fold that did not train
            on it; the others train in every fold.
    """

    rows: TrainingSet
    judged: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Candidate:
    """How one way to use gold did on rows its models had not seen."""

    recipe: str
    accuracy: float
    negative_log_likelihood: float
    rows: int


@dataclass(frozen=True)
class GoldOutcome:
    """The model taken, and the evidence for it."""

    final: FineTuned
    gold_only: FineTuned | None
    recipe: str
    reason: str
    gold_rows: int
    candidates: tuple[Candidate, ...]
    valid_probs: Probs | None
    valid_how: str
    warnings: tuple[str, ...] = ()


def add_gold(workshop: Workshop, weak: FineTuned, gold: Gold | None) -> GoldOutcome:
    """Choose how gold enters and train the final model that way."""
    probs = None if workshop.valid is None else weak.model.predict_proba(workshop.valid.texts)
    how = "valid chose the checkpoint"
    if gold is None:
        return GoldOutcome(weak, None, "none", "No gold.", 0, (), probs, how)
    only = fine_tune(
        workshop.fresh_model(),
        gold.rows,
        workshop.gold_settings(),
        title="Fine-tuning on gold alone",
        narrator=workshop.narrator,
    )
    return GoldOutcome(weak, only, "none", "As configured.", len(gold.rows), (), probs, how)
