"""Batches without padding on a GPU: the layers see the texts of a batch one after another.

A text attends to itself alone by `torch.nn.attention.varlen`, whose kernel wants neither padding
nor a mask. What lies before the first layer and behind the last one sees a padded batch as always,
so that positions, poolers and heads need not know.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

import torch
from torch import nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.masking_utils import AttentionMaskInterface

from weakft.config import TrainConfig
from weakft.errors import ConfigError
from weakft.processors import Batch
from weakft.ranks import shards, world_size
from weakft.training.encoded import EncodedRows
from weakft.training.order import LikeLengths
from weakft.training.precision import uses_bf16
from weakft.training.strategies import stack_of

ATTENTION = "weakft_packed"
TIMES_ROUNDING = 2  # what a packed batch may differ by; other texts make more of a difference
ROUNDS = 5
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
Attend = Callable[
    [torch.Tensor, torch.Tensor, torch.Tensor, Spans, float | None, Window], torch.Tensor
]


def varlen(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    spans: Spans,
    scale: float | None,
    window: Window,
) -> torch.Tensor:
    """[t, h, d] of each text's attention to itself, by torch's kernel.

    Args:
        query: [t, h, d] in half precision.
        key: the same.
        value: the same.
        spans: where the texts lie.
        scale: of the products; None: one over the root of d.
        window: how far a token sees.
    """
    from torch.nn.attention.varlen import varlen_attn

    more: dict[str, Any] = {}  # what is as by default is not said: older torch knows less
    if scale is not None and scale != query.shape[-1] ** -0.5:
        more["scale"] = scale
    if window != SEES_ALL:
        more["window_size"] = window
    starts, width = spans.starts, spans.width
    attended: Any = varlen_attn(query, key, value, starts, starts, width, width, **more)
    return cast("torch.Tensor", attended)


@contextmanager
def packed(network: PreTrainedModel, attend: Attend = varlen) -> Iterator[None]:
    """The layers see tokens alone while the block runs; what goes in and comes out stays padded.

    Attention drops nothing out meanwhile: the kernel cannot.

    Raises:
        ConfigError: the network has no stack of layers.
    """
    layers = stack_of(network)
    now: list[Spans] = []

    def begin(_: nn.Module, inputs: object, named: Mapping[str, Any]) -> None:
        now[:] = [Spans.of(named["attention_mask"])]

    def enter(layer: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> Any:  # noqa: ANN401
        if layer is layers[0]:
            inputs = (now[0].pack(inputs[0]), *inputs[1:])
        if "position_embeddings" in named:
            turned = tuple(now[0].pack(part) for part in named["position_embeddings"])
            named = {**named, "position_embeddings": turned}
        return inputs, named

    def leave(_: nn.Module, inputs: object, output: Any) -> Any:  # noqa: ANN401
        if isinstance(output, tuple):
            return (now[0].pad(output[0]), *output[1:])
        return now[0].pad(output)

    def attention(
        module: nn.Module,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attention_mask: None,
        scaling: float | None = None,
        sliding_window: int | None = None,
        **others: Any,  # noqa: ANN401
    ) -> tuple[torch.Tensor, None]:
        q, k, v = (part[0].transpose(0, 1) for part in (query, key, value))
        window = _window(bool(getattr(module, "is_causal", False)), sliding_window)
        return attend(q, k, v, now[0], scaling, window).unsqueeze(0), None

    AttentionInterface.register(ATTENTION, attention)
    AttentionMaskInterface.register(ATTENTION, lambda *sizes, **more: None)
    before = network.config._attn_implementation
    hooks = [
        network.base_model.register_forward_pre_hook(begin, with_kwargs=True),
        *(layer.register_forward_pre_hook(enter, with_kwargs=True) for layer in layers),
        layers[-1].register_forward_hook(leave),
    ]
    network.set_attn_implementation(ATTENTION)
    try:
        yield
    finally:
        network.set_attn_implementation(before)
        for hook in hooks:
            hook.remove()


def _window(causal: bool, sliding_window: int | None) -> Window:
    left, right = SEES_ALL if sliding_window is None else (sliding_window - 1,) * 2
    return left, 0 if causal else right  # transformers counts the token itself, torch does not


@contextmanager
def packed_where_it_pays(
    network: PreTrainedModel, rows: EncodedRows, settings: TrainConfig
) -> Iterator[None]:
    """Train on these rows without padding, where the network's GPU is quicker so.

    Not where accelerate shards the network, nor where several GPUs are one process's.
    """
    one_gpu = torch.cuda.device_count() == 1 or world_size() > 1
    on_gpu = network.device.type == "cuda" and one_gpu and uses_bf16(settings)
    if not (settings.packed and on_gpu and not shards()):
        yield
        return
    size = settings.per_device_train_batch_size
    first = list(islice(LikeLengths(rows.lengths, size, settings.seed), size))
    batch = {
        name: values.to(network.device)
        for name, values in rows.__getitems__(first).items()
        if name in ("input_ids", "attention_mask")
    }
    with packed(network) if packing_pays(network, batch) else nullcontext():
        yield


def packing_pays(network: PreTrainedModel, batch: Batch) -> bool:
    """Whether this network, on its GPU, makes the same of a packed batch, and sooner.

    Tried on one batch, since kernels, drivers and architectures differ: whatever goes wrong, the
    answer is no.

    Args:
        network: as it is trained, in bf16.
        batch: token ids and mask as training will see them.
    """
    try:
        if not says_the_same(network, batch):
            return False
        padded = _seconds_of_a_step(network, batch)
        with packed(network):
            return _seconds_of_a_step(network, batch) < padded
    except (ConfigError, RuntimeError, ValueError, TypeError, KeyError, ImportError):
        return False


def says_the_same(network: PreTrainedModel, batch: Batch, attend: Attend = varlen) -> bool:
    """Whether the last layer's states of all tokens are those of the padded batch, but rounded.

    How much rounding does is seen where the padded batch is computed in fp32 too.
    """
    if not network._supports_flash_attn:  # attention of its own, which would look across texts
        return False
    training = network.training
    network.train(False)
    try:
        exact, padded = _states(network, batch, bf16=False), _states(network, batch, bf16=True)
        with packed(network, attend):
            found = _states(network, batch, bf16=True)
    finally:
        network.train(training)
    return bool((found - padded).norm() < TIMES_ROUNDING * (padded - exact).norm())


@torch.no_grad()
def _states(network: PreTrainedModel, batch: Batch, *, bf16: bool) -> torch.Tensor:
    """[1, t, d] of the last layer, of tokens that are no padding."""
    with torch.autocast(network.device.type, torch.bfloat16, enabled=bf16):
        states = network.base_model(**batch).last_hidden_state
    return Spans.of(batch["attention_mask"]).pack(states).float()


def _seconds_of_a_step(network: PreTrainedModel, batch: Batch) -> float:
    """The least of several, forth and back."""
    seconds = []
    try:
        for _ in range(ROUNDS):
            torch.cuda.synchronize()
            start = time.perf_counter()
            with torch.random.fork_rng(), torch.autocast(network.device.type, torch.bfloat16):
                logits = network(**batch).logits
            logits.sum().backward()
            torch.cuda.synchronize()
            seconds.append(time.perf_counter() - start)
    finally:
        network.zero_grad()
    return min(seconds)
