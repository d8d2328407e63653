"""Only what lies behind the last layer learns."""

from torch import nn
from transformers import PreTrainedModel

from weakft.training.strategies.anatomy import Anatomy
from weakft.training.strategies.base import Strategy, learn_only


class Head(Strategy):
    """Trains pooler and classifier on a frozen body: quick, and hard to lead astray.

    A linear probe keeps the features as they were pre-trained, which helps where new texts differ
    from those trained on (Kumar et al., "Fine-tuning can distort pretrained features", ICLR 2022).
    """

    name = "head"

    def prepare(self, network: PreTrainedModel) -> nn.Module:
        """Hold the body."""
        learn_only(network, set(Anatomy.of(network).head))
        return network

    def frozen_layers(self, network: PreTrainedModel) -> int:
        """All of them."""
        return len(Anatomy.of(network).layers)
