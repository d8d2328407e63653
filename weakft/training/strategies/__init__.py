"""Which parameters learn: one file per strategy of `train.strategy`."""

from weakft.config import TrainConfig
from weakft.errors import ConfigError
from weakft.training.strategies.adapter import Adapter
from weakft.training.strategies.anatomy import Anatomy, stack_of
from weakft.training.strategies.base import Strategy
from weakft.training.strategies.freeze import Freeze
from weakft.training.strategies.full import Full
from weakft.training.strategies.gradual import Gradual
from weakft.training.strategies.head import Head
from weakft.training.strategies.prompt import Prompt, PTuning
from weakft.training.strategies.tuner import Tuner, imported_peft, tuners

STRATEGIES: dict[str, type[Strategy]] = {
    strategy.name: strategy for strategy in (Full, Freeze, Head, Gradual, Adapter, Prompt, PTuning)
}


def strategy_of(settings: TrainConfig) -> Strategy:
    """The strategy that `train.strategy` names; other names are PEFT's.

    Raises:
        ConfigError: there is none of that name, or PEFT is not installed.
    """
    name = settings.strategy
    if name in STRATEGIES:
        return STRATEGIES[name](settings)
    if name.startswith("prefix"):
        raise ConfigError(
            f"train.strategy: {name!r} puts keys and values before those of every layer, for which "
            'a plain transformers model has no place. Take "prompt" or "adapter".'
        )
    if name not in (known := tuners(imported_peft(name))):
        raise ConfigError(
            f"train.strategy: {name!r} is no strategy, nor a tuner of PEFT that folds into a plain "
            f"model. Wanted {', '.join(STRATEGIES)}, or one of {', '.join(known)}."
        )
    return Tuner(settings)


__all__ = ["STRATEGIES", "Anatomy", "Strategy", "stack_of", "strategy_of"]
