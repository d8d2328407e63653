"""Rules of thumb about images, and a small CNN that has seen other ones.

    python -m benchmarks.images            the figures of the README
    python -m benchmarks.images digits     and the project, in that folder

Scikit-learn's handwritten digits (Alpaydin and Kaynak, UCI, 1998). A ResNet of two stages is
trained on the digits from zero to four, and fine-tuned on five to nine by the rules of
labeling/digits.py and 25 gold rows.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from sklearn.datasets import load_digits
from transformers import ResNetConfig, ResNetForImageClassification
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from benchmarks.readme import ROOT, markdown_table, replace_block, save
from weakft.cli.console import TerminalNarrator
from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.pipeline import run
from weakft.project import Project
from weakft.training import TrainingSet, fine_tune

NAMES = ("five", "six", "seven", "eight", "nine")
SIDE = 16
GOLD_A_CLASS = 5
TEST_ROWS = 300
SEEDS = (0, 1, 2)
TOML = """
[project]
name = "digits"
task = "image"
classes = ["five", "six", "seven", "eight", "nine"]

[data]
train = "train.csv"
dev = "dev.csv"
test = "test.csv"

[labeling]
modules = ["digits.py"]

[train]
model = "small-cnn"
learning_rate = 3e-3
num_train_epochs = 8

[evaluate]
train_gold = "train_gold.csv"
rivals = ["majority_vote", "gold_only", "all_gold"]
"""
COLUMNS = {
    "majority_vote": "majority vote",
    "weak_only": "weak labels alone",
    "gold_only": "gold alone",
    "end_model": "**weak + gold**",
    "all_gold": "all of train's gold",
}


def main() -> None:
    """Make the project, run it, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="new; default: none is kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch) / "digits"
        make_project(folder)
        runs = []
        for seed in SEEDS:
            project = Project.open(folder, [f"train.seed={seed}"])
            _, summary = run(project, TerminalNarrator())
            metrics = summary["metrics"]
            models = {"end_model": metrics["end_model"], **metrics["rivals"]}
            runs.append({name: model["test"]["macro_f1"] for name, model in models.items()})
            print(seed, {name: round(f1["value"], 3) for name, f1 in runs[-1].items()}, flush=True)
    save("images", runs)
    cells = [f"{np.mean([r[name]['value'] for r in runs]):.3f}" for name in COLUMNS]
    table = markdown_table(list(COLUMNS.values()), [cells])
    print(table)
    replace_block("images", table)


def make_project(folder: Path, *, epochs: int = 20) -> None:
    """Images, tables, rules and a CNN trained on the other half of the digits."""
    pixels, digits = load_digits(return_X_y=True)
    images = folder / "images"
    images.mkdir(parents=True)
    paths = np.array([f"images/{row:04}.png" for row in range(len(digits))])
    for path, values in zip(paths, pixels.reshape(-1, 8, 8), strict=True):
        Image.fromarray((values * 255 / 16).astype(np.uint8)).save(folder / path)
    small_cnn(folder, paths[digits < 5], digits[digits < 5], epochs)
    rows = np.random.default_rng(0).permutation(np.flatnonzero(digits >= 5))
    table = pd.DataFrame({"id": [f"digit-{row}" for row in rows], "image": paths[rows]})
    table["label"] = [NAMES[digit - 5] for digit in digits[rows]]
    test, rest = table[:TEST_ROWS], table[TEST_ROWS:]
    dev = rest.groupby("label").head(GOLD_A_CLASS)
    train = rest.drop(dev.index)
    for name, part in {"dev": dev, "test": test, "train_gold": train}.items():
        part.to_csv(folder / f"{name}.csv", index=False)
    train.drop(columns="label").to_csv(folder / "train.csv", index=False)
    shutil.copy(ROOT / "labeling" / "digits.py", folder)
    (folder / "weakft.toml").write_text(TOML)


def small_cnn(folder: Path, paths: np.ndarray, digits: np.ndarray, epochs: int) -> None:
    """A ResNet of two stages that tells zero to four apart."""
    names = ["zero", "one", "two", "three", "four"]
    config = ResNetConfig(
        embedding_size=16,
        hidden_sizes=[16, 32],
        depths=[2, 2],
        layer_type="basic",
        hidden_act="relu",
        id2label=dict(enumerate(names)),
        label2id={name: k for k, name in enumerate(names)},
    )
    processor = ViTImageProcessorPil(
        size={"height": SIDE, "width": SIDE}, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    untrained = folder / "small-cnn"
    torch.manual_seed(0)
    ResNetForImageClassification(config).save_pretrained(untrained)
    processor.save_pretrained(untrained)
    model = EndModel.from_pretrained(str(untrained), names, max_length=1, seed=0, task="image")
    settings = TrainConfig(learning_rate=3e-3, num_train_epochs=epochs)
    rows = TrainingSet.from_gold([str(folder / path) for path in paths], digits, len(names))
    fine_tune(model, rows, settings).model.save(untrained)


if __name__ == "__main__":
    main()
