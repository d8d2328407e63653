"""Fine-tune one end model on one training set."""

import copy
import gc
import math
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import PrinterCallback, ProgressCallback, TrainerState

from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.errors import DataError, TrainingDiverged
from weakft.narration import SILENCE, Narrator
from weakft.ranks import leads, led, rank, shards, world_size
from weakft.seeding import preserved_random_state
from weakft.training.arguments import device_of, training_arguments
from weakft.training.callbacks import CheckpointCallback, StepCallback
from weakft.training.cpu import quick_steps
from weakft.training.encoded import EncodedRows, as_it_is, longest_first
from weakft.training.epochs import best_epoch, scores, seconds_of_scoring
from weakft.training.head_start import start_head
from weakft.training.network import Network
from weakft.training.packing import packed_where_asked
from weakft.training.reporting import reporters
from weakft.training.rows import TrainingSet
from weakft.training.sharding import refuse_what_ranks_cannot_do
from weakft.training.stage import Stage, deferred_signals
from weakft.training.steps import Steps
from weakft.training.trainer import NoiseAwareTrainer

STEPS_A_LOSS = 5
UNFINISHED = "unfinished"


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
    averaged: float = 0.0,
    title: str = "Fine-tuning",
    narrator: Narrator = SILENCE,
    cache: Path | None = None,
) -> FineTuned:
    """Train the model in place as `settings` say; keep the best checkpoint by valid.

    Args:
        model: where to start; changed in place. A new head starts as the best linear one.
        rows: what to learn from.
        settings: `[train]`; names are those of TrainingArguments.
        valid: gold rows that choose among the epochs; without, the last epoch stands.
        averaged: the last share of the steps, in [0, 1], whose weights are averaged; 0: none.
        title: of the progress bar.
        narrator: told of the progress.
        cache: folder where what frozen layers make of a text is kept, and the state of a stage
            that is interrupted: called again with the same arguments, it goes on from there.
            Of several ranks none keeps a state.

    Raises:
        ConfigError: the strategy cannot be had, or not for this model.
        DataError: the device does not hold one row.
        TrainingDiverged: the loss became NaN or infinite.
    """
    refuse_what_ranks_cannot_do(settings)
    return _Work(model, rows, settings, valid, averaged, title, narrator, cache).done()


@dataclass(frozen=True)
class _Work:
    """One training, from a model and rows to the same model, trained."""

    model: EndModel
    rows: TrainingSet
    settings: TrainConfig
    valid: TrainingSet | None
    averaged: float
    title: str
    narrator: Narrator
    cache: Path | None

    def done(self) -> FineTuned:
        """The outcome, from where an interrupted call left off."""
        start = time.perf_counter()
        stage = self._stage()
        if (about := stage.finished(self.model)) is not None:
            self.model.model.to(device_of(self.settings))  # type: ignore[arg-type]
            self.narrator.say(f"{self.title}: done before the interruption.")
            return FineTuned(model=self.model, **about)
        if self.model.head_is_new:
            start_head(self.model, self.rows, self.settings)
        spare, processor = copy.deepcopy(self.model.model), self.model.processor
        try:
            about = self._trained(stage)
        except torch.OutOfMemoryError as error:
            about, smaller = None, self._in_smaller_batches(error)
        if about is None:  # out of the except block, which holds on to what the memory is full of
            gc.collect()
            self.model.model, self.model.processor = spare, processor
            return smaller.done()
        if self.model.body is not None and not self.model.body.first_token_only:
            self.model.body = None  # a copy of the rows in every model would fill the memory
        about["seconds"] = time.perf_counter() - start
        stage.finish(self.model, about, about["seconds"])
        return FineTuned(model=self.model, **about)

    def _stage(self) -> Stage:
        several_ranks = world_size() > 1 or shards()
        unfinished = None if self.cache is None or several_ranks else self.cache / UNFINISHED
        settings = self.settings
        return Stage.of(unfinished, self.model, self.rows, self.valid, settings, self.averaged)

    def _in_smaller_batches(self, error: torch.OutOfMemoryError) -> "_Work":
        """Half the rows at once, twice the parts of a step: the weights come out the same."""
        settings = self.settings
        batch = settings.per_device_train_batch_size
        if batch == 1:
            raise DataError(
                "The device's memory does not hold one row. Lower train.max_length (now "
                f"{settings.max_length}), or take a smaller train.model. {error}"
            ) from error
        self.narrator.say(
            f"Out of memory with {batch} rows at once; going on with {batch // 2}. The steps stay "
            "the same."
        )
        update = {
            "per_device_train_batch_size": batch // 2,
            "gradient_accumulation_steps": settings.gradient_accumulation_steps * 2,
            "per_device_eval_batch_size": max(settings.per_device_eval_batch_size // 2, 1),
        }
        return replace(self, settings=settings.model_copy(update=update))

    def _trained(self, stage: Stage) -> dict[str, Any]:
        """Train; what there is to say of it."""
        settings = self.settings
        network = Network.of(self.model, settings, self.averaged)
        processor = self.model.processor
        texts = self.rows.texts if self.valid is None else (*self.rows.texts, *self.valid.texts)
        self.model.body = body = network.frozen_body(texts, self.cache)
        rows = EncodedRows(processor, self.rows, body)
        judges = None if self.valid is None else longest_first(processor, self.valid, body)
        steps = Steps.of(len(rows), settings)
        with (
            led(lambda: tempfile.TemporaryDirectory(prefix="weakft-")) as scratch,
            preserved_random_state(settings.seed),
            nullcontext(lambda: False) if stage.folder is None else deferred_signals() as stopping,
            nullcontext() if body is None else body.recalled(),
            quick_steps(self.model.model, settings.seed, rank()) as reseed,
            packed_where_asked(self.model, rows, settings, self.narrator),
            self.narrator.task(self.title, total=steps.total * steps.rows, unit="rows") as advance,
        ):
            trainer = self._trainer(network, rows, judges, stage.folder or Path(scratch))
            before = [
                lambda _: network.averaging.begin(),
                lambda state: network.at(state.global_step / max(state.max_steps, 1)),
                lambda state: reseed(state.global_step),
            ]
            after = [
                lambda _: advance(steps.rows),
                lambda state: network.averaging.add(state.max_steps),
                lambda state: self._tell_loss(trainer, state),
            ]
            trainer.add_callback(StepCallback(before=before, after=after))
            if stage.folder is not None:
                trainer.add_callback(CheckpointCallback(stopping))
            output = trainer.train(resume_from_checkpoint=stage.newest())
            if judges is None:
                network.averaging.adopt()
            _refuse_broken_loss(output.training_loss, settings)
            network.finish()
        seconds = float(output.metrics["train_runtime"]) - seconds_of_scoring(trainer.state)
        return {
            "rows": len(rows),
            "examples_per_second": len(rows) * (trainer.state.epoch or 0) / max(seconds, 1e-9),
            "best_epoch": None if judges is None else best_epoch(trainer.state),
        }

    def _trainer(
        self, network: Network, rows: EncodedRows, judges: EncodedRows | None, folder: Path
    ) -> NoiseAwareTrainer:
        settings = self.settings
        trainer = NoiseAwareTrainer(
            texts=self.rows.texts,
            body=self.model.body,
            averaging=network.averaging,
            model=network.trained,
            args=training_arguments(
                settings, folder, has_valid=judges is not None, title=self.title
            ),
            train_dataset=rows,
            eval_dataset=judges,
            data_collator=as_it_is,
            processing_class=self.model.processor.saved,
            compute_metrics=scores,
            callbacks=reporters(settings, self.title, self.cache) if leads() else None,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.remove_callback(ProgressCallback)
        return trainer

    def _tell_loss(self, trainer: NoiseAwareTrainer, state: TrainerState) -> None:
        if state.global_step % STEPS_A_LOSS == 0:
            self.narrator.loss(state.global_step, trainer.last_loss())


def _refuse_broken_loss(loss: float, settings: TrainConfig) -> None:
    if not math.isfinite(loss):
        raise TrainingDiverged(
            f"The training loss became {loss}. Lower train.learning_rate (now "
            f"{settings.learning_rate:g}) or set train.bf16 = false."
        )
