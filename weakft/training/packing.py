"""Batches without padding on a GPU: the layers see the texts of a batch one after another.

A text attends to itself alone by `torch.nn.attention.varlen`, whose kernel wants neither padding
nor a mask. What lies before the first layer and behind the last one sees a padded batch as always,
so that positions, poolers and heads need not know.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.masking_utils import AttentionMaskInterface

from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.narration import Narrator
from weakft.pretrained import TEXT_INPUTS
from weakft.processors import Batch, TextProcessor
from weakft.ranks import shards, world_size
from weakft.training.encoded import EncodedRows
from weakft.training.precision import uses_bf16
from weakft.training.strategies import stack_of

ATTENTION = "weakft_packed"
TIMES_ROUNDING = 2  # what a packed batch may differ by; other texts make more of a difference
SEES_ALL = (-1, -1)


@dataclass(frozen=True)
class Spans:
    """Where the texts of a padded batch lie once they stand one after another.

    Attributes:
        batch: texts.
        width: tokens of the longest, with which the others are padded to.
        places: [t] of each token in the padded batch, row by row.
        starts: [batch + 1] of each text among the tokens, and where the last one ends; int32.
    """

    batch: int
    width: int
    places: torch.Tensor
    starts: torch.Tensor

    @classmethod
    def of(cls, attention_mask: torch.Tensor) -> "Spans":
        """From [b, l], 1 for a token and 0 for padding.

        Example:
            >>> Spans.of(torch.tensor([[1, 1, 1], [1, 0, 0]])).starts.tolist()
            [0, 3, 4]
        """
        batch, width = attention_mask.shape
        lengths = attention_mask.sum(dim=1, dtype=torch.int32)
        starts = nn.functional.pad(lengths.cumsum(0, dtype=torch.int32), (1, 0))
        return cls(batch, width, attention_mask.flatten().nonzero().flatten(), starts)

    def pack(self, padded: torch.Tensor) -> torch.Tensor:
        """[b or 1, l, ...] padded -> [1, t, ...]."""
        whole = padded.expand(self.batch, *padded.shape[1:]) if len(padded) == 1 else padded
        return whole.flatten(0, 1)[self.places].unsqueeze(0)

    def pad(self, packed: torch.Tensor) -> torch.Tensor:
        """[1, t, ...] -> [b, l, ...], with zeros as padding."""
        whole = packed.new_zeros(self.batch * self.width, *packed.shape[2:])
        whole = whole.index_copy(0, self.places, packed[0])
        return whole.view(self.batch, self.width, *packed.shape[2:])


Window = tuple[int, int]  # tokens that one sees to its left and to its right; -1: all


@contextmanager
def packed(network: PreTrainedModel) -> Iterator[None]:
    """The layers see tokens alone while the block runs; what goes in and comes out stays padded.

    Attention drops nothing out meanwhile: the kernel cannot.

    Raises:
        ConfigError: the network has no stack of layers.
    """
    layers = stack_of(network)
    batches = _Batches(layers)
    AttentionInterface.register(ATTENTION, batches.attention)
    AttentionMaskInterface.register(ATTENTION, lambda *sizes, **more: None)
    before = network.config._attn_implementation
    network.set_attn_implementation(ATTENTION)
    hooks = [
        network.base_model.register_forward_pre_hook(batches.begin, with_kwargs=True),
        *(layer.register_forward_pre_hook(batches.enter, with_kwargs=True) for layer in layers),
        layers[-1].register_forward_hook(batches.leave),
    ]
    try:
        yield
    finally:
        network.set_attn_implementation(before)
        for hook in hooks:
            hook.remove()


class _Batches:
    """What happens to one batch after the other on its way through the layers."""

    def __init__(self, layers: nn.ModuleList) -> None:
        self._first = layers[0]
        self._spans: Spans

    def begin(self, _: nn.Module, inputs: object, named: Mapping[str, Any]) -> None:
        """Before the network: where are its texts?"""
        self._spans = Spans.of(named["attention_mask"])

    def enter(self, layer: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> Any:  # noqa: ANN401
        """Before each layer: tokens alone, and so what is told of their positions."""
        if layer is self._first:
            inputs = (self._spans.pack(inputs[0]), *inputs[1:])
        if named.get("position_embeddings") is not None:
            turned = tuple(self._spans.pack(part) for part in named["position_embeddings"])
            named = {**named, "position_embeddings": turned}
        return inputs, named

    def leave(self, _: nn.Module, inputs: object, output: Any) -> Any:  # noqa: ANN401
        """Behind the last layer: padded again."""
        if isinstance(output, tuple):
            return (self._spans.pad(output[0]), *output[1:])
        return self._spans.pad(output)

    def attention(
        self,
        module: nn.Module,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: None,
        scaling: float | None = None,
        sliding_window: int | None = None,
        **others: Any,  # noqa: ANN401
    ) -> tuple[torch.Tensor, None]:
        """For transformers' interface: [1, h, t, d] each -> [1, t, h, d]."""
        spans = self._spans
        tokens = len(spans.places)
        if any(part.shape[::2] != (1, tokens) for part in (query, key, value)):
            raise ValueError(f"attention of {tuple(query.shape)} is not that of {tokens} tokens")
        q, k, v = (part[0].transpose(0, 1).to(value.dtype) for part in (query, key, value))
        window = _window(bool(getattr(module, "is_causal", False)), sliding_window)
        return _within_texts(q, k, v, spans, scaling, window).unsqueeze(0), None


def _within_texts(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    spans: Spans,
    scale: float | None,
    window: Window,
) -> torch.Tensor:
    """[t, h, d] of each token's attention to its own text, from queries, keys and values of t."""
    from torch.nn.attention.varlen import varlen_attn

    more: dict[str, Any] = {}  # what is as by default is not said: older torch knows less
    if scale is not None and scale != query.shape[-1] ** -0.5:
        more["scale"] = scale
    if window != SEES_ALL:
        more["window_size"] = window
    starts, width = spans.starts, spans.width
    attended: Any = varlen_attn(query, key, value, starts, starts, width, width, **more)
    return cast("torch.Tensor", attended)


def _window(causal: bool, sliding_window: int | None) -> Window:
    left, right = SEES_ALL if sliding_window is None else (sliding_window - 1,) * 2
    return left, 0 if causal else right  # transformers counts the token itself, torch does not


@contextmanager
def packed_where_asked(
    model: EndModel, rows: EncodedRows, settings: TrainConfig, narrator: Narrator
) -> Iterator[None]:
    """Train on these rows without padding if `train.packed` says so; where that cannot be, say why.

    Whether it can is tried on one batch, since kernels, drivers and architectures differ.
    """
    if not settings.packed:
        yield
        return
    why_not = _obstacle(model, settings) or _difference(model, _some_of_each_length(rows, settings))
    if why_not:
        narrator.say(f"Batches stay padded: {why_not}.")
    with nullcontext() if why_not else packed(model.model):
        yield


def _obstacle(model: EndModel, settings: TrainConfig) -> str:
    if model.model.device.type != "cuda" or not uses_bf16(settings):
        return "train.packed is for training on a CUDA GPU in bf16"
    if shards():
        return "accelerate shards the model"
    if torch.cuda.device_count() > 1 and world_size() == 1:
        return "several GPUs share one process; torchrun gives each its own"
    if model.body is not None:
        return "what frozen layers make of a text is recalled"
    if not isinstance(model.processor, TextProcessor):
        return "images have none"
    return ""


def _some_of_each_length(rows: EncodedRows, settings: TrainConfig) -> Batch:
    """One batch, from the shortest text to the longest."""
    by_length = np.argsort(rows.lengths, kind="stable")
    places = np.linspace(0, len(rows) - 1, settings.per_device_train_batch_size)
    return rows.__getitems__(by_length[places.astype(int)].tolist())


def _difference(model: EndModel, rows: Batch) -> str:
    device = model.model.device
    batch = {name: part.to(device) for name, part in rows.items() if name in TEXT_INPUTS}
    try:
        same = says_the_same(model.model, batch)
    except Exception as error:  # of the model's code or the GPU's: padding it is
        return f"a trial ended in {type(error).__name__}: {error}"
    return "" if same else f"a trial of {type(model.model).__name__} had another outcome"


def says_the_same(network: PreTrainedModel, batch: Batch) -> bool:
    """Whether states and logits of a packed batch are those of the padded one, but rounded.

    How much rounding does is seen where the padded batch is computed in fp32 too.

    Args:
        network: a text classifier.
        batch: its inputs, on its device.
    """
    if not network._supports_flash_attn:  # attention of its own, which would look across texts
        return False
    training = network.training
    network.train(False)
    try:
        exact, padded = _outcome(network, batch, bf16=False), _outcome(network, batch, bf16=True)
        with packed(network):
            found = _outcome(network, batch, bf16=True)
    finally:
        network.train(training)
    return all(
        bool((ours - theirs).norm() < TIMES_ROUNDING * (theirs - unrounded).norm())
        for ours, theirs, unrounded in zip(found, padded, exact, strict=True)
    )


@torch.no_grad()
def _outcome(
    network: PreTrainedModel, batch: Batch, *, bf16: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """[1, t, d] of the last layer, of tokens that are no padding, and [b, k] logits."""
    with torch.autocast(network.device.type, torch.bfloat16, enabled=bf16):
        states = network.base_model(**batch).last_hidden_state
        logits = network(**batch).logits
    return Spans.of(batch["attention_mask"]).pack(states).float(), logits.float()
