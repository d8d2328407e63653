"""How gold enters: recipes judged by k-fold on the gold at hand, gold alone among them.

none      weak labels alone
only      gold alone
continue  train on weak labels, then go on with gold
mix       the gold-only model goes on with the whole pool, as it and the LF votes label
          it together, and with gold
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from weakft.end_model import EndModel
from weakft.errors import ConfigError
from weakft.labels import Probs
from weakft.training.finetune import FineTuned, fine_tune
from weakft.training.rows import TrainingSet
from weakft.training.stacking import Weights, fit_weights, pooled
from weakft.training.workshop import Workshop, copy_model

MINIMUM_JUDGES = 20
JUDGING_POOL = 4000  # pool rows at most in each fold; the final model takes them all
RECIPES = ("none", "only", "continue", "mix")

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Gold:
    """Hand-labelled rows to train on.

    Attributes:
        rows: n gold rows, one-hot.
        judged: [n] True for the rows that judge recipes, each in a fold that did not train
            on it; the others (dev, which set LF accuracies) train in every fold.
        weak: [n, k] what the label model says of these rows.
    """

    rows: TrainingSet
    judged: Mask
    weak: Probs

    @property
    def labels(self) -> npt.NDArray[np.intp]:
        """[n] class positions."""
        return np.asarray(self.rows.probs.argmax(axis=1))

    def folds(self, count: int, seed: int) -> list[Mask]:
        """`count` masks that share out the judged rows, each class dealt evenly."""
        rng = np.random.default_rng(seed)
        judged = rng.permutation(np.flatnonzero(self.judged))
        dealt = judged[np.argsort(self.labels[judged], kind="stable")]
        fold = np.full(len(self.rows), -1)
        fold[dealt] = np.arange(len(dealt)) % count
        return [fold == number for number in range(count)]


@dataclass(frozen=True)
class Candidate:
    """How one recipe did on gold rows that its models had not trained on.

    Two traces of the judged rows remain: valid chose the epoch at which weak training stops
    ("none" and "continue" start there), and the two weights of "mix" are fitted on folds whose
    models trained on the rows judged.

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


@dataclass(frozen=True)
class GoldOutcome:
    """The model taken, and the evidence for it.

    Attributes:
        final: the end model.
        gold_only: its rival, trained on gold alone; None without gold.
        recipe: one of RECIPES.
        reason: a sentence with the evidence.
        rows: rows the end model was trained on, over all its stages.
        candidates: the recipes compared, best first; empty where nothing was compared.
        judged_probs: [judged, k] out-of-fold predictions of the recipe taken, or None.
    """

    final: FineTuned
    gold_only: FineTuned | None
    recipe: str
    reason: str
    rows: int
    candidates: tuple[Candidate, ...] = ()
    judged_probs: Probs | None = None


def add_gold(workshop: Workshop, weak: FineTuned, gold: Gold | None) -> GoldOutcome:
    """Let gold in by the recipe `train.gold` names, or by the one that does best.

    Args:
        workshop: the pool and the settings.
        weak: the model trained on weak labels alone; left as it is.
        gold: hand-labelled rows, if there are any.
    """
    if gold is None:
        return GoldOutcome(weak, None, "none", "No gold: trained on weak labels alone.", weak.rows)
    kitchen = _Kitchen(workshop, weak, gold)
    teacher = kitchen.only(np.full(len(gold.rows), True), "Gold alone")
    asked = workshop.settings.gold
    judges = int(gold.judged.sum())
    enough = judges >= max(MINIMUM_JUDGES, 2 * workshop.settings.gold_folds)
    if asked == "auto" and len(set(gold.labels.tolist())) == 1:
        return kitchen.finish("none", teacher, "Weak labels alone: gold is all of one class.")
    if asked == "auto" and not enough:
        why = f"{judges} gold rows are too few to compare ways to use them"
        return kitchen.finish("continue", teacher, f"Weak labels, then gold: {why}.")
    if asked == "mix" and not enough:
        raise ConfigError(
            f"train.gold = 'mix' weighs gold against votes on at least {MINIMUM_JUDGES} gold rows, "
            f"got {judges}. Use 'continue'."
        )
    if asked == "auto":
        return kitchen.finish_best(teacher)
    return kitchen.finish(asked, teacher, f"train.gold = {asked!r}, as configured.")


@dataclass(frozen=True)
class _Kitchen:
    workshop: Workshop
    weak: FineTuned
    gold: Gold

    def only(self, rows: Mask, title: str) -> FineTuned:
        return self._on_gold(self.workshop.fresh_model, rows, title)

    def continued(self, rows: Mask, title: str) -> FineTuned:
        return self._on_gold(lambda: copy_model(self.weak.model), rows, title)

    def mixed(
        self, pool: Workshop, rows: Mask, teacher: EndModel, weights: Weights, title: str
    ) -> FineTuned:
        """Go on from the gold-only model with gold and the relabelled pool, of equal weight.

        Gold of little weight would let go of rare classes, which a relabelled pool drowns.
        """
        probs = pooled([teacher.predict_proba(pool.texts), pool.soft.probs], weights)
        relabelled = TrainingSet(pool.texts, probs, np.ones(len(pool.texts)))
        gold = self.gold.rows.take(rows)
        together = TrainingSet.concat([relabelled, gold.weighted(len(relabelled) / len(gold))])
        return fine_tune(
            copy_model(teacher),
            together,
            pool.mix_settings(len(together)),
            title=title,
            narrator=pool.narrator,
            cache=pool.cache,
        )

    def finish_best(self, teacher: FineTuned) -> GoldOutcome:
        """Judge every recipe on gold it has not seen, and finish the best."""
        out_of_fold, weights = self._out_of_fold(("only", "continue", "mix"))
        out_of_fold["none"] = self.weak.model.predict_proba(self._judged_texts)
        candidates = sorted(
            (self._judge(recipe, out_of_fold[recipe]) for recipe in RECIPES),
            key=lambda c: (-c.accuracy, c.negative_log_likelihood),
        )
        best = candidates[0].recipe
        rivals = ", ".join(f"{c.recipe} {c.accuracy:.3f}" for c in candidates[1:])
        reason = (
            f"Gold enters by {best!r}: right on {candidates[0].accuracy:.3f} "
            f"(± {candidates[0].standard_error:.3f}) of {candidates[0].rows} gold rows it had not "
            f"seen, against {rivals}."
        )
        return self._outcome(best, teacher, reason, weights, tuple(candidates), out_of_fold[best])

    def finish(self, recipe: str, teacher: FineTuned, reason: str) -> GoldOutcome:
        """Finish by a given recipe, judged by nothing."""
        weights = self._out_of_fold(("only",))[1] if recipe == "mix" else np.ones(2)
        return self._outcome(recipe, teacher, reason, weights, (), None)

    def _outcome(
        self,
        recipe: str,
        teacher: FineTuned,
        reason: str,
        weights: Weights,
        candidates: tuple[Candidate, ...],
        judged_probs: Probs | None,
    ) -> GoldOutcome:
        everything = np.full(len(self.gold.rows), True)
        if recipe == "mix":
            final = self.mixed(
                self.workshop, everything, teacher.model, weights, "Gold and votes together"
            )
        elif recipe == "continue":
            final = self.continued(everything, "Weak labels, then gold")
        else:
            final = {"only": teacher, "none": self.weak}[recipe]
        rows = final.rows + (self.weak.rows if recipe == "continue" else 0)
        return GoldOutcome(final, teacher, recipe, reason, rows, candidates, judged_probs)

    def _out_of_fold(self, recipes: tuple[str, ...]) -> tuple[dict[str, Probs], Weights]:
        """Predictions on every judged row by models that did not train on it."""
        folds = self.gold.folds(self.workshop.settings.gold_folds, self.workshop.settings.seed)
        shape = self.gold.rows.probs.shape
        found = {recipe: np.full(shape, np.nan) for recipe in recipes}
        teachers = []
        sample = self.workshop.sample(JUDGING_POOL)
        for number, held_out in enumerate(folds, start=1):
            title = f"Judging, fold {number} of {len(folds)}"
            texts = self.gold.rows.take(held_out).texts
            teacher = self.only(~held_out, f"{title}: only").model
            found["only"][held_out] = teacher.predict_proba(texts)
            if "continue" in recipes:
                continued = self.continued(~held_out, f"{title}: continue").model
                found["continue"][held_out] = continued.predict_proba(texts)
            if "mix" in recipes:
                teachers.append(teacher)
        for number, held_out in enumerate(folds, start=1):
            if "mix" in recipes:
                weights = self._weights(found["only"], self.gold.judged & ~held_out)
                title = f"Judging, fold {number} of {len(folds)}: mix"
                mixed = self.mixed(sample, ~held_out, teachers[number - 1], weights, title)
                found["mix"][held_out] = mixed.model.predict_proba(
                    self.gold.rows.take(held_out).texts
                )
        judged = {recipe: probs[self.gold.judged] for recipe, probs in found.items()}
        return judged, self._weights(found["only"], self.gold.judged)

    def _weights(self, teacher: Probs, rows: Mask) -> Weights:
        return fit_weights([teacher[rows], self.gold.weak[rows]], self.gold.labels[rows])

    @property
    def _judged_texts(self) -> tuple[str, ...]:
        return self.gold.rows.take(self.gold.judged).texts

    def _judge(self, recipe: str, probs: Probs) -> Candidate:
        gold = self.gold.labels[self.gold.judged]
        right = probs.argmax(axis=1) == gold
        likelihood = np.maximum(probs[np.arange(len(gold)), gold], 1e-6)
        return Candidate(
            recipe,
            accuracy=float(right.mean()),
            standard_error=float(right.std(ddof=1) / np.sqrt(len(gold))),
            negative_log_likelihood=float(-np.log(likelihood).mean()),
            rows=len(gold),
        )

    def _on_gold(self, start: Callable[[], EndModel], rows: Mask, title: str) -> FineTuned:
        gold = self.gold.rows.take(rows)
        return fine_tune(
            start(),
            gold,
            self.workshop.gold_settings(len(gold)),
            title=title,
            narrator=self.workshop.narrator,
            cache=self.workshop.cache,
        )
