"""weakft.toml -> typed settings: one frozen section each."""

from weakft.config.file import FILE_NAME, Config, find_project
from weakft.config.sections import SPLITS, DataConfig, RetrainConfig, Splits, Task
from weakft.config.train import TrainConfig, TrainerConfig

__all__ = [
    "FILE_NAME",
    "SPLITS",
    "Config",
    "DataConfig",
    "RetrainConfig",
    "Splits",
    "Task",
    "TrainConfig",
    "TrainerConfig",
    "find_project",
]
