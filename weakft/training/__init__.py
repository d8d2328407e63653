"""Fine-tuning a pre-trained transformer on noisy labels."""

from weakft.training.finetune import FineTuned, fine_tune
from weakft.training.rows import TrainingSet

__all__ = ["FineTuned", "TrainingSet", "fine_tune"]
