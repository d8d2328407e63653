"""Recipes judged by what their models say of gold rows they have not seen."""

from collections.abc import Mapping
from dataclasses import dataclass

from weakft.evaluation.metrics import log_losses, macro_f1
from weakft.evaluation.paired import compare_predictions
from weakft.labels import Probs
from weakft.training.rows import Labels


@dataclass(frozen=True)
class Candidate:
    """How one recipe did on gold rows that its models had not trained on.

    Two traces of the judged rows remain: valid chose the epoch at which weak training stops
    ("none" and "continue" start there), or dev, where it judges, set the accuracies of the LFs;
    and the weights of "mix" are fitted on folds whose models trained on the rows judged. What
    stands for "mix" reads a part of the pool; the one that is taken reads all of it.

    Attributes:
        recipe: its name.
        macro_f1: on the judged rows, over the classes that gold or its predictions have.
        accuracy: share of judged rows it got right.
        negative_log_likelihood: nats per judged row.
        rows: judged rows.
    """

    recipe: str
    macro_f1: float
    accuracy: float
    negative_log_likelihood: float
    rows: int

    @classmethod
    def of(cls, recipe: str, probs: Probs, gold: Labels) -> "Candidate":
        """By its out-of-fold predictions [n, k] of n gold rows.

        Example:
            >>> import numpy as np
            >>> probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8]])
            >>> candidate = Candidate.of("mix", probs, np.array([0, 1, 1, 1]))
            >>> round(candidate.macro_f1, 3), candidate.accuracy
            (0.733, 0.75)
        """
        predicted = probs.argmax(axis=1)
        return cls(
            recipe,
            macro_f1=macro_f1(gold, predicted, probs.shape[1]),
            accuracy=float((predicted == gold).mean()),
            negative_log_likelihood=float(log_losses(probs, gold).mean()),
            rows=len(gold),
        )


@dataclass(frozen=True)
class Verdict:
    """Which recipe to take, and why.

    Attributes:
        taken: its name.
        candidates: all recipes, the highest macro-F1 first.
        reason: the end of a sentence, with the evidence.
    """

    taken: str
    candidates: tuple[Candidate, ...]
    reason: str


def judge(out_of_fold: Mapping[str, Probs], gold: Labels, *, unless_beaten: str) -> Verdict:
    """Compare recipes on the same gold rows.

    Args:
        out_of_fold: [n, k] predictions by recipe, of models that have not seen the rows.
        gold: [n] classes.
        unless_beaten: the recipe taken unless another has a higher macro-F1 and the 95 % paired
            interval of the difference does not hold 0.
    """
    candidates = sorted(
        (Candidate.of(recipe, probs, gold) for recipe, probs in out_of_fold.items()),
        key=lambda c: (-c.macro_f1, c.negative_log_likelihood),
    )
    best, favourite = candidates[0].recipe, out_of_fold[unless_beaten]
    paired = compare_predictions(
        gold, favourite.argmax(axis=1), out_of_fold[best].argmax(axis=1), favourite.shape[1]
    )
    taken = best if paired.macro_f1.difference.low > 0 else unless_beaten
    score = next(c for c in candidates if c.recipe == taken)
    rivals = ", ".join(f"{c.recipe} {c.macro_f1:.3f}" for c in candidates if c.recipe != taken)
    reason = (
        f"{taken!r}: macro-F1 {score.macro_f1:.3f} on {score.rows} gold rows it had not seen, "
        f"against {rivals}."
    )
    if best != taken:
        reason += (
            f" {taken!r} is left for another only where that is better beyond the noise; "
            f"{best} is ahead by {paired.macro_f1.difference}."
        )
    return Verdict(taken, tuple(candidates), reason)
