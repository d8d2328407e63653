"""Small matrices beside the frozen ones learn: PEFT's tuners by name."""

import warnings
from typing import Any, cast

from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from weakft.config import TrainConfig
from weakft.errors import ConfigError
from weakft.training.strategies.base import Strategy

DEFAULTS: dict[str, dict[str, Any]] = {
    "lora": {"r": 8, "lora_alpha": 16, "target_modules": "all-linear"},
}
NOT_FOLDED = ("lily", "ln_tuning", "poly", "shadow", "trainable_tokens", "xlora")
"""What these learn PEFT 0.21 does not fold into a model, or not with the head."""
EXPECTED_WARNINGS = (
    ".*is_gradient_checkpointing",  # PEFT 0.21 asks transformers by an old name
    "fan_in_fan_out is set to False but the target module is `Conv1D`",  # GPT-2's; it sees to it
)


class Tuner(Strategy):
    """One of PEFT's tuners whose weights fold into the model, LoRA above all.

    LoRA (Hu et al., ICLR 2022) learns a product of two thin matrices beside each linear map; the
    head is trained in full. After training everything is folded in, so the model is a plain one
    again. `[train.peft]` holds the tuner's own settings, under PEFT's names.

    Raises:
        ConfigError: PEFT is not installed, or refuses a setting.
    """

    name = "lora"

    def __init__(self, settings: TrainConfig) -> None:
        super().__init__(settings)
        self._peft = imported_peft(settings.strategy)
        self._make_config = _config_class(self._peft, settings.strategy)

    def prepare(self, network: PreTrainedModel) -> nn.Module:
        """Put the tuner around the model."""
        kind = self.settings.strategy
        options = {**self._for_the_head(network), **DEFAULTS.get(kind, {}), **self.settings.peft}
        try:
            config = self._make_config(**options)
            with warnings.catch_warnings():
                for expected in EXPECTED_WARNINGS:
                    warnings.filterwarnings("ignore", expected)
                wrapped: nn.Module = self._peft.get_peft_model(network, config)
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            raise ConfigError(
                f"train.strategy = {kind!r}: PEFT refuses it for {type(network).__name__}: "
                f"{error}. [train.peft] takes the tuner's settings; linear layers that "
                f"target_modules can name: {', '.join(_linear_layers(network))}."
            ) from error
        return wrapped

    def _for_the_head(self, network: PreTrainedModel) -> dict[str, Any]:
        """How PEFT is told that the head of a model is trained in full, and no tuner in it."""
        parts = [
            name
            for name, part in network.named_children()
            if part is not network.base_model and list(part.parameters())
        ]
        told: dict[str, Any] = {"modules_to_save": parts}
        if network.main_input_name == "input_ids":
            told["task_type"] = "SEQ_CLS"
        if hasattr(self._make_config, "exclude_modules"):
            told["exclude_modules"] = "|".join(rf"{name}(\..*)?" for name in parts)
        return told

    def finish(self, trained: nn.Module, network: PreTrainedModel) -> PreTrainedModel:
        """Fold it in."""
        plain = cast("PreTrainedModel", cast("Any", trained).merge_and_unload())
        plain.requires_grad_(True)
        return plain


def _linear_layers(network: PreTrainedModel) -> list[str]:
    """Last names of the body's linear layers."""
    kinds = (nn.Linear, nn.Conv2d, Conv1D)
    parts = network.base_model.named_modules()
    return sorted({name.rpartition(".")[2] for name, part in parts if isinstance(part, kinds)})


def tuners(peft: Any) -> list[str]:  # noqa: ANN401
    """Names of PEFT's tuners that fold into the model."""
    return sorted(
        str(kind.value).lower()
        for kind, tuner in peft.mapping.PEFT_TYPE_TO_TUNER_MAPPING.items()
        if hasattr(tuner, "merge_and_unload") and str(kind.value).lower() not in NOT_FOLDED
    )


def _config_class(peft: Any, kind: str) -> Any:  # noqa: ANN401
    by_name = {str(t.value).lower(): c for t, c in peft.mapping.PEFT_TYPE_TO_CONFIG_MAPPING.items()}
    return by_name[kind]


def imported_peft(wanted_by: str) -> Any:  # noqa: ANN401
    """The package peft, which the strategy of this name wants.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import peft
        import peft.mapping
    except ImportError as error:
        raise ConfigError(
            f"train.strategy = {wanted_by!r} wants the package peft, which is not installed: "
            "pip install 'weakft[peft]'. Without it there are full, freeze, head, gradual, adapter."
        ) from error
    return peft
