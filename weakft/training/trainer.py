"""transformers' Trainer with soft targets, row weights and length-grouped batches."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils.data import Dataset, SequentialSampler
from transformers import (
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from weakft.narration import Advance
from weakft.training.losses import soft_cross_entropy
from weakft.training.rows import TrainingSet

Batch = dict[str, torch.Tensor]


class EncodedRows(Dataset[dict[str, Any]]):
    """A training set as token ids; padding is left to the batch."""

    def __init__(self, tokens: Sequence[Sequence[int]], rows: TrainingSet) -> None:
        self._tokens = tokens
        self._probs = torch.from_numpy(rows.probs).float()
        self._weights = torch.from_numpy(rows.weights).float()

    def __len__(self) -> int:
        return len(self._tokens)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {
            "input_ids": self._tokens[row],
            "labels": self._probs[row],
            "row_weights": self._weights[row],
        }


def collator(tokenizer: PreTrainedTokenizerBase) -> Callable[[list[dict[str, Any]]], Batch]:
    """Pads a batch to its longest row and stacks targets and weights."""

    def collate(rows: list[dict[str, Any]]) -> Batch:
        batch = tokenizer.pad(
            {"input_ids": [row["input_ids"] for row in rows]}, return_tensors="pt"
        )
        labels = torch.stack([row["labels"] for row in rows])
        weights = torch.stack([row["row_weights"] for row in rows])
        return {**batch, "labels": labels, "row_weights": weights}

    return collate


class NoiseAwareTrainer(Trainer):
    """Trainer whose loss is the weighted mean of soft cross-entropy over the step's rows.

    Stock Trainer (5.23) takes float targets for multi-label ones and trains with binary
    cross-entropy, divides a custom loss by the number of target cells rather than rows,
    and evaluates in shuffled order once batches are grouped by length. Here the loss is
    ours, it is divided by the weight of all rows of the optimiser step (so gradient
    accumulation changes nothing), and evaluation keeps the order of its rows.
    """

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401
        super().__init__(**settings)
        self.loss_is_scaled_for_ga = True
        self.model_accepts_loss_kwargs = True

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:  # noqa: ANN401
        """Weighted soft cross-entropy, over the total weight of the optimiser step."""
        targets, weights = inputs.pop("labels"), inputs.pop("row_weights")
        outputs = model(**inputs)
        losses = soft_cross_entropy(outputs.logits, targets) * weights
        total = weights.sum() if num_items_in_batch is None else num_items_in_batch
        loss = losses.sum() / total
        return (loss, outputs) if return_outputs else loss

    def _get_num_items_in_batch(
        self, batch_samples: list[Batch], device: torch.device
    ) -> torch.Tensor:
        return torch.stack([batch["row_weights"].sum() for batch in batch_samples]).sum().to(device)

    def _get_eval_sampler(self, eval_dataset: Dataset[Any]) -> SequentialSampler:
        return SequentialSampler(eval_dataset)  # type: ignore[arg-type]


class ProgressCallback(TrainerCallback):
    """Tells a narrator of the rows trained on."""

    def __init__(self, advance: Advance, rows_per_step: int) -> None:
        self._advance = advance
        self._rows_per_step = rows_per_step

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """Advance by one optimiser step."""
        self._advance(self._rows_per_step)
