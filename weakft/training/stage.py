"""One stage of training that survives an interruption: the same inputs go on where they stopped."""

import hashlib
import json
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers.trainer import TRAINER_STATE_NAME

from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.files import give_default_mode, sync
from weakft.runs import inventory
from weakft.training.precision import uses_bf16
from weakft.training.rows import TrainingSet

COMPLETE = "complete"
EXTRAS = "weakft.safetensors"
ABOUT, MODEL = "done.json", "model"
WORTH_KEEPING = 60  # seconds; a shorter stage is as well done again

Tensors = dict[str, torch.Tensor]


class Stage:
    """The folder of one stage, named by a hash of all that decides its outcome.

    Args:
        folder: None: nothing is kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    @classmethod
    def of(
        cls,
        root: Path | None,
        model: EndModel,
        rows: TrainingSet,
        valid: TrainingSet | None,
        settings: TrainConfig,
        averaged: float = 0.0,
    ) -> "Stage":
        """The stage that trains this model on these rows with these settings."""
        if root is None:
            return cls(None)
        digest = hashlib.blake2b(digest_size=16)
        digest.update(f"{torch.__version__} {transformers.__version__}".encode())
        digest.update(f"{settings.model_dump_json()} bf16 {uses_bf16(settings)}".encode())
        digest.update(f"averaged {averaged}".encode())
        digest.update(f"{model.classes} {model.processor.max_length}".encode())
        for part in (rows, valid):
            if part is not None:
                digest.update("\0".join(part.texts).encode("utf-8", "surrogatepass"))
                digest.update(np.ascontiguousarray(part.probs).tobytes())
                digest.update(np.ascontiguousarray(part.weights).tobytes())
        for name, values in model.model.state_dict().items():
            digest.update(name.encode())
            digest.update(values.cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        return cls(root / digest.hexdigest())

    def newest(self) -> str | None:
        """The newest checkpoint that is what it was when it was complete, as is the best so far."""
        if self.folder is None or not self.folder.exists():
            return None
        marked = self.folder.glob(f"checkpoint-*/{COMPLETE}")
        intact = [mark.parent for mark in marked if _is_intact(mark, mark.parent)]
        for checkpoint in sorted(intact, key=_step, reverse=True):
            best = _best(checkpoint)
            if best is None or self.folder / best in intact:
                return str(checkpoint)
        return None

    def finished(self, model: EndModel) -> dict[str, Any] | None:
        """What `finish` was told, the model as it was then; None: the stage is not done."""
        if self.folder is None or not _is_intact(self.folder / ABOUT, self.folder / MODEL):
            return None
        finished = EndModel.load(self.folder / MODEL)
        model.model, model.processor, model.body = finished.model, finished.processor, None
        about: dict[str, Any] = json.loads((self.folder / ABOUT).read_text())["about"]
        return about

    def finish(self, model: EndModel, about: dict[str, Any], seconds: float) -> None:
        """Keep the outcome of a long stage; of a short one nothing."""
        if self.folder is None:
            return
        if seconds < WORTH_KEEPING:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        model.save(self.folder / MODEL)
        _publish(self.folder / ABOUT, self.folder / MODEL, about)
        for checkpoint in self.folder.glob("checkpoint-*"):
            shutil.rmtree(checkpoint)


def complete(checkpoint: Path, extras: Tensors) -> None:
    """Add what transformers does not save, sync everything, and mark the checkpoint complete."""
    save_file({name: values.contiguous() for name, values in extras.items()}, checkpoint / EXTRAS)
    give_default_mode(*checkpoint.glob("*.safetensors"))
    for file in checkpoint.iterdir():
        sync(file)
    _publish(checkpoint / COMPLETE, checkpoint)


def extras_of(checkpoint: str) -> Tensors:
    """What `complete` added."""
    extras: Tensors = load_file(Path(checkpoint) / EXTRAS)
    return extras


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.split("-")[1])


def _best(checkpoint: Path) -> str | None:
    """Name of the checkpoint that scored best until this one; None where nothing was scored."""
    state = json.loads((checkpoint / TRAINER_STATE_NAME).read_text())
    best = state["best_model_checkpoint"]
    return None if best is None else Path(best).name


def _publish(file: Path, folder: Path, about: Mapping[str, Any] | None = None) -> None:
    """Write a mark that a folder is complete, with its checksums."""
    content = json.dumps({"files": inventory(folder), "about": about})
    unfinished = file.with_suffix(".tmp")
    unfinished.write_text(content)
    sync(unfinished)
    unfinished.replace(file)


def _is_intact(mark: Path, folder: Path) -> bool:
    """Whether a folder is what it was when it was marked complete."""
    try:
        wanted = json.loads(mark.read_bytes())["files"]
        found = inventory(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    found.pop(mark.name, None)
    return bool(wanted == found)


@contextmanager
def deferred_signals() -> Iterator[Callable[[], bool]]:
    """SIGTERM and Ctrl-C wait for the block's end; the second of them does not.

    Yields:
        Whether one is waiting.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    waiting: list[tuple[int, FrameType | None]] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def arrived(number: int, frame: FrameType | None) -> None:
        if waiting:
            _restore(before)
            signal.raise_signal(number)
        waiting.append((number, frame))

    for number in before:
        signal.signal(number, arrived)
    try:
        yield lambda: bool(waiting)
    finally:
        _restore(before)
    if waiting:
        signal.raise_signal(waiting[0][0])


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
