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

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.errors import ConfigError
from weakft.label_models import LabelModel, make_label_model
from weakft.labels import Probs
from weakft.training.finetune import FineTuned, fine_tune
from weakft.training.gold import Gold, Mask
from weakft.training.gold_stages import FEW_GOLD_ROWS, gold_settings, mix_settings
from weakft.training.judging import Candidate, judge
from weakft.training.panel import PANEL, Evidence, Panel
from weakft.training.precision import uses_bf16
from weakft.training.rows import Positions, TrainingSet
from weakft.training.stacking import Weights, fit_weights, pooled
from weakft.training.stand_ins import with_stand_ins
from weakft.training.workshop import Workshop, copy_model

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
    asked = workshop.settings.gold
    refuse_unjudged_mix(workshop.settings, gold)
    together = with_stand_ins(gold, workshop)
    kitchen = _Kitchen(workshop, weak, together, stand_ins=len(together.rows) - len(gold.rows))
    if asked == "auto" and len(set(gold.labels.tolist())) == 1:
        return kitchen.finish("none", "Weak labels alone: gold is all of one class.")
    if asked == "auto" and gold.judges < _least_judges(workshop.settings, gold):
        why = f"{gold.judges} gold rows are too few to compare ways to use them"
        return kitchen.finish("continue", f"Weak labels, then gold: {why}.")
    if asked == "auto":
        return kitchen.finish_best()
    return kitchen.finish(asked, f"train.gold = {asked!r}, as configured.")


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
class _Heard:
    """What a panel says of the pool's N rows, or of a sample, and of gold it has not learned from.

    Attributes:
        panel: who was asked.
        texts: N texts.
        of_pool: [5, N, k].
        of_held_out: [5, h, k], of the h other gold rows.
    """

    panel: Panel
    texts: tuple[str, ...]
    of_pool: Opinions
    of_held_out: Opinions


@dataclass(frozen=True)
class _Kitchen:
    workshop: Workshop
    weak: FineTuned
    gold: Gold
    stand_ins: int  # the last rows of gold

    def only(self, rows: Mask, title: str) -> FineTuned:
        return self._on_gold(self.workshop.fresh_model, rows, title)

    def continued(self, rows: Mask, title: str) -> FineTuned:
        return self._on_gold(lambda: copy_model(self.weak.model), rows, title)

    def mixed(self, heard: _Heard, rows: Mask, weights: Weights, title: str) -> FineTuned:
        """Go on from the model that is trusted most, with gold and the pool as the panel labels it.

        Their weights sum to the same: gold of little weight would let go of rare classes, which a
        large pool drowns. A step's loss is the mean by its own weights, so where gold rows are few
        beside the pool, and most steps have none, they still count for less. A text of the pool
        that is gold, as reviewed ones are, is gold alone.
        """
        probs = pooled(list(heard.of_pool), weights)
        labelled = TrainingSet(heard.texts, probs, np.ones(len(probs))).weighted_by_confidence()
        together = gold = self.gold.rows.take(rows)
        known = set(gold.texts)
        others = [row for row, text in enumerate(heard.texts) if text not in known]
        if others:
            pool = labelled.take(np.array(others)).hardened().merged()
            together = TrainingSet.concat([pool, gold.weighted(pool.weights.sum() / len(gold))])
        start = copy_model(heard.panel.most_trusted(weights))
        settings = mix_settings(self.workshop.settings, len(together))
        return self._tuned(start, together, settings, title)

    def finish_best(self) -> GoldOutcome:
        """Judge every recipe on gold it has not seen, and finish the one to take."""
        folds, heard, opinions = self._out_of_fold(self._sample)
        alone = {recipe: opinions[PANEL.index(member)] for recipe, member in ALONE.items()}
        everyone = {**alone, "mix": self._mixed_out_of_fold(folds, heard, opinions)}
        judged = self.gold.judged
        out_of_fold = {recipe: probs[judged] for recipe, probs in everyone.items()}
        verdict = judge(out_of_fold, self.gold.labels[judged], unless_beaten="mix")
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
            weights = self._weights(self._out_of_fold(nobody)[2], self.gold.judged)
        return self._outcome(recipe, reason, weights, (), None)

    def _outcome(
        self,
        recipe: str,
        reason: str,
        weights: Weights | None,
        candidates: tuple[Candidate, ...],
        judged_probs: Probs | None,
    ) -> GoldOutcome:
        final, rows = self.weak, self.weak.rows
        if recipe == "only":
            final, rows = self._teacher, self._teacher.rows
        if recipe in ("continue", "mix"):
            final = continued = self.continued(self._everything, "Weak labels, then gold")
            rows += final.rows
        if recipe == "mix":
            assert weights is not None
            pool, nobody = np.arange(len(self.workshop.texts)), ~self._everything
            models = self._teacher.model, continued.model
            heard = self._hear(self._everything, nobody, *models, pool)
            final = self.mixed(heard, self._everything, weights, "Gold and votes together")
            rows = final.rows
        if self.stand_ins and recipe != "none":
            reason += f" {self._told_of_stand_ins}"
        return GoldOutcome(final, self.rival, recipe, reason, rows, candidates, judged_probs)

    @property
    def _everything(self) -> Mask:
        return np.full(len(self.gold.rows), True)

    @cached_property
    def rival(self) -> FineTuned:
        """Gold alone, without stand-ins."""
        return self.only(self._everything & ~self._stands_in, "Gold alone")

    @cached_property
    def _teacher(self) -> FineTuned:
        return self.only(self._everything, "Gold and stand-ins") if self.stand_ins else self.rival

    @property
    def _stands_in(self) -> Mask:
        return np.arange(len(self.gold.rows)) >= len(self.gold.rows) - self.stand_ins

    @property
    def _told_of_stand_ins(self) -> str:
        labels = sorted(set(self.gold.labels[self._stands_in].tolist()))
        names = ", ".join(repr(self.workshop.classes[label]) for label in labels)
        return f"Gold has no row of {names}: {self.stand_ins} of the pool labelled so stand in."

    def _out_of_fold(self, sample: Positions) -> tuple[list[Mask], list[_Heard], Opinions]:
        """Panels that have not learned from a fold, and [5, n, k] what they say of it."""
        settings = self.workshop.settings
        folds = self.gold.folds(_fold_count(settings, self.gold), settings.seed)
        all_heard, opinions = [], np.full((len(PANEL), *self.gold.rows.probs.shape), np.nan)
        for number, held_out in enumerate(folds, start=1):
            title = f"Judging, fold {number} of {len(folds)}"
            rows = self.gold.apart_from(held_out)
            only = self.only(rows, f"{title}: only").model
            continued = self.continued(rows, f"{title}: continue").model
            heard = self._hear(rows, held_out, only, continued, sample)
            all_heard.append(heard)
            opinions[:, held_out] = heard.of_held_out
        return folds, all_heard, opinions

    def _mixed_out_of_fold(
        self, folds: list[Mask], all_heard: list[_Heard], opinions: Opinions
    ) -> Probs:
        found = np.full(self.gold.rows.probs.shape, np.nan)
        for number, (held_out, heard) in enumerate(zip(folds, all_heard, strict=True), start=1):
            weights = self._weights(opinions, self.gold.judged & ~held_out)
            title = f"Judging, fold {number} of {len(folds)}: mix"
            mixed = self.mixed(heard, self.gold.apart_from(held_out), weights, title)
            texts = self.gold.rows.take(held_out).texts
            found[held_out] = mixed.model.predict_proba(texts)
        return found

    def _hear(
        self, rows: Mask, held_out: Mask, only: EndModel, continued: EndModel, sample: Positions
    ) -> _Heard:
        """What a panel that has learned from these gold rows says of a sample and of those."""
        gold, pool = self._gold_evidence, self._pool_evidence
        panel = Panel(
            only,
            continued,
            self.gold.rows.take(rows),
            gold.embeddings[rows],
            self._votes_alone.adapted(self.gold.labels[rows], gold.votes[rows]),
            reads_texts=self.workshop.reads_texts,
            seed=self.workshop.settings.seed,
        )
        labels = panel.labels(pool.joined(gold))
        pool_labels, gold_labels = np.split(labels, [len(pool.texts)])
        asked = pool.take(sample)
        return _Heard(
            panel,
            asked.texts,
            panel.opinions(asked, pool_labels[sample], bf16=self._opinions_in_bf16),
            panel.opinions(gold.take(held_out), gold_labels[held_out]),
        )

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

    @property
    def _sample(self) -> Positions:
        """Of the pool, at most JUDGING_POOL rows, drawn by the seed."""
        rng = np.random.default_rng(self.workshop.settings.seed)
        return np.sort(rng.permutation(len(self.workshop.texts))[:JUDGING_POOL])

    @property
    def _opinions_in_bf16(self) -> bool:
        """Of the pool; not where a frozen body is recalled, which is exact and quicker still."""
        settings = self.workshop.settings
        return settings.strategy != "head" and uses_bf16(settings)

    def _weights(self, opinions: Opinions, rows: Mask) -> Weights:
        return fit_weights(list(opinions[:, rows]), self.gold.labels[rows])

    def _on_gold(self, start: Callable[[], EndModel], rows: Mask, title: str) -> FineTuned:
        gold = self.gold.rows.take(rows)
        settings = gold_settings(self.workshop.settings, len(gold))
        return self._tuned(start(), gold, settings, title)

    def _tuned(
        self, model: EndModel, rows: TrainingSet, settings: TrainConfig, title: str
    ) -> FineTuned:
        shop = self.workshop
        return fine_tune(
            model, rows, settings, title=title, narrator=shop.narrator, cache=shop.cache
        )
