"""How fast is fine-tuning on a GPU? A base-size BERT against transformers' Trainer.

    python -m benchmarks.gpu                         one GPU, minutes
    python -m benchmarks.gpu --rows 64 --layers 1    does it run? on a CPU too; keeps nothing

BERT-base with random weights (speed does not ask what they are) and attention without dropout,
which batches without padding cannot have, on reviews of one to eight sentences of the demo, 128
tokens at most; one epoch of the same rows. Trainer as it comes; Trainer tuned: bf16, 128 rows a
step, grouped by length; weakft's defaults with 128 rows a step, with padding and without. In
turns, in one process; printed are medians, and the median of ratios of neighbours in time. Useful
operations are 6 per weight of the layers and token that is no padding, as a share of what a
product of bf16 matrices reaches in the same run. Where a batch without padding has another
outcome than with it, weakft pads and says so.
"""

import argparse
import platform
import time
from statistics import median

import numpy as np
import torch
from transformers import BertConfig, BertForSequenceClassification

from benchmarks.readme import ROOT, markdown_table, replace_block, save
from benchmarks.throughput import plain
from weakft.cli.console import TerminalNarrator
from weakft.config import TrainConfig
from weakft.dataset import read_dataset
from weakft.end_model import EndModel
from weakft.processors import TextProcessor
from weakft.project import Project
from weakft.runs import Json
from weakft.training import TrainingSet, fine_tune

TURNS = 3
ROWS = 20_000
STEP = 128
MAX_LENGTH = 128
MOST_SENTENCES = 8
CLASSES = ("negative", "neutral", "positive")
MATRIX = 8192
TUNED = {
    "per_device_train_batch_size": STEP,
    "bf16": True,
    "train_sampling_strategy": "group_by_length",
}
ARMS = {
    "plain": "Trainer as it comes: 8 rows a step, float32",
    "tuned": "Trainer tuned: 128 rows a step, bf16, grouped by length",
    "weakft": "weakft",
    "packed": "**weakft, `packed = true`**",
}


def main() -> None:
    """Train in turns; print the speeds, the ratios and the share of the peak."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, help=f"{ROWS:,} on a GPU, none without one")
    parser.add_argument("--layers", type=int, default=12)
    arguments = parser.parse_args()
    on_gpu = torch.cuda.is_available()
    if not on_gpu and arguments.rows is None:
        print(
            "No CUDA GPU is here: nothing measured. With --rows 64 --layers 1 it runs all the same."
        )
        return
    device = torch.cuda.get_device_name() if on_gpu else platform.machine()
    rows = reviews(arguments.rows or ROWS)
    for arm in ARMS:  # kernels are loaded, and timed by those who choose among them
        train(arm, new_model(arguments.layers), rows.take(np.arange(min(len(rows), 2 * STEP))))
    runs: dict[str, list[float]] = {arm: [] for arm in ARMS}
    for turn in range(TURNS):
        for arm in ARMS:
            model = new_model(arguments.layers)
            start = time.perf_counter()
            train(arm, model, rows)
            runs[arm].append(time.perf_counter() - start)
            print(turn, arm, f"{len(rows) / runs[arm][-1]:,.0f} rows a second", flush=True)
    results = {
        "device": device,
        "rows": len(rows),
        "operations": operations(new_model(arguments.layers), rows),
        "product": matrix_product("cuda" if on_gpu else "cpu"),
        "seconds": runs,
    }
    table = gpu_table(results)
    print(table)
    if on_gpu and arguments == parser.parse_args([]):
        save("gpu", results)
        replace_block("gpu", table)


def train(arm: str, model: EndModel, rows: TrainingSet) -> None:
    """One epoch."""
    if arm in ("weakft", "packed"):
        settings = TrainConfig(
            max_length=MAX_LENGTH,
            packed=arm == "packed",
            num_train_epochs=1,
            per_device_train_batch_size=STEP,
        )
        fine_tune(model, rows, settings, narrator=TerminalNarrator())
        return
    plain(model, rows, **(TUNED if arm == "tuned" else {}))


def new_model(layers: int) -> EndModel:
    """BERT of base width, the same each time; the tokenizer is the default model's."""
    tokenizer = EndModel.from_pretrained("default", CLASSES, max_length=MAX_LENGTH, seed=0)
    torch.manual_seed(0)
    config = BertConfig(
        num_hidden_layers=layers,
        attention_probs_dropout_prob=0.0,
        id2label=dict(enumerate(CLASSES)),
    )
    processor = TextProcessor(tokenizer.processor.saved, MAX_LENGTH)
    return EndModel(BertForSequenceClassification(config), processor)


def reviews(count: int) -> TrainingSet:
    """One to eight sentences each."""
    project = Project.open(ROOT)
    sentences = read_dataset(project.config, project.root)["train"].texts
    rng = np.random.default_rng(0)
    texts = [
        " ".join(sentences[int(at)] for at in rng.integers(len(sentences), size=size))
        for size in rng.integers(1, MOST_SENTENCES + 1, size=count)
    ]
    return TrainingSet.from_gold(texts, rng.integers(len(CLASSES), size=count), len(CLASSES))


def operations(model: EndModel, rows: TrainingSet) -> int:
    """Of an epoch, on tokens that are no padding; those between tokens are not counted."""
    tokens = sum(len(ids) for ids in model.processor.encode(rows.texts))
    weights = sum(p.numel() for p in model.model.bert.encoder.parameters())
    return 6 * tokens * weights


def matrix_product(device: str) -> float:
    """Operations a second of a product of two bf16 matrices, the best of ten."""
    size = MATRIX if device == "cuda" else MATRIX // 8
    a, b = torch.randn(2, size, size, device=device, dtype=torch.bfloat16)
    seconds = []
    for _ in range(10):
        start = time.perf_counter()
        product = a @ b
        float(product[0, 0])  # waits for it
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds)


def gpu_table(results: Json) -> str:
    """Medians over the turns."""
    lines = []
    for arm, name in ARMS.items():
        seconds, ours = results["seconds"][arm], results["seconds"]["packed"]
        times = median(one / other for one, other in zip(seconds, ours, strict=True))
        share = results["operations"] / median(seconds) / results["product"]
        lines.append(
            [
                name,
                f"{results['rows'] / median(seconds):,.0f}",
                f"{share:.0%}",
                "" if arm == "packed" else f"{times:.1f}x",
            ]
        )
    header = [
        f"BERT-base on {results['device']}",
        "rows a second",
        "of peak",
        "the last is faster by",
    ]
    return markdown_table(header, lines)


if __name__ == "__main__":
    main()
