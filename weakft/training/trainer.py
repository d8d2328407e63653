"""transformers' Trainer with soft targets, row weights and length-grouped batches."""

from collections import deque
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import Dataset, SequentialSampler
from transformers import Trainer

from weakft.errors import TrainingDiverged
from weakft.frozen_body import FrozenBody
from weakft.processors import Batch
from weakft.ranks import shards
from weakft.training.averaging import Averaging
from weakft.training.encoded import EncodedRows
from weakft.training.losses import soft_cross_entropy
from weakft.training.order import LikeLengths
from weakft.training.stage import complete, extras_of


def _hold_statistics(network: nn.Module) -> None:
    """A normalisation whose parameters are held keeps its running statistics too."""
    for part in network.modules():
        if isinstance(part, _BatchNorm) and not any(p.requires_grad for p in part.parameters()):
            part.train(False)


class NoiseAwareTrainer(Trainer):
    """Trainer whose loss is the weighted mean of soft cross-entropy over the step's rows.

    Stock Trainer (5.23) takes float targets for multi-label ones and trains with binary
    cross-entropy, divides a custom loss by the number of target cells rather than rows,
    and evaluates in shuffled order once batches are grouped by length. Here the loss is
    ours, it is divided by the weight of all rows of the optimiser step (so gradient
    accumulation changes nothing), and evaluation keeps the order of its rows.

    Args:
        texts: of the training rows, to tell those on which the loss breaks.
        body: recalls the frozen layers' outputs, which the rows then carry.
        averaging: of the weights; what is evaluated and saved are their means.
        **settings: for transformers' Trainer.
    """

    def __init__(
        self,
        *,
        texts: Sequence[str],
        body: FrozenBody | None,
        averaging: Averaging,
        **settings: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**settings)
        self.loss_is_scaled_for_ga = True
        self.model_accepts_loss_kwargs = True
        self._texts = texts
        self._body = body
        self._averaging = averaging
        self._losses: deque[torch.Tensor] = deque(maxlen=self.args.gradient_accumulation_steps)

    @property
    def _ranks(self) -> int:
        return int(self.accelerator.num_processes)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:  # noqa: ANN401
        """Weighted loss, over the total weight of the optimiser step."""
        targets, weights = inputs.pop("labels"), inputs.pop("row_weights")
        rows = inputs.pop("rows")
        _hold_statistics(model)
        if self._body is not None:
            self._body.show(inputs.pop("states"))
        outputs = model(**inputs)
        losses = soft_cross_entropy(outputs.logits, targets) * weights
        total = weights.sum() if num_items_in_batch is None else num_items_in_batch
        loss = losses.sum() / total * self._ranks  # whose gradients are averaged
        if model.training and not torch.isfinite(loss):
            raise self._broken(loss, rows)
        if model.training:
            self._losses.append(loss.detach())
        return (loss, outputs) if return_outputs else loss

    def last_loss(self) -> float:
        """Of the optimiser step just done, on the rows of this rank."""
        parts = list(self._losses)[-self.current_gradient_accumulation_steps :]
        return float(torch.stack(parts).sum())

    def _maybe_log_save_evaluate(self, *progress: Any, **more: Any) -> None:  # noqa: ANN401
        wanted = self.control.should_evaluate or self.control.should_save
        with self._averaging.in_place() if wanted else nullcontext():
            super()._maybe_log_save_evaluate(*progress, **more)

    def _broken(self, loss: torch.Tensor, rows: torch.Tensor) -> TrainingDiverged:
        return TrainingDiverged(
            f"The training loss became {float(loss.detach())} in step "
            f"{self.state.global_step + 1}. Lower train.learning_rate (now "
            f"{self.args.learning_rate:g}) or set train.bf16 = false.",
            [self._texts[int(row)] for row in rows],
        )

    def _get_num_items_in_batch(
        self, batch_samples: list[Batch], device: torch.device
    ) -> torch.Tensor:
        total = torch.stack([batch["row_weights"].sum() for batch in batch_samples]).sum()
        everywhere: torch.Tensor = self.accelerator.reduce(total.to(device), "sum")
        return everywhere

    def _get_train_sampler(self, train_dataset: Dataset[Any] | None = None) -> LikeLengths:
        rows = self.args.train_batch_size * self.args.gradient_accumulation_steps * self._ranks
        encoded = cast("EncodedRows", self.train_dataset)
        return LikeLengths(encoded.lengths, rows, self.args.seed)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:  # noqa: ANN401
        folder = Path(self._get_output_dir(trial)) / f"checkpoint-{self.state.global_step}"
        folder.mkdir(parents=True, exist_ok=True)  # some ranks look for it before shards are in it
        super()._save_checkpoint(model, trial)
        if self._ranks > 1 or shards():  # of several ranks none resumes
            return
        complete(folder, self._averaging.state())

    def _load_from_checkpoint(self, checkpoint: str, model: nn.Module | None = None) -> None:
        super()._load_from_checkpoint(checkpoint, model)
        self._averaging.restore(extras_of(checkpoint))

    def _get_eval_sampler(self, eval_dataset: Dataset[Any]) -> SequentialSampler:
        return SequentialSampler(eval_dataset)  # type: ignore[arg-type]
