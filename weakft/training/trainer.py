"""transformers' Trainer with soft targets, row weights and length-grouped batches."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
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
from weakft.training.losses import Loss, early_learning, remembered, soft_cross_entropy
from weakft.training.order import LikeLengths
from weakft.training.stage import complete, extras_of


@dataclass(frozen=True)
class Objective:
    """What a training step minimises.

    Attributes:
        loss: of logits and targets, one value per row.
        early_learning: strength of the pull towards a row's earlier predictions.
        mixup: alpha of the Beta distribution that pairs of rows are mixed by; 0: none.
    """

    loss: Loss = soft_cross_entropy
    early_learning: float = 0.0
    mixup: float = 0.0


def _hold_statistics(network: nn.Module) -> None:
    """A normalisation whose parameters are held keeps its running statistics too."""
    for part in network.modules():
        if isinstance(part, _BatchNorm) and not any(p.requires_grad for p in part.parameters()):
            part.train(False)


class NoiseAwareTrainer(Trainer):
    """Trainer whose loss is the weighted mean of a noise-aware loss over the step's rows.

    Stock Trainer (5.23) takes float targets for multi-label ones and trains with binary
    cross-entropy, divides a custom loss by the number of target cells rather than rows,
    and evaluates in shuffled order once batches are grouped by length. Here the loss is
    ours, it is divided by the weight of all rows of the optimiser step (so gradient
    accumulation changes nothing), and evaluation keeps the order of its rows.

    Args:
        objective: what to minimise.
        depths: layers between each parameter, by name, and the head.
        layer_lr_decay: what the learning rate is multiplied by for each of those layers.
        texts: of the training rows, to tell those on which the loss breaks.
        body: recalls the frozen layers' outputs, which the rows then carry.
        averaging: of the weights; what is evaluated and saved are their means.
        **settings: for transformers' Trainer.
    """

    def __init__(
        self,
        *,
        objective: Objective,
        depths: Mapping[str, int],
        layer_lr_decay: float,
        texts: Sequence[str],
        body: FrozenBody | None,
        averaging: Averaging,
        **settings: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(**settings)
        self.loss_is_scaled_for_ga = True
        self.model_accepts_loss_kwargs = True
        self._objective = objective
        self._depths = depths
        self._layer_lr_decay = layer_lr_decay
        self._texts = texts
        self._body = body
        self._averaging = averaging
        self._memory: torch.Tensor | None = None
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
        if model.training and self._objective.mixup > 0:
            inputs, targets, weights = self._mixed(inputs, targets, weights)
        outputs = model(**inputs)
        losses = self._objective.loss(outputs.logits, targets)
        if model.training:
            losses = losses + self._pull(outputs.logits, rows)
        losses = losses * weights
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

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """The configured optimiser; lower layers learn more slowly where that is asked for."""
        if self._layer_lr_decay == 1.0 or self.optimizer is not None:
            return super().create_optimizer(model)
        network: Any = self.model if model is None else model
        decayed = set(self.get_decay_parameter_names(network))
        groups: dict[tuple[int, bool], list[nn.Parameter]] = defaultdict(list)
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                groups[self._depths[name], name in decayed].append(parameter)
        make, settings = self.get_optimizer_cls_and_kwargs(self.args, network)
        self.optimizer = make(
            [
                {
                    "params": parameters,
                    "lr": self.args.learning_rate * self._layer_lr_decay**depth,
                    "weight_decay": self.args.weight_decay if decays else 0.0,
                }
                for (depth, decays), parameters in groups.items()
            ],
            **settings,
        )
        return self.optimizer

    def _maybe_log_save_evaluate(self, *progress: Any, **more: Any) -> None:  # noqa: ANN401
        wanted = self.control.should_evaluate or self.control.should_save
        with self._averaging.in_place() if wanted else nullcontext():
            super()._maybe_log_save_evaluate(*progress, **more)

    def _mixed(
        self, inputs: Batch, targets: torch.Tensor, weights: torch.Tensor
    ) -> tuple[Batch, torch.Tensor, torch.Tensor]:
        """MixUp of pixels (Zhang et al., ICLR 2018), or of word embeddings (Guo et al., 2019)."""
        alpha = self._objective.mixup
        share = float(torch.distributions.Beta(alpha, alpha).sample())
        order = torch.randperm(len(targets), device=targets.device)
        if "pixel_values" in inputs:
            pixels = inputs["pixel_values"]
            mixed = {"pixel_values": share * pixels + (1 - share) * pixels[order]}
        else:
            network = self.accelerator.unwrap_model(self.model)
            words = network.get_input_embeddings()(inputs.pop("input_ids"))
            mixed = {name: torch.maximum(part, part[order]) for name, part in inputs.items()}
            mixed["inputs_embeds"] = share * words + (1 - share) * words[order]
        targets = share * targets + (1 - share) * targets[order]
        return mixed, targets, share * weights + (1 - share) * weights[order]

    def _pull(self, logits: torch.Tensor, rows: torch.Tensor) -> torch.Tensor | float:
        if self._objective.early_learning == 0:
            return 0.0
        if self._memory is None:
            self._memory = torch.zeros(len(self._texts), logits.shape[1], device=logits.device)
        seen, said = self.accelerator.gather((rows, logits.detach()))
        self._memory[seen] = remembered(self._memory[seen], said)
        return early_learning(logits, self._memory[rows], strength=self._objective.early_learning)

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
        extras = self._averaging.state()
        if self._memory is not None:
            extras["memory"] = self._memory
        complete(folder, extras)

    def _load_from_checkpoint(self, checkpoint: str, model: nn.Module | None = None) -> None:
        super()._load_from_checkpoint(checkpoint, model)
        extras = extras_of(checkpoint)
        self._averaging.restore(extras)
        memory = extras.get("memory")
        self._memory = None if memory is None else memory.to(self.args.device)

    def _get_eval_sampler(self, eval_dataset: Dataset[Any]) -> SequentialSampler:
        return SequentialSampler(eval_dataset)  # type: ignore[arg-type]
