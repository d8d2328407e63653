"""Embeddings and the lower layers stay as they are."""

from fnmatch import fnmatchcase

from torch import nn
from transformers import PreTrainedModel

from weakft.errors import ConfigError
from weakft.training.strategies.anatomy import Anatomy
from weakft.training.strategies.base import Strategy, learn_only


class Freeze(Strategy):
    """Holds the embeddings and the first `train.freeze_layers` layers (half of them by default).

    Or what the shell patterns of `train.freeze` name, such as `*.embeddings.*`. Lower layers
    carry what all tasks share (Lee et al., "What would Elsa do?", 2019).

    Raises:
        ConfigError: more layers than there are, a pattern that names nothing, or nothing left.
    """

    name = "freeze"

    def prepare(self, network: PreTrainedModel) -> nn.Module:
        """Hold them."""
        names = [name for name, _ in network.named_parameters()]
        held = self._named(names) if self.settings.freeze else self._lower(network)
        learning = [name for name in names if name not in held]
        if not learning:
            raise ConfigError("train.freeze: the patterns hold every parameter; leave some free.")
        learn_only(network, set(learning))
        return network

    def frozen_layers(self, network: PreTrainedModel) -> int:
        """As many as are held by number; those held by name are not counted."""
        return 0 if self.settings.freeze else self._count(len(Anatomy.of(network).layers))

    def _count(self, depth: int) -> int:
        count = depth // 2 if self.settings.freeze_layers is None else self.settings.freeze_layers
        if count > depth:
            raise ConfigError(f"train.freeze_layers: wanted 0 to {depth} layers, got {count}.")
        return count

    def _lower(self, network: PreTrainedModel) -> set[str]:
        anatomy = Anatomy.of(network)
        count = self._count(len(anatomy.layers))
        return {*anatomy.embeddings, *(name for layer in anatomy.layers[:count] for name in layer)}

    def _named(self, names: list[str]) -> set[str]:
        held: set[str] = set()
        for pattern in self.settings.freeze:
            found = [name for name in names if fnmatchcase(name, pattern)]
            if not found:
                raise ConfigError(
                    f"train.freeze: {pattern!r} names no parameter; there are {names[0]}, "
                    f"{names[len(names) // 2]}, {names[-1]} and {len(names) - 3} more."
                )
            held.update(found)
        return held
