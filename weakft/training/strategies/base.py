"""What a strategy of fine-tuning says: which parameters learn."""

from abc import ABC
from collections.abc import Collection
from typing import ClassVar

from torch import nn
from transformers import PreTrainedModel

from weakft.config import TrainConfig
from weakft.processors import Processor


class Strategy(ABC):
    """Prepares a model for training and makes a plain one of it again.

    Args:
        settings: `[train]`.

    Attributes:
        name: in `train.strategy`.
    """

    name: ClassVar[str]

    def __init__(self, settings: TrainConfig) -> None:
        self.settings = settings

    def read_by(self, processor: Processor) -> Processor:
        """Through what rows come to the model, called before `prepare`; here as they did."""
        return processor

    def prepare(self, network: PreTrainedModel) -> nn.Module:
        """Mark what learns; what is trained may be another module around the model."""
        return network

    def frozen_layers(self, network: PreTrainedModel) -> int:
        """How many of the lowest layers stay as they are, with all that lies before them."""
        return 0

    def at(self, progress: float, network: PreTrainedModel) -> None:  # noqa: B027
        """Called before each optimiser step, with the share of the steps done."""

    def finish(self, trained: nn.Module, network: PreTrainedModel) -> PreTrainedModel:
        """A plain transformers model of what was trained, every parameter free again."""
        network.requires_grad_(True)
        return network


def learn_only(network: nn.Module, names: Collection[str]) -> None:
    """Free the parameters of these names, hold all others."""
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name in names)
