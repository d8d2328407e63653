"""The parts of a network: what lies before its layers, the layers, what lies behind them.

The layers of a convolutional network are its stages.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel

from weakft.errors import ConfigError


@dataclass(frozen=True)
class Anatomy:
    """Parameters by depth.

    Attributes:
        embeddings: names of the parameters before the first layer.
        layers: names of the parameters of each layer, the lowest first.
        head: names of those behind the last layer: pooler, norm, classifier.
    """

    embeddings: tuple[str, ...]
    layers: tuple[tuple[str, ...], ...]
    head: tuple[str, ...]

    @classmethod
    def of(cls, network: PreTrainedModel) -> "Anatomy":
        """Take a model apart.

        Raises:
            ConfigError: it has no stack of `num_hidden_layers` layers, or of stages.
        """
        stack = stack_of(network)
        names = [name for name, _ in network.named_parameters()]
        inside = {
            name: index for index, layer in enumerate(stack) for name in _names_of(network, layer)
        }
        layers = tuple(
            tuple(name for name in names if inside.get(name) == index)
            for index in range(len(stack))
        )
        first = min(position for position, name in enumerate(names) if name in inside)
        body = set(_names_of(network, network.base_model))  # some declare the head before it
        embeddings = tuple(name for name in names[:first] if name in body)
        held = {*embeddings, *inside}
        return cls(embeddings, layers, tuple(name for name in names if name not in held))


def stack_of(network: PreTrainedModel) -> nn.ModuleList:
    """The layers of a transformer or the stages of a convolutional network, the lowest first.

    Raises:
        ConfigError: none can be found.
    """
    stages = len(getattr(network.config, "depths", ()))
    depth = getattr(network.config, "num_hidden_layers", stages)
    for module in network.base_model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == depth:
            return module
    raise ConfigError(
        f"train.strategy: {type(network).__name__} has no stack of layers that weakft can find. "
        'Strategies that need none: "full", and "freeze" with name patterns in train.freeze.'
    )


def _names_of(network: nn.Module, part: nn.Module) -> Iterator[str]:
    ids = {id(parameter) for parameter in part.parameters()}
    return (name for name, parameter in network.named_parameters() if id(parameter) in ids)
