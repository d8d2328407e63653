"""A few units beside each feed-forward layer learn."""

import copy
from collections.abc import Iterator
from typing import Any, TypeVar

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from weakft.errors import ConfigError
from weakft.training.strategies.anatomy import Anatomy, stack_of
from weakft.training.strategies.base import Strategy, learn_only

FEED_FORWARD = {  # a layer's way up, its way down, and what its width is called
    "intermediate.dense": ("output.dense", "intermediate_size"),
    "ffn.lin1": ("ffn.lin2", "hidden_dim"),
    "mlp.fc1": ("mlp.fc2", "intermediate_size"),
    "mlp.c_fc": ("mlp.c_proj", "n_inner"),
}
OURS = (
    "weakft_adapter_units"  # in config.json: how many of the units, the last ones, are an adapter
)

AnyLinear = TypeVar("AnyLinear", bound=nn.Module)


class Adapter(Strategy):
    """Trains `train.adapter_units` units beside those of every feed-forward layer, and the head.

    A bottleneck adapter (Houlsby et al., ICML 2019) in its parallel form (He et al., "Towards a
    unified view of parameter-efficient transfer learning", ICLR 2022): what a layer's way up and
    down adds to a token's state, a narrow way up and down beside it adds too. A layer and its
    adapter are a wider layer, so that the outcome is a plain model. A model that has an adapter
    already trains that one on.

    Raises:
        ConfigError: its layers are of another kind than those of BERT, DistilBERT, ViT or GPT-2,
            or it has an adapter of another width.
    """

    name = "adapter"
    trains_layers = False

    def prepare(self, network: PreTrainedModel) -> nn.Module:
        """Put the adapters beside the layers; at first they add nothing."""
        units = self.settings.adapter_units
        known = int(getattr(network.config, OURS, 0))
        if known not in (0, units):
            raise ConfigError(
                f"train.adapter_units: wanted {known}, as wide as the adapter that train.model has "
                f"already, got {units}."
            )
        layers = _feed_forward_layers(network)
        _refuse_what_would_not_load(network, layers, units)
        for layer in layers:
            if known:
                layer.split(units)
            else:
                layer.widen(units)
        learning = {name for name, _ in network.named_parameters() if ".beside." in name}
        learn_only(network, {*learning, *Anatomy.of(network).head})
        return network

    def finish(self, trained: nn.Module, network: PreTrainedModel) -> PreTrainedModel:
        """Make one layer of each and its adapter."""
        for layer in _feed_forward_layers(network):
            width, units = layer.join()
            setattr(network.config, layer.width_is_called, width)
            setattr(network.config, OURS, units)
        return super().finish(trained, network)


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


class _FeedForward:
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

    def join(self) -> tuple[int, int]:
        """Make one layer of both; how wide it is, and how many of its units were beside."""
        up, down = self._ways()
        to = torch.cat([_weight(up.plain), up.beside.weight])
        back = torch.cat([_weight(down.plain), down.beside.weight], dim=1)
        bias = torch.cat([up.plain.bias, up.beside.bias])
        self._set(
            _like(up.plain, to, bias),
            _like(down.plain, back, down.plain.bias),
        )
        return len(to), up.beside.out_features

    def _ways(self) -> tuple[Any, Any]:
        return self._layer.get_submodule(self._up), self._layer.get_submodule(self._down)

    def _set(self, up: nn.Module, down: nn.Module) -> None:
        self._layer.set_submodule(self._up, up)
        self._layer.set_submodule(self._down, down)


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


def _feed_forward_layers(network: PreTrainedModel) -> list[_FeedForward]:
    found = [way for layer in stack_of(network) for way in _ways(layer)]
    if len(found) == len(stack_of(network)):
        return found
    raise _unknown(network)


def _refuse_what_would_not_load(
    network: PreTrainedModel, layers: list[_FeedForward], units: int
) -> None:
    """Does a wider config make these layers wider, and nothing else?"""
    plain, wider = copy.deepcopy(network.config), copy.deepcopy(network.config)
    for layer in layers:
        setattr(plain, layer.width_is_called, layer.width)
        setattr(wider, layer.width_is_called, layer.width + units)
    shapes = []
    for config in (plain, wider):
        with torch.device("meta"):
            parts = type(network)(config).named_parameters()
        shapes.append({name: part.shape for name, part in parts})
    changed = [name for name in shapes[0] if shapes[0][name] != shapes[1].get(name)]
    if len(changed) != 3 * len(layers) or not all(layer.has_biases for layer in layers):
        raise _unknown(network)


def _unknown(network: PreTrainedModel) -> ConfigError:
    return ConfigError(
        f'train.strategy = "adapter": {type(network).__name__} has no feed-forward layers that '
        "weakft knows how to widen; those of BERT, RoBERTa, MPNet, ELECTRA, DeBERTa, ViT, "
        'DistilBERT and GPT-2 are known. Take "lora".'
    )


def _ways(layer: nn.Module) -> Iterator[_FeedForward]:
    names = {name for name, _ in layer.named_modules()}
    for up, (down, width_is_called) in FEED_FORWARD.items():
        if {up, down} <= names:
            yield _FeedForward(layer, up, down, width_is_called)
