"""`[train]` as transformers' TrainingArguments."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from weakft.config import TrainConfig, TrainerConfig
from weakft.errors import ConfigError
from weakft.training.precision import uses_bf16
from weakft.training.reporting import reporting

LARGEST_SEED = 2**32 - 1


def training_arguments(
    settings: TrainConfig, scratch: Path, *, has_valid: bool, title: str = ""
) -> TrainingArguments:
    """What Trainer is told.

    Args:
        settings: `[train]`.
        scratch: where checkpoints go.
        has_valid: score and save after each epoch, and end with the best.
        title: of the training, where it is reported.

    Raises:
        ConfigError: transformers refuses a setting, or would take it for another.
    """
    _refuse_out_of_range(settings)
    theirs: Mapping[str, Any] = settings.model_dump(include=set(TrainerConfig.model_fields))
    when = "epoch" if has_valid else "no"
    return _accepted(
        output_dir=str(scratch),
        **{
            **theirs,
            "bf16": uses_bf16(settings),
            "use_cpu": settings.use_cpu or not torch.cuda.is_available(),
            "eval_strategy": when,
            "save_strategy": when,
            "save_total_limit": 2,
            "load_best_model_at_end": has_valid,
            "remove_unused_columns": False,
            "label_names": ["labels"],
            **reporting(settings, title),
            "disable_tqdm": True,
            "dataloader_pin_memory": torch.cuda.is_available(),
        },
    )


def device_of(settings: TrainConfig) -> torch.device:
    """Where Trainer puts the model."""
    return training_arguments(settings, Path(), has_valid=False).device


def _refuse_out_of_range(settings: TrainConfig) -> None:
    if settings.max_steps == 0 or settings.max_steps < -1:
        raise ConfigError(
            f"train.max_steps = {settings.max_steps}: wanted one step at least, or -1, by epochs."
        )
    if settings.seed > LARGEST_SEED:
        raise ConfigError(f"train.seed = {settings.seed}: wanted {LARGEST_SEED} at most.")


def _accepted(**arguments: Any) -> TrainingArguments:  # noqa: ANN401
    try:
        return TrainingArguments(**arguments)
    except (ValueError, ImportError, RuntimeError) as error:
        raise ConfigError(f"[train]: transformers refuses a setting: {error}") from error
