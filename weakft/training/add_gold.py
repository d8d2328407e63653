"""How gold enters: recipes judged by k-fold on the gold at hand, gold alone among them.

none      weak labels alone
only      gold alone
continue  train on weak labels, then go on with gold
mix       all who have an opinion (gold alone, weak then gold, weak alone, a linear model of
          gold, the votes) label the pool together; a model learns from that and gold
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from weakft.end_model import EndModel
from weakft.errors import ConfigError
from weakft.label_models import LabelModel, make_label_model
from weakft.labels import Probs
from weakft.training.finetune import FineTuned, fine_tune
from weakft.training.gold import Gold, Mask
from weakft.training.judging import Candidate, judge
from weakft.training.panel import PANEL, Evidence, Panel
from weakft.training.precision import uses_bf16
from weakft.training.rows import TrainingSet
from weakft.training.stacking import Weights, fit_weights, pooled
from weakft.training.workshop import FEW_GOLD_ROWS, Workshop, copy_model

MINIMUM_JUDGES = 10
JUDGING_POOL = 2000  # pool rows at most in each fold; the final model takes them all
RECIPES = ("none", "only", "continue", "mix")
FEW_FOLDS, MANY_FOLDS = 2, 4  # many where there is little gold, and each fold costs little
ALONE = {"none": "weak", "only": "only", "continue": "continued"}

Opinions = npt.NDArray[np.float64]


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
    enough = judges >= max(MINIMUM_JUDGES, 2 * kitchen.fold_count)
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
        self, pool: Evidence, rows: Mask, panel: Panel, weights: Weights, title: str
    ) -> FineTuned:
        """Go on from the model that is trusted most, with gold and the pool as the panel labels it.

        Both of equal weight: gold of little weight would let go of rare classes, which a large
        pool drowns.
        """
        opinions = panel.opinions(pool, bf16=self._opinions_in_bf16)
        probs = pooled(opinions, weights)
        labelled = TrainingSet(pool.texts, probs, np.ones(len(pool.texts)))
        gold = self.gold.rows.take(rows)
        together = TrainingSet.concat([labelled, gold.weighted(len(labelled) / len(gold))])
        return fine_tune(
            copy_model(panel.most_trusted(weights)),
            together,
            self.workshop.mix_settings(len(together)),
            title=title,
            narrator=self.workshop.narrator,
            cache=self.workshop.cache,
        )

    def finish_best(self, teacher: FineTuned) -> GoldOutcome:
        """Judge every recipe on gold it has not seen, and finish the one to take."""
        folds, panels, opinions = self._out_of_fold()
        alone = {recipe: opinions[PANEL.index(member)] for recipe, member in ALONE.items()}
        everyone = {**alone, "mix": self._mixed_out_of_fold(folds, panels, opinions)}
        judged = self.gold.judged
        out_of_fold = {recipe: probs[judged] for recipe, probs in everyone.items()}
        verdict = judge(out_of_fold, self.gold.labels[judged], unless_beaten="mix")
        weights = self._weights(opinions, judged)
        return self._outcome(
            verdict.taken,
            teacher,
            f"Gold enters by {verdict.reason}",
            weights,
            verdict.candidates,
            out_of_fold[verdict.taken],
        )

    def finish(self, recipe: str, teacher: FineTuned, reason: str) -> GoldOutcome:
        """Finish by a given recipe, judged by nothing."""
        weights = None
        if recipe == "mix":
            weights = self._weights(self._out_of_fold()[2], self.gold.judged)
        return self._outcome(recipe, teacher, reason, weights, (), None)

    def _outcome(
        self,
        recipe: str,
        teacher: FineTuned,
        reason: str,
        weights: Weights | None,
        candidates: tuple[Candidate, ...],
        judged_probs: Probs | None,
    ) -> GoldOutcome:
        everything = np.full(len(self.gold.rows), True)
        if recipe in ("only", "none"):
            final = {"only": teacher, "none": self.weak}[recipe]
            return GoldOutcome(final, teacher, recipe, reason, final.rows, candidates, judged_probs)
        final = continued = self.continued(everything, "Weak labels, then gold")
        rows = final.rows + self.weak.rows
        if recipe == "mix":
            assert weights is not None
            panel = self._panel(everything, teacher.model, continued.model)
            title = "Gold and votes together"
            final = self.mixed(self._pool_evidence, everything, panel, weights, title)
            rows = final.rows
        return GoldOutcome(final, teacher, recipe, reason, rows, candidates, judged_probs)

    def _out_of_fold(self) -> tuple[list[Mask], list[Panel], Opinions]:
        """Panels that have not learned from a fold, and [5, n, k] what they say of it."""
        folds = self.gold.folds(self.fold_count, self.workshop.settings.seed)
        panels, opinions = [], np.full((len(PANEL), *self.gold.rows.probs.shape), np.nan)
        for number, held_out in enumerate(folds, start=1):
            title = f"Judging, fold {number} of {len(folds)}"
            only = self.only(~held_out, f"{title}: only").model
            continued = self.continued(~held_out, f"{title}: continue").model
            panels.append(self._panel(~held_out, only, continued))
            opinions[:, held_out] = panels[-1].opinions(self._gold_evidence.take(held_out))
        return folds, panels, opinions

    def _mixed_out_of_fold(
        self, folds: list[Mask], panels: list[Panel], opinions: Opinions
    ) -> Probs:
        found = np.full(self.gold.rows.probs.shape, np.nan)
        for number, held_out in enumerate(folds, start=1):
            weights = self._weights(opinions, self.gold.judged & ~held_out)
            title = f"Judging, fold {number} of {len(folds)}: mix"
            mixed = self.mixed(self._sample, ~held_out, panels[number - 1], weights, title)
            texts = self.gold.rows.take(held_out).texts
            found[held_out] = mixed.model.predict_proba(texts)
        return found

    def _panel(self, rows: Mask, only: EndModel, continued: EndModel) -> Panel:
        gold, evidence = self.gold.rows.take(rows), self._gold_evidence.take(rows)
        return Panel.of(only, continued, gold, evidence, self._votes_alone)

    @cached_property
    def _votes_alone(self) -> LabelModel:
        model = make_label_model("one_coin", len(self.workshop.classes))
        return model.fit(self.workshop.votes)

    @cached_property
    def _gold_evidence(self) -> Evidence:
        texts = self.gold.rows.texts
        weak = self.weak.model.predict_proba(texts)
        return Evidence(texts, weak, self.workshop.embed(texts), self.gold.votes)

    @cached_property
    def _pool_evidence(self) -> Evidence:
        shop = self.workshop
        weak = self.weak.model.predict_proba(
            shop.texts, bf16=self._opinions_in_bf16, narrator=shop.narrator
        )
        return Evidence(shop.texts, weak, shop.embeddings, shop.votes)

    @cached_property
    def _sample(self) -> Evidence:
        """Of the pool, at most JUDGING_POOL rows, drawn by the seed."""
        rng = np.random.default_rng(self.workshop.settings.seed)
        rows = rng.permutation(len(self.workshop.texts))[:JUDGING_POOL]
        return self._pool_evidence.take(np.sort(rows))

    @property
    def _opinions_in_bf16(self) -> bool:
        """Of the pool; not where a frozen body is recalled, which is exact and quicker still."""
        settings = self.workshop.settings
        return settings.strategy != "head" and uses_bf16(settings)

    def _weights(self, opinions: Opinions, rows: Mask) -> Weights:
        return fit_weights(list(opinions[:, rows]), self.gold.labels[rows])

    @property
    def fold_count(self) -> int:
        """How many parts the judged rows are dealt into."""
        asked = self.workshop.settings.gold_folds
        return asked or (FEW_FOLDS if len(self.gold.rows) >= FEW_GOLD_ROWS else MANY_FOLDS)

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
