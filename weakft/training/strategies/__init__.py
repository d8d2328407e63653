"""Which parameters learn: one file per strategy of `train.strategy`."""

from weakft.config import TrainConfig
from weakft.training.strategies.adapter import Adapter
from weakft.training.strategies.anatomy import Anatomy, stack_of
from weakft.training.strategies.base import Strategy
from weakft.training.strategies.freeze import Freeze
from weakft.training.strategies.full import Full
from weakft.training.strategies.gradual import Gradual
from weakft.training.strategies.head import Head
from weakft.training.strategies.prompt import Prompt, PTuning
from weakft.training.strategies.tuner import Tuner

STRATEGIES: dict[str, type[Strategy]] = {
    strategy.name: strategy for strategy in (Full, Freeze, Head, Gradual, Adapter, Prompt, PTuning)
}


def strategy_of(settings: TrainConfig) -> Strategy:
    """The strategy that `train.strategy` names; other names are PEFT's.

    Raises:
        ConfigError: PEFT is not installed.
    """
    return STRATEGIES.get(settings.strategy, Tuner)(settings)


__all__ = ["STRATEGIES", "Anatomy", "Strategy", "stack_of", "strategy_of"]
