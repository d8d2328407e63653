"""How fast is fine-tuning? Against transformers' Trainer: same rows, epochs, rows a step and rate.

    python -m benchmarks.throughput

MiniLM on sentences of the reviews project (22 tokens on average) and on texts of 256 tokens made
of them, with the label model's most probable class (a plain Trainer takes no soft labels), in
turns, in one process, each with a seed of its own. A ratio is one of neighbours in time; printed
are the median and the range, of scores the mean and the standard deviation over the seeds.
Useful operations are 6 per weight of the layers and token that is no padding, as a share of what
a product of matrices reaches in the same run, bf16 or fp32, whichever is quicker. Last,
`strategy = "head"` on 10,000 made-up texts: from the LF files to a score, and after an edit to the
next one, what the frozen layers make of a text being kept.

    python -m benchmarks.throughput --head-only
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import numpy as np
import torch
from sklearn.metrics import f1_score
from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

from benchmarks.nightly import edit, make_project
from benchmarks.readme import ROOT, load, markdown_table, replace_block, save
from weakft.config import TrainConfig
from weakft.dataset import Dataset, Split, read_dataset
from weakft.end_model import EndModel
from weakft.label_models import make_label_model
from weakft.narration import SILENCE
from weakft.pipeline.voting import cast_votes
from weakft.project import Project
from weakft.runs import Json
from weakft.training import TrainingSet, fine_tune

TURNS = 3
BATCH = 32
RATE = 1e-4
STEPS = {"per_device_train_batch_size": BATCH, "learning_rate": RATE}
ROWS = {"short": 1920, "long": 192}
MAX_LENGTH = {"short": 64, "long": 256}
SENTENCES = 16  # in a long text, cut at 256 tokens
ARMS = {
    "padded": "Trainer, float32, all padded to the longest allowed",
    "plain": "Trainer, float32, batches padded to their longest",
    "weakft": "weakft",
}
MATRIX = 1024
HEAD_ROWS = 10_000


def main() -> None:
    """Train in turns, print the ratios, the speeds and the scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--head-only", action="store_true")
    if parser.parse_args().head_only:
        results = load("throughput")
    else:
        project = Project.open(ROOT)
        data, rows = covered_rows(project)
        results = {
            kind: in_turns(project, sized(rows, kind), data["test"], kind)
            for kind in ("short", "long")
        }
    results["head"] = kept_states()
    save("throughput", results)
    table = throughput_table(load("throughput"))
    print(table)
    replace_block("throughput", table)


def covered_rows(project: Project) -> tuple[Dataset, TrainingSet]:
    """The demo's rows with a vote, each of its most probable class."""
    data = read_dataset(project.config, project.root)
    L = cast_votes(project, data, SILENCE)["train"]
    probs = make_label_model("one_coin", len(project.config.classes)).fit(L).predict_proba(L)
    covered = np.flatnonzero(L.covered)
    texts = [data["train"].texts[row] for row in covered]
    labels = probs[covered].argmax(axis=1)
    return data, TrainingSet.from_gold(texts, labels, len(project.config.classes))


def sized(rows: TrainingSet, kind: str) -> TrainingSet:
    """Sentences as they are, or long texts made of sentences of one class."""
    if kind == "short":
        return rows.take(np.arange(ROWS[kind]))
    labels = rows.probs.argmax(axis=1)
    rng, texts, chosen = np.random.default_rng(0), [], []
    for _ in range(ROWS[kind]):
        chosen.append(int(rng.integers(len(rows))))
        alike = rng.choice(np.flatnonzero(labels == labels[chosen[-1]]), SENTENCES)
        texts.append(" ".join(rows.texts[int(row)] for row in alike))
    return TrainingSet(tuple(texts), rows.probs[chosen], np.ones(len(texts)))


def in_turns(project: Project, rows: TrainingSet, test: Split, kind: str) -> Json:
    """Speeds and scores of the arms, one after the other, several times."""
    runs: dict[str, list[Json]] = {arm: [] for arm in ARMS}
    products = []
    for turn in range(TURNS):
        products.append(matrix_product())
        for arm in ARMS:
            train: Callable[[EndModel], Any] = {
                "padded": lambda model, seed=turn: plain(
                    model, rows, "max_length", seed=seed, **STEPS
                ),
                "plain": lambda model, seed=turn: plain(model, rows, seed=seed, **STEPS),
                "weakft": lambda model, seed=turn: ours(model, rows, kind, seed),
            }[arm]
            runs[arm].append(timed(project, rows, test, kind, train, turn))
            print(kind, turn, arm, runs[arm][-1], flush=True)
    return {"runs": runs, "product": products}


def timed(
    project: Project,
    rows: TrainingSet,
    test: Split,
    kind: str,
    train: Callable[[EndModel], Any],
    seed: int,
) -> Json:
    """One epoch; rows and useful operations a second, macro-F1 on test."""
    model = new_model(project, kind, seed)
    tokens = sum(len(ids) for ids in model.processor.encode(rows.texts))
    weights = sum(p.numel() for p in model.model.bert.encoder.parameters())  # type: ignore[union-attr]
    start = time.perf_counter()
    train(model)
    seconds = time.perf_counter() - start
    predicted = model.predict_proba(test.texts).argmax(axis=1)
    return {
        "rows_per_second": round(len(rows) / seconds, 1),
        "operations": 6 * weights * tokens / seconds,
        "macro_f1": round(float(f1_score(test.gold, predicted, average="macro")), 4),
    }


def plain(
    model: EndModel,
    rows: TrainingSet,
    padding: str | bool = True,
    **settings: Any,  # noqa: ANN401
) -> None:
    """One epoch of transformers' Trainer as it comes, but for these settings."""
    labels = rows.probs.argmax(axis=1)
    encoded = [
        {"input_ids": ids, "labels": int(label)}
        for ids, label in zip(model.processor.encode(rows.texts), labels, strict=True)
    ]
    with tempfile.TemporaryDirectory() as scratch:
        Trainer(
            model=model.model,
            args=TrainingArguments(
                scratch,
                num_train_epochs=1,
                save_strategy="no",
                disable_tqdm=True,
                use_cpu=not torch.cuda.is_available(),
                **settings,
            ),
            train_dataset=encoded,  # type: ignore[arg-type]
            data_collator=DataCollatorWithPadding(
                model.processor.saved, padding=padding, max_length=model.processor.max_length
            ),
        ).train()


def ours(model: EndModel, rows: TrainingSet, kind: str, seed: int) -> None:
    """Weakft's defaults."""
    settings = TrainConfig(
        max_length=MAX_LENGTH[kind],
        num_train_epochs=1,
        per_device_train_batch_size=BATCH,
        learning_rate=RATE,
        seed=seed,
    )
    fine_tune(model, rows, settings)


def new_model(project: Project, kind: str, seed: int) -> EndModel:
    """The same start for all."""
    classes = project.config.classes
    return EndModel.from_pretrained("default", classes, max_length=MAX_LENGTH[kind], seed=seed)


def matrix_product() -> float:
    """Operations a second of a product of two matrices, the best of ten in bf16 and in fp32."""
    seconds = []
    for dtype in (torch.bfloat16, torch.float32):
        a, b = torch.randn(2, MATRIX, MATRIX).to(dtype)
        for _ in range(10):
            start = time.perf_counter()
            a @ b
            seconds.append(time.perf_counter() - start)
    return 2 * MATRIX**3 / min(seconds)


def kept_states() -> Json:
    """Seconds from the LF files to a new score, the first time and after an LF was edited."""
    seconds, scores = [], []
    with tempfile.TemporaryDirectory() as scratch:
        folder = make_project(Path(scratch) / "project", HEAD_ROWS)
        for change in (lambda: None, lambda: edit(folder, "an LF edited: a pattern")):
            change()
            start = time.perf_counter()
            rows, score = scored_head(folder)
            seconds.append(round(time.perf_counter() - start, 1))
            scores.append(score)
    print("head", rows, seconds, scores, flush=True)
    return {"texts": HEAD_ROWS, "rows": rows, "seconds": seconds, "macro_f1": scores}


def scored_head(folder: Path) -> tuple[int, float]:
    """Votes, labels, three epochs of a head: covered rows, macro-F1 on test."""
    project = Project.open(folder)
    data, classes = read_dataset(project.config, project.root), project.config.classes
    L = cast_votes(project, data, SILENCE)["train"]
    probs = make_label_model("one_coin", len(classes)).fit(L).predict_proba(L)
    texts = tuple(data["train"].texts[row] for row in np.flatnonzero(L.covered))
    rows = TrainingSet(texts, probs[L.covered], np.ones(len(texts)))
    settings = TrainConfig(max_length=64, strategy="head", learning_rate=1e-3)
    model = EndModel.from_pretrained("default", classes, max_length=settings.max_length, seed=0)
    fine_tune(model, rows, settings, cache=folder / ".weakft")
    predicted = model.predict_proba(data["test"].texts).argmax(axis=1)
    return len(rows), round(float(f1_score(data["test"].gold, predicted, average="macro")), 4)


def throughput_table(results: Json) -> str:
    """Medians over the turns."""
    lines = []
    for kind in ("short", "long"):
        runs, products = results[kind]["runs"], results[kind]["product"]
        for arm, name in ARMS.items():
            speeds = [run["rows_per_second"] for run in runs[arm]]
            ratios = [w["rows_per_second"] / p for w, p in zip(runs["weakft"], speeds, strict=True)]
            shares = [r["operations"] / p for r, p in zip(runs[arm], products, strict=True)]
            scores = [run["macro_f1"] for run in runs[arm]]
            ratio = f"{median(ratios):.1f}x ({min(ratios):.1f} to {max(ratios):.1f})"
            lines.append(
                [
                    "sentences" if kind == "short" else "256 tokens",
                    f"**{name}**" if arm == "weakft" else name,
                    f"{median(speeds):.0f}",
                    f"{median(shares):.0%}",
                    f"{mean(scores):.3f} ± {stdev(scores):.3f}",
                    "" if arm == "weakft" else ratio,
                ]
            )
    header = ["texts", "", "rows a second", "of peak", "test macro-F1", "weakft is faster by"]
    head = results["head"]
    first, again = head["seconds"]
    said = (
        f'\n\n`strategy = "head"`, {head["texts"]:,} texts, {head["rows"]:,} of them covered: '
        f"votes, labels, three epochs and a score take {first:.1f} s the first time, "
        f"**{again:.1f} s** after an LF was edited (macro-F1 {head['macro_f1'][1]:.3f})."
    )
    return markdown_table(header, lines) + said


if __name__ == "__main__":
    main()
