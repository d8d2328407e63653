"""An end model as ONNX, for onnxruntime: with its tokenizer and labels, and checked."""

import json
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer

from weakft.end_model import EndModel
from weakft.errors import ConfigError, DataError
from weakft.files import explained, give_default_mode, sole_writer
from weakft.processors import ImageProcessor, TextProcessor

PACKAGES = ("onnx", "onnxruntime", "onnxscript")
TOLERANCE = 1e-3  # of a logit
CHECKED = 16  # rows
LABELS = "labels.json"

Feed = Mapping[str, npt.NDArray[Any]]
Logits = npt.NDArray[np.float32]


@dataclass(frozen=True)
class ExportedModel:
    """What `export_onnx` wrote.

    Attributes:
        files: the model; `tokenizer.json`, or for images `preprocessor_config.json`; and
            `labels.json`, the class names in the order of the logits.
        checked: rows on which PyTorch and onnxruntime were compared.
        difference: the largest between their logits.
    """

    files: tuple[Path, ...]
    checked: int
    difference: float


def export_onnx(model: Path, target: Path, rows: Sequence[str]) -> ExportedModel:
    """Write an end model as ONNX; rows and tokens may be of any number.

    The inputs are those of the model (`input_ids`, `attention_mask`, `token_type_ids` where they
    are not always 0, or `pixel_values`), the output is `logits`, [b, k]. `tokenizer.json` cuts and
    pads as the model wants it. What
    onnxruntime then makes of some rows, tokenizer included, is compared with PyTorch.

    Args:
        model: folder of an end model.
        target: the `.onnx` file; the others are written beside it.
        rows: one or more texts, or paths of images, to compare on; some of all lengths are taken.

    Raises:
        ConfigError: a package of the extra `onnx` is missing.
        ModelNotFound: the folder holds no end model.
        DataError: the model cannot be exported, its logits differ by more than 1e-3, or the
            target cannot be written. No file is left then.
        LockedError: another process exports a model to the target's folder.
    """
    _refuse_missing_packages()
    if target.suffix != ".onnx" or not target.parent.is_dir():
        raise DataError(f"{target}: wanted a file ending in .onnx in a folder that exists.")
    loaded = EndModel.load(model)
    loaded.model.train(False)
    sample = spread(rows, CHECKED)
    with sole_writer(target.with_name(LABELS)), explained(target):
        with tempfile.TemporaryDirectory(prefix=_prefix(target), dir=target.parent) as folder:
            staged = Path(folder)
            written = [staged / target.name, _write_processor(loaded, staged)]
            labels = json.dumps(list(loaded.classes), ensure_ascii=False)
            (staged / LABELS).write_text(labels + "\n", encoding="utf-8")
            _export(loaded, sample, written[0])
            difference = _difference(loaded, sample, *written)
            if not difference <= TOLERANCE:
                raise DataError(
                    f"{target} was not written: on {len(sample)} rows onnxruntime's logits differ "
                    f"from PyTorch's by up to {difference:.3g}, wanted {TOLERANCE:g} at most."
                )
            files = [*written[1:], staged / LABELS, written[0]]
            give_default_mode(*files)
            placed = [file.replace(target.with_name(file.name)) for file in files]
    return ExportedModel((placed[-1], *placed[:-1]), len(sample), difference)


def _prefix(target: Path) -> str:
    return f".{target.name}.partial-{os.getpid()}-"


def spread(rows: Sequence[str], count: int) -> list[str]:
    """So many of the rows, from the shortest to the longest; all where there are not as many.

    Example:
        >>> spread(["aaaa", "a", "aaa", "aa", "aaaaa"], 3)
        ['a', 'aaa', 'aaaaa']
    """
    ordered = sorted(rows, key=len)
    positions = np.unique(np.linspace(0, len(ordered) - 1, count).round().astype(int))
    return [ordered[position] for position in positions]


class _LogitsOf(torch.nn.Module):
    """A model whose inputs come by position, and whose output is a tensor.

    Args:
        network: a classifier.
        names: of the inputs, in their order.
        zeros: names of inputs that are always 0, and are made here.
    """

    def __init__(
        self, network: torch.nn.Module, names: Sequence[str], zeros: Sequence[str]
    ) -> None:
        super().__init__()
        self.network = network
        self.names = names
        self.zeros = zeros

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """[b, k] logits."""
        named = dict(zip(self.names, inputs, strict=True))
        named |= {name: torch.zeros_like(inputs[0]) for name in self.zeros}
        logits: torch.Tensor = self.network(**named).logits
        return logits


def _export(loaded: EndModel, sample: Sequence[str], path: Path) -> None:
    rows = [sample[0], sample[-1]]  # two, padded, so that neither axis is taken for constant
    batch = loaded.processor.batch(loaded.processor.encode(rows))
    axes: dict[int, Any] = {0: torch.export.Dim("batch")}
    zeros: list[str] = []
    if isinstance(loaded.processor, TextProcessor):
        axes[1] = torch.export.Dim("sequence")
        types = loaded.processor.token_types
        zeros = ["token_type_ids"] if types is not None and types.constant else []
    batch = {name: part for name, part in batch.items() if name not in zeros}
    try:
        with torch.no_grad(), _quiet():
            torch.onnx.export(
                _LogitsOf(loaded.model, list(batch), zeros).train(False),
                tuple(batch.values()),
                path,
                input_names=list(batch),
                output_names=["logits"],
                dynamic_shapes=(tuple(axes for _ in batch),),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()
        raise DataError(
            f"This model cannot be written as ONNX: {type(error).__name__}: "
            f"{reason[0] if reason else 'no reason given'}."
        ) from error


def _write_processor(loaded: EndModel, folder: Path) -> Path:
    processor, saved = loaded.processor, loaded.processor.saved
    if not isinstance(processor, TextProcessor):
        saved.save_pretrained(folder)
        return folder / "preprocessor_config.json"
    if not saved.is_fast:
        raise DataError(
            f"The tokenizer {type(saved).__name__} has no form for use without transformers "
            "(tokenizer.json). Train a model with a fast tokenizer."
        )
    tokenizer = Tokenizer.from_str(saved.backend_tokenizer.to_str())
    processor.cut_and_pad(tokenizer)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


def _difference(loaded: EndModel, sample: Sequence[str], model: Path, processor: Path) -> float:
    """The largest between the logits, for the sample as one batch and for its last row alone."""
    import onnxruntime

    running = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    names = [entry.name for entry in running.get_inputs()]
    largest = 0.0
    for rows in (list(sample), [sample[-1]]):
        feed = _feed(loaded, rows, processor)
        (logits,) = running.run(["logits"], {name: feed[name] for name in names})
        difference = np.abs(logits - _logits(loaded, rows)).max()
        largest = max(largest, float(difference)) if np.isfinite(difference) else float("nan")
    return largest


def _feed(loaded: EndModel, rows: Sequence[str], processor: Path) -> Feed:
    if isinstance(loaded.processor, ImageProcessor):
        batch = loaded.processor.batch(loaded.processor.encode(rows))
        return {name: part.numpy() for name, part in batch.items()}
    encoded = Tokenizer.from_file(str(processor)).encode_batch(list(rows))
    return {
        "input_ids": np.array([entry.ids for entry in encoded], dtype=np.int64),
        "attention_mask": np.array([entry.attention_mask for entry in encoded], dtype=np.int64),
        "token_type_ids": np.array([entry.type_ids for entry in encoded], dtype=np.int64),
    }


def _logits(loaded: EndModel, rows: Sequence[str]) -> Logits:
    batch = loaded.processor.batch(loaded.processor.encode(rows))
    with torch.inference_mode():
        logits: Logits = loaded.model(**batch).logits.float().numpy()
    return logits


def _refuse_missing_packages() -> None:
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise ConfigError(
            f"Exporting to ONNX wants the package {missing[0]}, which is not installed: "
            "pip install 'weakft[onnx]'."
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks on packages and axes, which ask for nothing."""
    log = logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)
