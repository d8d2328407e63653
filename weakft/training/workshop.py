"""What every training recipe starts from: fresh models, weak rows, gold to stop by."""

import copy
import math
from dataclasses import dataclass, replace

import numpy as np

from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.labels import SoftLabels
from weakft.narration import SILENCE, Narrator
from weakft.training.finetune import FineTuned, fine_tune
from weakft.training.rows import TrainingSet

SMALL_BATCH = 16  # rows a step where gold is scarce
FEW_GOLD_ROWS = 300
MIX_EPOCHS = 1.0  # over pool and gold, starting from the gold-only model
MIX_STEPS = 100  # at least


@dataclass(frozen=True)
class Workshop:
    """The pool, its soft labels and the settings.

    Attributes:
        classes: k class names.
        settings: `[train]`.
        texts: N texts of the pool, covered or not.
        soft: their soft labels, in the same order.
        valid: gold rows that choose the weak model's checkpoint, if there are any.
        narrator: told of the progress.
    """

    classes: tuple[str, ...]
    settings: TrainConfig
    texts: tuple[str, ...]
    soft: SoftLabels
    valid: TrainingSet | None = None
    narrator: Narrator = SILENCE

    @property
    def weak_rows(self) -> TrainingSet:
        """The covered rows of the pool with their soft labels."""
        return TrainingSet.from_soft_labels(self.texts, self.soft)

    def sample(self, limit: int) -> "Workshop":
        """The same with at most `limit` rows of the pool, drawn by the seed."""
        if len(self.texts) <= limit:
            return self
        rng = np.random.default_rng(self.settings.seed)
        rows = np.sort(rng.choice(len(self.texts), size=limit, replace=False))
        soft = SoftLabels(
            self.soft.probs[rows],
            self.soft.covered[rows],
            tuple(self.soft.ids[int(row)] for row in rows),
            self.soft.classes,
        )
        return replace(self, texts=tuple(self.texts[int(row)] for row in rows), soft=soft)

    def fresh_model(self) -> EndModel:
        """The pre-trained encoder under a new head, the same each time."""
        return EndModel.from_pretrained(
            self.settings.model,
            self.classes,
            max_length=self.settings.max_length,
            seed=self.settings.seed,
        )

    def weak_model(self) -> FineTuned:
        """Fine-tune on weak labels alone; valid chooses the checkpoint."""
        return fine_tune(
            self.fresh_model(),
            self.weak_rows,
            self.settings,
            valid=self.valid,
            title="Fine-tuning on weak labels",
            narrator=self.narrator,
        )

    def gold_settings(self, rows: int) -> TrainConfig:
        """`[train]` for a stage on gold rows: small batches for few rows, and enough steps."""
        batch = self.settings.per_device_train_batch_size
        if rows < FEW_GOLD_ROWS:
            batch = min(batch, SMALL_BATCH)
        return self._at_least(rows, batch, self.settings.gold_epochs, self.settings.gold_steps)

    def mix_settings(self, rows: int) -> TrainConfig:
        """`[train]` for a stage on the whole pool and gold."""
        batch = self.settings.per_device_train_batch_size
        return self._at_least(rows, batch, MIX_EPOCHS, min(MIX_STEPS, self.settings.gold_steps))

    def _at_least(self, rows: int, batch: int, epochs: float, least: int) -> TrainConfig:
        steps = max(math.ceil(math.ceil(rows / batch) * epochs), least)
        return self.settings.model_copy(
            update={"per_device_train_batch_size": batch, "max_steps": steps}
        )


def copy_model(model: EndModel) -> EndModel:
    """A model that can be trained on without changing the original."""
    return EndModel(copy.deepcopy(model.model), model.tokenizer, model.max_length)
