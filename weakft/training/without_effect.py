"""Settings of `[train]` that do nothing beside the others."""

from weakft.config import TrainConfig

WITHOUT_PEFT = ("full", "freeze", "head", "gradual", "adapter")
GOES_WITH = {
    "freeze_layers": ("strategy", ("freeze",)),
    "freeze": ("strategy", ("freeze",)),
    "adapter_units": ("strategy", ("adapter",)),
}


def without_effect(settings: TrainConfig) -> list[str]:
    """A sentence for each setting that was changed and does nothing.

    Example:
        >>> without_effect(TrainConfig(freeze_layers=2))
        ['train.freeze_layers has no effect with strategy = "full", but with "freeze".']
    """
    told = []
    for name, (other, wanted) in GOES_WITH.items():
        changed = getattr(settings, name) != TrainConfig.model_fields[name].default
        if changed and getattr(settings, other) not in wanted:
            able = " or ".join(f'"{value}"' for value in wanted)
            told.append(_sentence(name, other, getattr(settings, other), able))
    if settings.peft and settings.strategy in WITHOUT_PEFT:
        told.append(_sentence("peft", "strategy", settings.strategy, "a tuner of PEFT"))
    return told


def _sentence(name: str, other: str, value: str, able: str) -> str:
    return f'train.{name} has no effect with {other} = "{value}", but with {able}.'
