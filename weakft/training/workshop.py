"""What every training recipe starts from: fresh models, weak rows, gold to stop by."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch

from weakft.config import Task, TrainConfig
from weakft.end_model import Embeddings, EndModel
from weakft.kept_tensors import KeptTensors, file_for, key_of
from weakft.labels import SoftLabels, Votes
from weakft.narration import SILENCE, Narrator
from weakft.processors import Processor, TextProcessor
from weakft.ranks import shared
from weakft.training.arguments import device_of
from weakft.training.finetune import FineTuned, fine_tune
from weakft.training.relabelling import relabelled
from weakft.training.rows import Positions, TrainingSet
from weakft.training.targets import mixed_targets, voted_targets

EMBEDDINGS = "embeddings"
TOKENS = "tokens"


@dataclass(frozen=True)
class Workshop:
    """The pool, its soft labels and the settings.

    Attributes:
        classes: k class names.
        settings: `[train]`.
        texts: N texts of the pool, covered or not.
        soft: their soft labels, in the same order.
        votes: [N, m] on the pool.
        valid: gold rows that choose the weak model's checkpoint, if there are any.
        cache: folder where what frozen layers make of a text is kept.
        task: what the rows are; of images, the texts are their paths.
        narrator: told of the progress.
    """

    classes: tuple[str, ...]
    settings: TrainConfig
    texts: tuple[str, ...]
    soft: SoftLabels
    votes: Votes
    valid: TrainingSet | None = None
    cache: Path | None = None
    task: Task = "text"
    narrator: Narrator = SILENCE

    @cached_property
    def weak_rows(self) -> TrainingSet:
        """The rows of the pool to learn from, as `[train]` relabels them.

        They weigh as much as their label is sure, and classes about as much as each other.
        A text that is there several times is one row of more weight.
        """
        rows = TrainingSet.from_soft_labels(self.texts, self.weak_labels)
        return rows.weighted_by_confidence().balanced().merged()

    @cached_property
    def weak_labels(self) -> SoftLabels:
        """What there is to learn: targets by votes and texts, or by votes alone."""
        if not self.soft.covered.any():
            return self.soft
        if self.read_anew is not None:
            probs = mixed_targets(self.soft, self.votes, self.read_anew)
            labels = replace(self.read_anew, probs=probs)
            share = _share_of_others(labels, self.soft)
            self.narrator.say(
                f"Votes and texts together label {len(self.texts):,} rows, {share:.0%} of the "
                "covered ones otherwise than the votes alone."
            )
            return labels
        if self.reads_texts:
            self.narrator.say(
                "Labels stay as the votes have them: covered rows are few, or of one class, or "
                "embeddings of their texts do not know their labels from chance."
            )
        return replace(self.soft, probs=voted_targets(self.soft, self.votes))

    @cached_property
    def read_anew(self) -> SoftLabels | None:
        """The labels by votes and texts; None where `[train]` or the data are against it."""
        if not self.reads_texts or not self.soft.covered.any():
            return None
        return shared(
            lambda: relabelled(self.soft, self.texts, self.embeddings, self.settings.seed)
        )

    @property
    def reads_texts(self) -> bool:
        """Whether labels are to be by votes and texts, as far as the data let them."""
        settings = self.settings
        if settings.relabel is not None:
            return settings.relabel
        return self.task == "text"

    @property
    def relabelled_share(self) -> float | None:
        """Of the covered rows, how many learn another class than the votes'; None: all as voted."""
        if not self.soft.covered.any() or self.read_anew is None:
            return None
        return _share_of_others(self.weak_labels, self.soft)

    @cached_property
    def embeddings(self) -> Embeddings:
        """[N, d] of the pool's texts, by the pre-trained encoder."""
        return self.embed(self.texts)

    def embed(self, texts: Sequence[str]) -> Embeddings:
        """[n, d] by the pre-trained encoder; texts embedded before are recalled from `cache`."""
        encoder = self.fresh_model()
        if self.cache is None or self.task == "image":
            return self._embedded(encoder, texts)
        parameters = encoder.model.base_model.named_parameters()
        kept = KeptTensors(file_for(parameters, self.cache / EMBEDDINGS))
        keys = [key_of(ids) for ids in encoder.processor.encode(texts)]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in kept}
        if missing:
            found = self._embedded(encoder, list(missing.values()))
            kept.keep(dict(zip(missing, torch.from_numpy(found), strict=True)), keys)
        return kept.take(keys).numpy()

    def _embedded(self, encoder: EndModel, texts: Sequence[str]) -> Embeddings:
        encoder.model.to(device_of(self.settings))  # type: ignore[arg-type]
        return encoder.embed(texts, narrator=self.narrator)

    def take(self, rows: Positions) -> "Workshop":
        """The same with these rows of the pool, r positions in it."""
        soft = SoftLabels(
            self.soft.probs[rows],
            self.soft.covered[rows],
            tuple(self.soft.ids[int(row)] for row in rows),
            self.soft.classes,
        )
        texts = tuple(self.texts[int(row)] for row in rows)
        return replace(self, texts=texts, soft=soft, votes=self.votes[rows])

    def fresh_model(self) -> EndModel:
        """The pre-trained encoder under a new head, the same each time."""
        model = self._loaded()
        model.processor = self._processor
        return model

    @cached_property
    def _processor(self) -> Processor:
        """One for all models, since it remembers its tokens."""
        processor = self._loaded().processor
        if self.cache is not None and isinstance(processor, TextProcessor):
            processor.keep_in(self.cache / TOKENS)
        return processor

    def _loaded(self) -> EndModel:
        return EndModel.from_pretrained(
            self.settings.model,
            self.classes,
            max_length=self.settings.max_length,
            seed=self.settings.seed,
            task=self.task,
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
            cache=self.cache,
        )


def _share_of_others(anew: SoftLabels, soft: SoftLabels) -> float:
    return float((anew.hard != soft.hard)[soft.covered].mean())


def copy_model(model: EndModel) -> EndModel:
    """A model that can be trained on without changing the original."""
    return EndModel(copy.deepcopy(model.model), model.processor)
