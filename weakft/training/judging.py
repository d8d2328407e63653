"""Recipes judged by what their models say of gold rows they have not seen."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from weakft.labels import Probs
from weakft.training.gold import Mask
from weakft.training.rows import Labels

SMALLEST_PROBABILITY = 1e-6


@dataclass(frozen=True)
class Candidate:
    """How one recipe did on gold rows that its models had not trained on.

    Three traces of the judged rows remain: valid chose the epoch at which weak training stops
    ("none" and "continue" start there), or dev, where it judges, set the accuracies of the LFs;
    settings that `--budget` chose were chosen by valid; and the weights of "mix" are fitted on
    folds whose models trained on the rows judged. What stands for "mix" reads a part of the
    pool; the one that is kept reads all of it.

    Attributes:
        recipe: its name.
        accuracy: share of judged rows it got right.
        standard_error: of that share.
        negative_log_likelihood: nats per judged row.
        rows: judged rows.
    """

    recipe: str
    accuracy: float
    standard_error: float
    negative_log_likelihood: float
    rows: int

    @classmethod
    def of(cls, recipe: str, probs: Probs, gold: Labels) -> "Candidate":
        """By its out-of-fold predictions [n, k] of n gold rows.

        Example:
            >>> probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8]])
            >>> Candidate.of("mix", probs, np.array([0, 1, 1, 1])).accuracy
            0.75
        """
        right = probs.argmax(axis=1) == gold
        likelihood = np.maximum(probs[np.arange(len(gold)), gold], SMALLEST_PROBABILITY)
        return cls(
            recipe,
            accuracy=float(right.mean()),
            standard_error=float(right.std(ddof=1) / np.sqrt(len(gold))),
            negative_log_likelihood=float(-np.log(likelihood).mean()),
            rows=len(gold),
        )


@dataclass(frozen=True)
class Verdict:
    """Which recipe to take, and why.

    Attributes:
        taken: its name.
        candidates: all recipes, the most accurate first.
        reason: the end of a sentence, with the evidence.
    """

    taken: str
    candidates: tuple[Candidate, ...]
    reason: str


def clearly_better(one: Mask, other: Mask) -> bool:
    """Is one right more often than the other by more than a paired standard error and a row?

    A row more or less is no evidence: the continuity correction of McNemar's test (Edwards, "Note
    on the 'correction for continuity' in testing the significance of the difference between
    correlated proportions", 1948).

    Args:
        one: [n] where it is right.
        other: [n] where that is right, on the same rows.

    Example:
        >>> right = np.arange(100) < 80
        >>> clearly_better(np.arange(100) < 82, right), clearly_better(np.arange(100) < 83, right)
        (False, True)
    """
    ahead = int(one.sum()) - int(other.sum())
    return bool(ahead - 1 > np.sqrt((one != other).sum()))


def judge(out_of_fold: Mapping[str, Probs], gold: Labels, *, unless_beaten: str) -> Verdict:
    """Compare recipes on the same gold rows.

    Args:
        out_of_fold: [n, k] predictions by recipe, of models that have not seen the rows.
        gold: [n] classes.
        unless_beaten: the recipe taken unless another is `clearly_better`.
    """
    candidates = sorted(
        (Candidate.of(recipe, probs, gold) for recipe, probs in out_of_fold.items()),
        key=lambda c: (-c.accuracy, c.negative_log_likelihood),
    )
    best = candidates[0].recipe
    right = {recipe: probs.argmax(axis=1) == gold for recipe, probs in out_of_fold.items()}
    taken = best if clearly_better(right[best], right[unless_beaten]) else unless_beaten
    score = next(c for c in candidates if c.recipe == taken)
    rivals = ", ".join(f"{c.recipe} {c.accuracy:.3f}" for c in candidates if c.recipe != taken)
    reason = (
        f"{taken!r}: right on {score.accuracy:.3f} (± {score.standard_error:.3f}) of {score.rows} "
        f"gold rows it had not seen, against {rivals}."
    )
    if best != taken:
        reason += f" {taken!r} is left for another only where that is better beyond the noise."
    return Verdict(taken, tuple(candidates), reason)
