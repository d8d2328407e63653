"""What is trained of an end model, and how it becomes a plain model again."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.frozen_body import FrozenBody
from weakft.processors import TextProcessor
from weakft.ranks import shards
from weakft.seeding import preserved_random_state
from weakft.training.arguments import device_of
from weakft.training.averaging import Averaging
from weakft.training.precision import uses_bf16
from weakft.training.sharding import put_together
from weakft.training.strategies import Strategy, stack_of, strategy_of

ACTIVATIONS = "activations"


@dataclass(frozen=True)
class Network:
    """An end model while it is being trained.

    Attributes:
        model: the end model; changed in place.
        settings: `[train]`.
        strategy: what `train.strategy` names.
        prepared: the model's network as the strategy wants it.
        trained: what Trainer is given: `prepared`, or a copy of it where accelerate shards it.
        averaging: of the trained weights.
    """

    model: EndModel
    settings: TrainConfig
    strategy: Strategy
    prepared: nn.Module
    trained: nn.Module
    averaging: Averaging

    @classmethod
    def of(cls, model: EndModel, settings: TrainConfig, averaged: float = 0.0) -> "Network":
        """Take the model to its device and prepare it.

        Args:
            model: the end model.
            settings: `[train]`.
            averaged: the last share of the steps, whose weights are averaged.

        Raises:
            ConfigError: the strategy cannot be had, or not for this model.
        """
        model.model.to(device_of(settings))  # type: ignore[arg-type]
        strategy = strategy_of(settings)
        with preserved_random_state(settings.seed):  # a tuner begins with random weights
            model.processor = strategy.read_by(model.processor)
            prepared = strategy.prepare(model.model)
        trained = copy.deepcopy(prepared) if shards() else prepared
        return cls(model, settings, strategy, prepared, trained, Averaging(trained, averaged))

    def frozen_body(self, texts: Sequence[str], cache: Path | None) -> FrozenBody | None:
        """What recalls the frozen layers' outputs for these texts, if that is worth it."""
        model, settings = self.model, self.settings
        count = self.strategy.frozen_layers(model.model)
        if count == 0 or shards():
            return None
        if not isinstance(model.processor, TextProcessor):
            return None
        stack = list(stack_of(model.model))
        body = FrozenBody(
            model.model,
            model.processor,
            stack[:count],
            depth=len(stack),
            bf16=uses_bf16(settings),
            folder=None if cache is None else cache / ACTIVATIONS,
        )
        useful = body.faithful and body.fits(model.processor.encode(texts))
        return body if useful else None

    def at(self, progress: float) -> None:
        """Before each optimiser step, with the share of the steps done."""
        self.strategy.at(progress, self.model.model)

    def finish(self) -> None:
        """Make a plain transformers model of what was trained."""
        if shards():
            put_together(self.prepared, self.trained)
        _unwrap(self.prepared)
        self.model.model = self.strategy.finish(self.prepared, self.model.model)


def _unwrap(network: nn.Module) -> None:
    """Take off what accelerate puts on a model: a forward in bf16, and a mark that it is on.

    `Accelerator.unwrap_model` leaves the mark, so that a model once trained is never prepared
    again and its next training is in fp32 without a word; of a forward that transformers has
    decorated it takes off the decoration too.
    """
    for name in ("forward", "_original_forward", "_is_accelerate_prepared"):
        network.__dict__.pop(name, None)
