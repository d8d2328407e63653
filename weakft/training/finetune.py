"""Fine-tune one end model on one training set."""

import copy
import gc
import math
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import accuracy_score, f1_score
from torch import nn
from transformers import EvalPrediction, PrinterCallback, ProgressCallback, TrainerState

from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.errors import ConfigError, DataError
from weakft.frozen_body import FrozenBody
from weakft.narration import SILENCE, Narrator
from weakft.processors import TextProcessor
from weakft.ranks import led, rank, shards, world_size
from weakft.seeding import preserved_random_state
from weakft.training.arguments import device_of, training_arguments
from weakft.training.averaging import Averaging, Share, exponential, tail
from weakft.training.callbacks import CheckpointCallback, StepCallback
from weakft.training.cpu import quick_steps
from weakft.training.losses import LOSSES
from weakft.training.precision import uses_bf16
from weakft.training.rows import TrainingSet
from weakft.training.sharding import put_together
from weakft.training.stage import Stage, deferred_signals
from weakft.training.strategies import STRATEGIES, Anatomy, Strategy, stack_of, strategy_of
from weakft.training.trainer import EncodedRows, NoiseAwareTrainer, Objective, as_it_is

STEPS_A_LOSS = 5
UNFINISHED = "unfinished"
ACTIVATIONS = "activations"
BATCHING = (
    "per_device_train_batch_size",
    "per_device_eval_batch_size",
    "gradient_accumulation_steps",
)


@dataclass(frozen=True)
class FineTuned:
    """A fine-tuned model and how its training went.

    Attributes:
        model: the end model, at its best checkpoint where a valid set chose one.
        rows: rows trained on.
        examples_per_second: rows seen per second of training, evaluation left out.
        seconds: of the whole call.
        best_epoch: epoch of the checkpoint taken; None where nothing chose.
    """

    model: EndModel
    rows: int
    examples_per_second: float
    seconds: float
    best_epoch: float | None


def fine_tune(
    model: EndModel,
    rows: TrainingSet,
    settings: TrainConfig,
    *,
    valid: TrainingSet | None = None,
    title: str = "Fine-tuning",
    narrator: Narrator = SILENCE,
    cache: Path | None = None,
) -> FineTuned:
    """Train the model in place as `settings` say; keep the best checkpoint by valid.

    Args:
        model: where to start; changed in place.
        rows: what to learn from.
        settings: `[train]`; names are those of TrainingArguments.
        valid: gold rows that choose among the epochs; without, the last epoch stands.
        title: of the progress bar.
        narrator: told of the progress.
        cache: folder where what frozen layers make of a text is kept, and the state of a stage
            that is interrupted: called again with the same arguments, it goes on from there.
            Of several ranks none keeps a state.

    Raises:
        ConfigError: the strategy cannot be had, or not for this model.
        DataError: the loss became NaN or infinite.
    """
    start = time.perf_counter()
    _refuse_what_ranks_cannot_do(settings)
    several_ranks = world_size() > 1 or shards()
    unfinished = None if cache is None or several_ranks else cache / UNFINISHED
    stage = Stage.of(unfinished, model, rows, valid, settings)
    if (about := stage.finished(model)) is not None:
        narrator.say(f"{title}: done before the interruption.")
        return FineTuned(model=model, **about)
    if settings.probe_epochs > 0:
        _probe(model, rows, settings, narrator, cache)
    spare = copy.deepcopy(model.model)
    work = _Work(model, rows, valid, settings, stage, title, narrator, cache)
    try:
        about = work.done()
    except torch.OutOfMemoryError as error:
        about, smaller = {}, _smaller_batches(settings, error)
    if not about:  # out of the except block, which holds on to what the memory is full of
        del work
        gc.collect()
        narrator.say(
            f"Out of memory with {settings.per_device_train_batch_size} rows at once; going on "
            f"with {smaller.per_device_train_batch_size}. The steps stay the same."
        )
        model.model = spare
        update = {"probe_epochs": 0, **smaller.model_dump(include={*BATCHING})}
        return fine_tune(
            model,
            rows,
            settings.model_copy(update=update),
            valid=valid,
            title=title,
            narrator=narrator,
            cache=cache,
        )
    about["seconds"] = time.perf_counter() - start
    stage.finish(model, about, about["seconds"])
    return FineTuned(model=model, **about)


def _refuse_what_ranks_cannot_do(settings: TrainConfig) -> None:
    if world_size() > 1 and settings.strategy == "gradual":
        raise ConfigError(
            'train.strategy = "gradual" frees layers as it goes, which training on several '
            'devices does not notice. Take "full" or "freeze", or one process.'
        )
    if not shards():
        return
    if (version := os.environ.get("FSDP_VERSION", "1")) != "2":
        raise ConfigError(
            f"accelerate is to shard by FSDP {version}, whose parts cannot be put together here. "
            "Set fsdp_version: 2 in its config (--fsdp_version 2), or leave FSDP out."
        )
    if settings.mixup > 0:
        raise ConfigError(
            "train.mixup looks words up outside of the model, which FSDP does not allow. Set it "
            "to 0, or leave FSDP out."
        )


def _smaller_batches(settings: TrainConfig, error: torch.OutOfMemoryError) -> TrainConfig:
    """Half the rows at once, twice the parts of a step: the weights come out the same."""
    batch = settings.per_device_train_batch_size
    if batch == 1:
        raise DataError(
            "The device's memory does not hold one row. Lower train.max_length (now "
            f"{settings.max_length}), or take a smaller train.model. {error}"
        ) from error
    update = {
        "per_device_train_batch_size": batch // 2,
        "gradient_accumulation_steps": settings.gradient_accumulation_steps * 2,
        "per_device_eval_batch_size": max(settings.per_device_eval_batch_size // 2, 1),
    }
    return settings.model_copy(update=update)


@dataclass(frozen=True)
class _Work:
    """One training, from a model and rows to the same model, trained."""

    model: EndModel
    rows: TrainingSet
    valid: TrainingSet | None
    settings: TrainConfig
    stage: Stage
    title: str
    narrator: Narrator
    cache: Path | None

    def done(self) -> dict[str, Any]:
        """Train; what there is to say of it."""
        model, settings, stage = self.model, self.settings, self.stage
        model.model.to(device_of(settings))  # type: ignore[arg-type]  # all below asks where it is
        strategy = strategy_of(settings)
        depths = _depths(model, settings)
        with preserved_random_state(settings.seed):  # a tuner begins with random weights
            network = strategy.prepare(model.model)
        trained = copy.deepcopy(network) if shards() else network
        texts = self.rows.texts if self.valid is None else (*self.rows.texts, *self.valid.texts)
        model.body = body = _frozen_body(model, strategy, settings, texts, self.cache)
        encoded = EncodedRows(model.processor, self.rows, body)
        judges = None if self.valid is None else _sorted_by_length(model, self.valid, body)
        steps, batch = _total_steps(len(encoded), settings), _rows_a_step(len(encoded), settings)
        averaging = Averaging(trained, _averaged(settings))
        with (
            led(lambda: tempfile.TemporaryDirectory(prefix="weakft-")) as scratch,
            preserved_random_state(settings.seed),
            nullcontext(lambda: False) if stage.folder is None else deferred_signals() as stopping,
            nullcontext() if body is None else body.recalled(),
            quick_steps(model.model, settings.seed, rank()) as reseed,
            self.narrator.task(self.title, total=steps * batch, unit="rows") as advance,
        ):
            folder = stage.folder or Path(scratch)
            trainer = NoiseAwareTrainer(
                objective=Objective(LOSSES[settings.loss], settings.early_learning, settings.mixup),
                depths=depths,
                layer_lr_decay=settings.layer_lr_decay,
                texts=self.rows.texts,
                body=body,
                averaging=averaging,
                model=trained,
                args=training_arguments(settings, folder, has_valid=judges is not None),
                train_dataset=encoded,
                eval_dataset=judges,
                data_collator=as_it_is,
                processing_class=model.processor.saved,
                compute_metrics=_scores,
                callbacks=[
                    StepCallback(
                        before=[
                            lambda _: averaging.begin(),
                            lambda state: strategy.at(_progress(state), model.model),
                            lambda state: reseed(state.global_step),
                        ],
                        after=[
                            lambda _: advance(batch),
                            lambda state: averaging.add(state.max_steps),
                            lambda state: self._tell_loss(trainer, state),
                        ],
                    ),
                    *([] if stage.folder is None else [CheckpointCallback(stopping)]),
                ],
            )
            trainer.remove_callback(PrinterCallback)
            trainer.remove_callback(ProgressCallback)
            output = trainer.train(resume_from_checkpoint=stage.newest())
            if judges is None:
                averaging.adopt()
            _refuse_broken_loss(output.training_loss, settings)
            if shards():
                put_together(network, trained)
            _unwrap(network)
            model.model = strategy.finish(network, model.model)
        seconds = float(output.metrics["train_runtime"]) - _evaluation_seconds(trainer)
        return {
            "rows": len(encoded),
            "examples_per_second": len(encoded) * (trainer.state.epoch or 0) / max(seconds, 1e-9),
            "best_epoch": None if judges is None else _best_epoch(trainer),
        }

    def _tell_loss(self, trainer: NoiseAwareTrainer, state: TrainerState) -> None:
        if state.global_step % STEPS_A_LOSS == 0:
            self.narrator.loss(state.global_step, trainer.last_loss())


def _averaged(settings: TrainConfig) -> Share | None:
    if settings.ema:
        return exponential(settings.ema)
    return tail(settings.tail_average) if settings.tail_average else None


def _unwrap(network: nn.Module) -> None:
    """Take off what accelerate puts on a model: a forward in bf16, and a mark that it is on.

    `Accelerator.unwrap_model` leaves the mark, so that a model once trained is never prepared
    again and its next training is in fp32 without a word; of a forward that transformers has
    decorated it takes off the decoration too.
    """
    for name in ("forward", "_original_forward", "_is_accelerate_prepared"):
        network.__dict__.pop(name, None)


def _progress(state: TrainerState) -> float:
    return state.global_step / max(state.max_steps, 1)


def _frozen_body(
    model: EndModel,
    strategy: Strategy,
    settings: TrainConfig,
    texts: Sequence[str],
    cache: Path | None,
) -> FrozenBody | None:
    count = strategy.frozen_layers(model.model)
    mixes_before_the_layers = settings.mixup > 0
    of_texts = isinstance(model.processor, TextProcessor)
    if count == 0 or mixes_before_the_layers or shards() or not of_texts:
        return None
    stack = list(stack_of(model.model))
    body = FrozenBody(
        model.model,
        stack[:count],
        depth=len(stack),
        bf16=uses_bf16(settings),
        folder=None if cache is None else cache / ACTIVATIONS,
    )
    return body if body.fits(model.processor.encode(texts)) else None


def _probe(
    model: EndModel,
    rows: TrainingSet,
    settings: TrainConfig,
    narrator: Narrator,
    cache: Path | None,
) -> None:
    """The head alone first, so that its first steps do not distort the body."""
    alone = {
        "strategy": "head",
        "probe_epochs": 0,
        "num_train_epochs": settings.probe_epochs,
        "max_steps": -1,
        "layer_lr_decay": 1.0,
    }
    fine_tune(
        model,
        rows,
        settings.model_copy(update=alone),
        title="Training the head",
        narrator=narrator,
        cache=cache,
    )


def _depths(model: EndModel, settings: TrainConfig) -> dict[str, int]:
    if settings.layer_lr_decay == 1.0:
        return {}
    if settings.strategy not in STRATEGIES:
        raise ConfigError(
            f"train.layer_lr_decay goes with {', '.join(STRATEGIES)}, not with "
            f"{settings.strategy!r}, whose parameters lie beside the layers. Leave it at 1."
        )
    return Anatomy.of(model.model).depths()


def _sorted_by_length(model: EndModel, rows: TrainingSet, body: FrozenBody | None) -> EncodedRows:
    lengths = EncodedRows(model.processor, rows).lengths
    order = np.argsort([-length for length in lengths], kind="stable")
    return EncodedRows(model.processor, rows.take(order), body)


def _scores(prediction: EvalPrediction) -> dict[str, float]:
    logits, targets = np.asarray(prediction.predictions), np.asarray(prediction.label_ids)
    predicted, gold = logits.argmax(axis=1), targets.argmax(axis=1)
    return {
        "macro_f1": float(f1_score(gold, predicted, average="macro", zero_division=0)),
        "accuracy": float(accuracy_score(gold, predicted)),
    }


def _total_steps(rows: int, settings: TrainConfig) -> int:
    if settings.max_steps > 0:
        return settings.max_steps
    return math.ceil(math.ceil(rows / _rows_a_step(rows, settings)) * settings.num_train_epochs)


def _rows_a_step(rows: int, settings: TrainConfig) -> int:
    batch = settings.per_device_train_batch_size * settings.gradient_accumulation_steps
    return min(batch * world_size(), rows)


def _refuse_broken_loss(loss: float, settings: TrainConfig) -> None:
    if not math.isfinite(loss):
        raise DataError(
            f"The training loss became {loss}. Lower train.learning_rate (now "
            f"{settings.learning_rate:g}) or set train.bf16 = false."
        )


def _evaluation_seconds(trainer: NoiseAwareTrainer) -> float:
    return float(sum(entry.get("eval_runtime", 0.0) for entry in trainer.state.log_history))


def _best_epoch(trainer: NoiseAwareTrainer) -> float | None:
    best = trainer.state.best_global_step
    epochs = [
        e["epoch"] for e in trainer.state.log_history if e.get("step") == best and "epoch" in e
    ]
    return float(epochs[0]) if epochs else None
