"""How gold enters: recipes judged by k-fold on the gold at hand, gold alone among them.

A model that goes on with gold forgets a class of which gold has no row; the folds cannot see that.
Some rows of the pool that are labelled so stand in for it, in all recipes but not in the rival.

none      weak labels alone
only      gold alone
continue  train on weak labels, then go on with gold
mix       all who have an opinion (gold alone, weak then gold, weak alone, a linear model of
          gold, the votes as gold weighs them and texts read together) label the pool; a model
          learns from that and gold
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from weakft.config import TrainConfig
from weakft.errors import ConfigError
from weakft.labels import Probs
from weakft.training.finetune import FineTuned
from weakft.training.gold import Gold, Mask
from weakft.training.gold_models import GoldModels, Heard, Opinions
from weakft.training.gold_stages import FEW_GOLD_ROWS
from weakft.training.judging import Candidate, judge
from weakft.training.panel import PANEL
from weakft.training.rows import Positions
from weakft.training.stacking import Weights, fit_weights
from weakft.training.stand_ins import with_stand_ins
from weakft.training.workshop import Workshop

MINIMUM_JUDGES = 10
JUDGING_POOL = 2000  # pool rows at most in each fold; the final model takes them all
RECIPES = ("none", "only", "continue", "mix")
FEW_FOLDS, MANY_FOLDS = 2, 4  # many where there is little gold, and each fold costs little
ALONE = {"none": "weak", "only": "only", "continue": "continued"}


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
    asked = workshop.settings.gold
    refuse_unjudged_mix(workshop.settings, gold)
    together = with_stand_ins(gold, workshop)
    models = GoldModels(workshop, weak, together)
    entry = _Entry(models, stand_ins=len(together.rows) - len(gold.rows))
    if asked == "auto" and len(set(gold.labels.tolist())) == 1:
        return entry.finish("none", "Weak labels alone: gold is all of one class.")
    if asked == "auto" and gold.judges < _least_judges(workshop.settings, gold):
        why = f"{gold.judges} gold rows are too few to compare ways to use them"
        return entry.finish("continue", f"Weak labels, then gold: {why}.")
    if asked == "auto":
        return entry.finish_best()
    return entry.finish(asked, f"train.gold = {asked!r}, as configured.")


def refuse_unjudged_mix(settings: TrainConfig, gold: Gold) -> None:
    """Before anything is trained.

    Raises:
        ConfigError: `train.gold` is "mix", and too few gold rows judge.
    """
    least = _least_judges(settings, gold)
    if settings.gold == "mix" and gold.judges < least:
        raise ConfigError(
            f"train.gold = 'mix' weighs gold against votes on at least {least} different gold "
            f"texts, {_fold_count(settings, gold)} folds of them (train.gold_folds), got "
            f"{gold.judges}. Use 'continue', or fewer folds."
        )


def _least_judges(settings: TrainConfig, gold: Gold) -> int:
    return max(MINIMUM_JUDGES, 2 * _fold_count(settings, gold))


def _fold_count(settings: TrainConfig, gold: Gold) -> int:
    """How many parts the judged rows are dealt into."""
    return settings.gold_folds or (FEW_FOLDS if len(gold.rows) >= FEW_GOLD_ROWS else MANY_FOLDS)


@dataclass(frozen=True)
class _Entry:
    """From gold, stand-ins last, to the outcome by a recipe, given or judged."""

    models: GoldModels
    stand_ins: int

    def finish_best(self) -> GoldOutcome:
        """Judge every recipe on gold it has not seen, and finish the one to take."""
        folds, heard, opinions = self._out_of_fold(self._sample)
        alone = {recipe: opinions[PANEL.index(member)] for recipe, member in ALONE.items()}
        everyone = {**alone, "mix": self._mixed_out_of_fold(folds, heard, opinions)}
        judged = self._gold.judged
        out_of_fold = {recipe: probs[judged] for recipe, probs in everyone.items()}
        verdict = judge(out_of_fold, self._gold.labels[judged], unless_beaten="mix")
        weights = self._weights(opinions, judged)
        return self._outcome(
            verdict.taken,
            f"Gold enters by {verdict.reason}",
            weights,
            verdict.candidates,
            out_of_fold[verdict.taken],
        )

    def finish(self, recipe: str, reason: str) -> GoldOutcome:
        """Finish by a given recipe, judged by nothing."""
        weights = None
        if recipe == "mix":
            nobody = np.empty(0, dtype=np.intp)
            weights = self._weights(self._out_of_fold(nobody)[2], self._gold.judged)
        return self._outcome(recipe, reason, weights, (), None)

    def _outcome(
        self,
        recipe: str,
        reason: str,
        weights: Weights | None,
        candidates: tuple[Candidate, ...],
        judged_probs: Probs | None,
    ) -> GoldOutcome:
        final, rows = self.models.weak, self.models.weak.rows
        if recipe == "only":
            final, rows = self._teacher, self._teacher.rows
        if recipe in ("continue", "mix"):
            final = continued = self.models.continued(self._everything, "Weak labels, then gold")
            rows += final.rows
        if recipe == "mix":
            assert weights is not None
            pool, nobody = np.arange(len(self.models.workshop.texts)), ~self._everything
            models = self._teacher.model, continued.model
            heard = self.models.hear(self._everything, nobody, *models, pool)
            final = self.models.mixed(heard, self._everything, weights, "Gold and votes together")
            rows = final.rows
        if self.stand_ins and recipe != "none":
            reason += f" {self._about_stand_ins}"
        return GoldOutcome(final, self.rival, recipe, reason, rows, candidates, judged_probs)

    @property
    def _gold(self) -> Gold:
        return self.models.gold

    @property
    def _everything(self) -> Mask:
        return np.full(len(self._gold.rows), True)

    @cached_property
    def rival(self) -> FineTuned:
        """Gold alone, without stand-ins."""
        return self.models.only(self._everything & ~self._stands_in, "Gold alone")

    @cached_property
    def _teacher(self) -> FineTuned:
        if not self.stand_ins:
            return self.rival
        return self.models.only(self._everything, "Gold and stand-ins")

    @property
    def _stands_in(self) -> Mask:
        return np.arange(len(self._gold.rows)) >= len(self._gold.rows) - self.stand_ins

    @property
    def _about_stand_ins(self) -> str:
        labels = sorted(set(self._gold.labels[self._stands_in].tolist()))
        names = ", ".join(repr(self.models.workshop.classes[label]) for label in labels)
        return f"Gold has no row of {names}: {self.stand_ins} of the pool labelled so stand in."

    def _out_of_fold(self, sample: Positions) -> tuple[list[Mask], list[Heard], Opinions]:
        """Panels that have not learned from a fold, and [5, n, k] what they say of it."""
        settings = self.models.workshop.settings
        folds = self._gold.folds(_fold_count(settings, self._gold), settings.seed)
        all_heard, opinions = [], np.full((len(PANEL), *self._gold.rows.probs.shape), np.nan)
        for number, held_out in enumerate(folds, start=1):
            title = f"Judging, fold {number} of {len(folds)}"
            rows = self._gold.apart_from(held_out)
            only = self.models.only(rows, f"{title}: only").model
            continued = self.models.continued(rows, f"{title}: continue").model
            heard = self.models.hear(rows, held_out, only, continued, sample)
            all_heard.append(heard)
            opinions[:, held_out] = heard.of_held_out
        return folds, all_heard, opinions

    def _mixed_out_of_fold(
        self, folds: list[Mask], all_heard: list[Heard], opinions: Opinions
    ) -> Probs:
        found = np.full(self._gold.rows.probs.shape, np.nan)
        for number, (held_out, heard) in enumerate(zip(folds, all_heard, strict=True), start=1):
            weights = self._weights(opinions, self._gold.judged & ~held_out)
            title = f"Judging, fold {number} of {len(folds)}: mix"
            mixed = self.models.mixed(heard, self._gold.apart_from(held_out), weights, title)
            texts = self._gold.rows.take(held_out).texts
            found[held_out] = mixed.model.predict_proba(texts)
        return found

    @property
    def _sample(self) -> Positions:
        """Of the pool, at most JUDGING_POOL rows, drawn by the seed."""
        rng = np.random.default_rng(self.models.workshop.settings.seed)
        return np.sort(rng.permutation(len(self.models.workshop.texts))[:JUDGING_POOL])

    def _weights(self, opinions: Opinions, rows: Mask) -> Weights:
        return fit_weights(list(opinions[:, rows]), self._gold.labels[rows])
