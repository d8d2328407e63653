"""The feed-forward layers of a network, and how they are made wider."""

import copy
from collections.abc import Iterator
from typing import Any, TypeVar

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from weakft.errors import ConfigError
from weakft.training.strategies.anatomy import stack_of

KNOWN = {  # a layer's way up, its way down, and what its width is called in the config
    "intermediate.dense": ("output.dense", "intermediate_size"),
    "ffn.lin1": ("ffn.lin2", "hidden_dim"),
    "mlp.fc1": ("mlp.fc2", "intermediate_size"),
    "mlp.c_fc": ("mlp.c_proj", "n_inner"),
}

WEIGHTS = 3  # of a layer that depend on its width: up, its bias, down

AnyLinear = TypeVar("AnyLinear", bound=nn.Module)


class FeedForward:
    """One layer's way up and down, changed in place."""

    def __init__(self, layer: nn.Module, up: str, down: str, width_is_called: str) -> None:
        self._layer, self._up, self._down = layer, up, down
        self.width_is_called = width_is_called

    @property
    def width(self) -> int:
        """Units."""
        return len(_weight(self._ways()[0]))

    @property
    def has_biases(self) -> bool:
        """Whether both ways are linear maps with one."""
        return all(
            type(way) in (nn.Linear, Conv1D) and way.bias is not None for way in self._ways()
        )

    def widen(self, units: int) -> None:
        """Put new units beside, whose way down is zero."""
        up, down = self._ways()
        size = _weight(down).shape[0]
        beside_up = nn.Linear(size, units).to(_weight(up))
        beside_down = nn.Linear(units, size, bias=False).to(_weight(up))
        nn.init.zeros_(beside_down.weight)
        self._set(_Up(up, beside_up), _Down(down, beside_down))

    def split(self, units: int) -> None:
        """Take the last units, which were put beside before, apart from the others."""
        up, down = self._ways()
        first, last = slice(None, -units), slice(-units, None)
        to, back = _weight(up), _weight(down)
        size = len(back)
        beside_up = _filled(nn.Linear(size, units), to[last], up.bias[last])
        beside_down = _filled(nn.Linear(units, size, bias=False), back[:, last], None)
        self._set(
            _Up(_like(up, to[first], up.bias[first]), beside_up),
            _Down(_like(down, back[:, first], down.bias), beside_down),
        )

    def join(self) -> None:
        """Make one layer of both."""
        up, down = self._ways()
        to = torch.cat([_weight(up.plain), up.beside.weight])
        back = torch.cat([_weight(down.plain), down.beside.weight], dim=1)
        bias = torch.cat([up.plain.bias, up.beside.bias])
        self._set(_like(up.plain, to, bias), _like(down.plain, back, down.plain.bias))

    def _ways(self) -> tuple[Any, Any]:
        return self._layer.get_submodule(self._up), self._layer.get_submodule(self._down)

    def _set(self, up: nn.Module, down: nn.Module) -> None:
        self._layer.set_submodule(self._up, up)
        self._layer.set_submodule(self._down, down)


def feed_forward_layers(network: PreTrainedModel) -> list[FeedForward]:
    """Those of every layer, the lowest first.

    Raises:
        ConfigError: some layer has none, or none that its config makes wider.
    """
    stack = stack_of(network)
    layers = [found for layer in stack for found in _found_in(layer)]
    if len(layers) != len(stack) or not _made_wider_by_its_config(network, layers):
        raise ConfigError(
            f'train.strategy = "adapter": {type(network).__name__} has no feed-forward layers that '
            "weakft knows how to widen; those of BERT, RoBERTa, MPNet, ELECTRA, DeBERTa, ViT, "
            'DistilBERT and GPT-2 are known. Take "lora".'
        )
    return layers


def _found_in(layer: nn.Module) -> Iterator[FeedForward]:
    names = {name for name, _ in layer.named_modules()}
    for up, (down, width_is_called) in KNOWN.items():
        if {up, down} <= names:
            yield FeedForward(layer, up, down, width_is_called)


def _made_wider_by_its_config(network: PreTrainedModel, layers: list[FeedForward]) -> bool:
    """Whether a wider config makes these layers wider, and nothing else: the model would load."""
    if not all(layer.has_biases for layer in layers):
        return False
    as_it_is, wider = (_shapes(network, layers, more) for more in (0, 1))
    changed = [name for name, shape in as_it_is.items() if shape != wider[name]]
    return len(changed) == WEIGHTS * len(layers)


def _shapes(
    network: PreTrainedModel, layers: list[FeedForward], more: int
) -> dict[str, torch.Size]:
    """Of the parameters, by name, once the config says that layers are so much wider."""
    config = copy.deepcopy(network.config)
    for layer in layers:
        setattr(config, layer.width_is_called, layer.width + more)
    with torch.device("meta"):
        return {name: part.shape for name, part in type(network)(config).named_parameters()}


class _Up(nn.Module):
    """To a layer's units and to those beside."""

    def __init__(self, plain: nn.Module, beside: nn.Linear) -> None:
        super().__init__()
        self.plain, self.beside = plain, beside

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """[..., d] -> [..., units + units beside]."""
        return torch.cat([self.plain(states), self.beside(states)], dim=-1)


class _Down(nn.Module):
    """From a layer's units and from those beside."""

    def __init__(self, plain: nn.Module, beside: nn.Linear) -> None:
        super().__init__()
        self.plain, self.beside = plain, beside

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """[..., units + units beside] -> [..., d]."""
        units = self.beside.in_features
        down: torch.Tensor = self.plain(states[..., :-units]) + self.beside(states[..., -units:])
        return down


def _weight(linear: Any) -> torch.Tensor:  # noqa: ANN401
    """[out, in]; GPT-2's stands the other way round."""
    weight: torch.Tensor = linear.weight
    return weight.T if isinstance(linear, Conv1D) else weight


def _like(plain: nn.Module, weight: torch.Tensor, bias: torch.Tensor) -> nn.Module:
    """A linear map of the same kind, from a weight of [out, in]."""
    out, size = weight.shape
    conv = isinstance(plain, Conv1D)
    linear = Conv1D(out, size) if conv else nn.Linear(size, out)  # type: ignore[no-untyped-call]
    return _filled(linear, weight, bias)


def _filled(linear: AnyLinear, weight: torch.Tensor, bias: torch.Tensor | None) -> AnyLinear:
    linear.to(weight)
    with torch.no_grad():
        _weight(linear).copy_(weight)
        if isinstance(linear.bias, torch.Tensor) and bias is not None:
            linear.bias.copy_(bias)
    return linear
