"""Models that have learned from some of the gold rows, and what they say of others."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.label_models import LabelModel, make_label_model
from weakft.training.finetune import FineTuned, fine_tune
from weakft.training.gold import Gold, Mask
from weakft.training.gold_stages import MIX_AVERAGED, gold_settings, mix_settings
from weakft.training.panel import Evidence, Panel
from weakft.training.precision import uses_bf16
from weakft.training.rows import Positions, TrainingSet
from weakft.training.stacking import Weights, pooled
from weakft.training.workshop import Workshop, copy_model

Opinions = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Heard:
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
class GoldModels:
    """Trains on any rows of gold, beside the same pool and weak model.

    Attributes:
        workshop: the pool and the settings.
        weak: the model trained on weak labels alone; left as it is.
        gold: g rows; masks of them, [g], say which are learned from.
    """

    workshop: Workshop
    weak: FineTuned
    gold: Gold

    def only(self, rows: Mask, title: str) -> FineTuned:
        """Of gold alone."""
        return self._on_gold(self.workshop.fresh_model, rows, title)

    def continued(self, rows: Mask, title: str) -> FineTuned:
        """Of weak labels, then gold."""
        return self._on_gold(lambda: copy_model(self.weak.model), rows, title)

    def mixed(self, heard: Heard, rows: Mask, weights: Weights, title: str) -> FineTuned:
        """Go on from the model that is trusted most, with gold and the pool as the panel labels it.

        Their weights sum to the same: gold of little weight would let go of rare classes, which a
        large pool drowns. A step's loss is the mean by its own weights, so where gold rows are few
        beside the pool, and most steps have none, they still count for less. A text of the pool
        that is gold, as reviewed ones are, is gold alone.
        """
        probs = pooled(list(heard.of_pool), weights)
        labelled = TrainingSet(heard.texts, probs, np.ones(len(probs))).weighted_by_confidence()
        together = gold = self.gold.rows.take(rows).balanced()
        known = set(gold.texts)
        others = [row for row, text in enumerate(heard.texts) if text not in known]
        if others:
            pool = labelled.take(np.array(others)).merged().balanced()
            together = TrainingSet.concat([pool, gold.weighted(pool.weights.sum() / len(gold))])
        start = copy_model(heard.panel.most_trusted(weights))
        settings = mix_settings(self.workshop.settings, len(together))
        return self._tuned(start, together, settings, title, averaged=MIX_AVERAGED)

    def hear(
        self, rows: Mask, held_out: Mask, only: EndModel, continued: EndModel, sample: Positions
    ) -> Heard:
        """What a panel that has learned from `rows` says of a sample and of those held out."""
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
        return Heard(
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
    def _opinions_in_bf16(self) -> bool:
        """Of the pool; not where a frozen body is recalled, which is exact and quicker still."""
        settings = self.workshop.settings
        return settings.strategy != "head" and uses_bf16(settings)

    def _on_gold(self, start: Callable[[], EndModel], rows: Mask, title: str) -> FineTuned:
        gold = self.gold.rows.take(rows).balanced()
        settings = gold_settings(self.workshop.settings, len(gold))
        return self._tuned(start(), gold, settings, title)

    def _tuned(
        self,
        model: EndModel,
        rows: TrainingSet,
        settings: TrainConfig,
        title: str,
        averaged: float = 0.0,
    ) -> FineTuned:
        shop = self.workshop
        return fine_tune(
            model,
            rows,
            settings,
            averaged=averaged,
            title=title,
            narrator=shop.narrator,
            cache=shop.cache,
        )
