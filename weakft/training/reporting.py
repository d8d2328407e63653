"""What `train.report_to` sends a training's losses and scores to."""

import os
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from weakft.config import TrainConfig
from weakft.errors import ConfigError

TENSORBOARD = "tensorboard"
STEPS_A_REPORT = 5


def reporting(settings: TrainConfig, title: str) -> dict[str, Any]:
    """The part of TrainingArguments that says what is reported; a training goes by its title.

    Raises:
        ConfigError: the package is not installed.
    """
    place = settings.report_to
    if place == "none":
        return {"report_to": "none", "logging_strategy": "no"}
    if find_spec(place) is None:
        raise ConfigError(
            f"train.report_to = {place!r} wants the package {place}, which is not installed: "
            f"pip install {place}"
        )
    return {
        "report_to": "none" if place == TENSORBOARD else place,
        "run_name": title,
        "logging_strategy": "steps",
        "logging_steps": STEPS_A_REPORT,
    }


def reporters(settings: TrainConfig, title: str, cache: Path | None) -> list[TrainerCallback]:
    """TensorBoard's, with a folder for each training; Trainer itself makes all others.

    They stand in TENSORBOARD_LOGGING_DIR, or else in `tensorboard/` of the cache, or else of the
    working directory.
    """
    if settings.report_to != TENSORBOARD:
        return []
    from torch.utils.tensorboard import SummaryWriter
    from transformers.integrations.integration_utils import TensorBoardCallback

    everything = os.environ.get("TENSORBOARD_LOGGING_DIR", (cache or Path()) / TENSORBOARD)
    name = f"{datetime.now(UTC):%Y-%m-%d %H-%M-%S} {title}"
    folder = Path(everything) / name.replace("/", "-")
    return [TensorBoardCallback(SummaryWriter(str(folder)))]  # type: ignore[no-untyped-call]
