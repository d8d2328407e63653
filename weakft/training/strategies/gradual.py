"""The head learns first, then layer after layer from the top."""

from torch import nn
from transformers import PreTrainedModel

from weakft.training.strategies.anatomy import Anatomy
from weakft.training.strategies.base import Strategy, learn_only


class Gradual(Strategy):
    """Frees one layer after the other from the top, in equal parts of the first half of training.

    Gradual unfreezing (Howard and Ruder, "Universal language model fine-tuning", ACL 2018); in
    the second half everything learns.
    """

    name = "gradual"

    def prepare(self, network: PreTrainedModel) -> nn.Module:
        """Leave all free: the optimiser has to know every parameter."""
        self._anatomy = Anatomy.of(network)
        self._free = -1
        return network

    def at(self, progress: float, network: PreTrainedModel) -> None:
        """Free what it is time for."""
        depth = len(self._anatomy.layers)
        free = min(int(2 * progress * (depth + 1)), depth + 1)
        if free == self._free:
            return
        self._free = free
        if free > depth:
            network.requires_grad_(True)
            return
        layers = self._anatomy.layers[depth - free :]
        learn_only(network, {*self._anatomy.head, *(name for layer in layers for name in layer)})
