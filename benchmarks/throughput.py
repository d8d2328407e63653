"""How fast is fine-tuning? Against a plain Trainer with its defaults, same rows and epochs.

    python -m benchmarks.throughput

Both train MiniLM on the covered sentences of the reviews project with the label model's most
probable class (a plain Trainer takes no soft labels), in turns, in one process. A ratio is one
of neighbours in time; printed are the median and the range of the ratios.
"""

import tempfile
import time
from statistics import median

import numpy as np
import torch
from sklearn.metrics import f1_score
from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

from benchmarks.readme import ROOT, markdown_table, replace_block, save
from weakft.config import TrainConfig
from weakft.dataset import Split, read_dataset
from weakft.end_model import EndModel
from weakft.label_models import make_label_model
from weakft.narration import SILENCE
from weakft.pipeline.voting import cast_votes
from weakft.project import Project
from weakft.training import TrainingSet, fine_tune

PAIRS = 3
EPOCHS = 1


def main() -> None:
    """Train in turns, print the ratios, the speeds and the scores."""
    project = Project.open(ROOT)
    data = read_dataset(project.config, project.root)
    L = cast_votes(project, data, SILENCE)["train"]
    probs = make_label_model("one_coin", len(project.config.classes)).fit(L).predict_proba(L)
    covered = np.flatnonzero(L.covered)
    rows = TrainingSet.from_gold(
        [data["train"].texts[row] for row in covered],
        probs[covered].argmax(axis=1),
        len(project.config.classes),
    )
    plain, ours = [], []
    for number in range(PAIRS):
        plain.append(plain_trainer(project, rows, data["test"]))
        ours.append(weakft_trainer(project, rows, data["test"]))
        print(f"pair {number + 1}: plain {plain[-1]}, weakft {ours[-1]}", flush=True)
    ratios = [w["rows_per_second"] / p["rows_per_second"] for p, w in zip(plain, ours, strict=True)]
    save("throughput", {"plain": plain, "weakft": ours, "ratios": ratios})
    table = throughput_table(plain, ours, ratios)
    print(table)
    replace_block("throughput", table)


def plain_trainer(project: Project, rows: TrainingSet, test: Split) -> dict[str, float]:
    """Transformers' Trainer as it comes: batches of 8, float32, random order."""
    model = new_model(project)
    labels = rows.probs.argmax(axis=1)
    encoded = [
        {"input_ids": ids, "labels": int(label)}
        for ids, label in zip(model.encode(rows.texts), labels, strict=True)
    ]
    with tempfile.TemporaryDirectory() as scratch:
        trainer = Trainer(
            model=model.model,
            args=TrainingArguments(
                scratch, num_train_epochs=EPOCHS, save_strategy="no", disable_tqdm=True
            ),
            train_dataset=encoded,  # type: ignore[arg-type]
            data_collator=DataCollatorWithPadding(model.tokenizer),
        )
        start = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - start
    return _outcome(model, len(rows), seconds, test)


def weakft_trainer(project: Project, rows: TrainingSet, test: Split) -> dict[str, float]:
    """Weakft's defaults: batches of 32 of like lengths, bf16 where the machine has it."""
    model = new_model(project)
    settings = TrainConfig(max_length=project.config.train.max_length, num_train_epochs=EPOCHS)
    start = time.perf_counter()
    fine_tune(model, rows, settings)
    return _outcome(model, len(rows), time.perf_counter() - start, test)


def new_model(project: Project) -> EndModel:
    """The same start for both."""
    config = project.config
    return EndModel.from_pretrained(
        "default", config.classes, max_length=config.train.max_length, seed=0
    )


def throughput_table(
    plain: list[dict[str, float]], ours: list[dict[str, float]], ratios: list[float]
) -> str:
    """Medians over the pairs."""

    def row(name: str, runs: list[dict[str, float]]) -> list[str]:
        speed = median(r["rows_per_second"] for r in runs)
        return [name, f"{speed:.0f}", f"{median(r['macro_f1'] for r in runs):.3f}"]

    ratio = f"**{median(ratios):.1f}x** ({min(ratios):.1f} to {max(ratios):.1f})"
    return markdown_table(
        ["", "rows a second", "test macro-F1", "ratio"],
        [[*row("plain Trainer, its defaults", plain), "1x"], [*row("weakft", ours), ratio]],
    )


def _outcome(model: EndModel, rows: int, seconds: float, test: Split) -> dict[str, float]:
    predicted = model.predict_proba(test.texts).argmax(axis=1)
    return {
        "rows_per_second": round(rows * EPOCHS / seconds, 1),
        "macro_f1": round(float(f1_score(test.gold, predicted, average="macro")), 4),
        "threads": torch.get_num_threads(),
    }


if __name__ == "__main__":
    main()
