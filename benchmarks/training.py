"""Which strategy, which loss? MiniLM on weak labels alone, gold only for the label model.

    python -m benchmarks.training strategies        what learns: everything, the top, the head
    python -m benchmarks.training objectives        losses, selections, regularisers
    python -m benchmarks.training strategies --sets trec --seeds 0 1 2

Half a minute a run on two cores. Soft labels are those of `auto`; at most 2,000 training rows,
max length 64; macro-F1 on valid, which label model and nothing else has seen, and on test. Choose
by valid; test is there to check the choice.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.label_models import SETS, texts_of, votes_of
from benchmarks.readme import RESULTS, ROOT, markdown_table, replace_block, save
from weakft import make_label_model
from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.evaluation.metrics import macro_f1
from weakft.labels import SoftLabels, Votes
from weakft.runs import Json
from weakft.training.strategies import strategy_of
from weakft.training.workshop import Workshop

PARTS: dict[str, dict[str, dict[str, Any]]] = {
    "strategies": {
        "full": {},
        "full, decay .9": {"layer_lr_decay": 0.9},
        "full, probe first": {"probe_epochs": 1},
        "freeze half": {"strategy": "freeze"},
        "gradual": {"strategy": "gradual"},
        "head": {"strategy": "head", "learning_rate": 1e-3},
        "lora": {"strategy": "lora", "learning_rate": 1e-3},
        "ia3": {"strategy": "ia3", "learning_rate": 5e-3},
    },
    "objectives": {
        "soft cross-entropy": {},
        "label smoothing": {"loss": "label_smoothing"},
        "generalised": {"loss": "generalised_cross_entropy"},
        "symmetric": {"loss": "symmetric_cross_entropy"},
        "bootstrapping": {"loss": "bootstrapping"},
        "early learning": {"early_learning": 1.0},
        "MixUp .4": {"mixup": 0.4},
        "confidence weights": {"confidence_weights": True},
        "surest 80 %": {"selection": "confidence"},
        "cut statistic 80 %": {"selection": "cut_statistic"},
        "cut statistic 50 %": {"selection": "cut_statistic", "keep": 0.5},
        "confident learning": {"selection": "confident_learning"},
        "uncovered filled": {"uncovered": "fill"},
        "averaged weights": {"ema": 0.99},
        "self-training": {"self_training": 1},
        "uncovered filled, self-training": {"uncovered": "fill", "self_training": 1},
    },
}

MOST_ROWS = 2000


@dataclass(frozen=True)
class Task:
    """A set with the soft labels of `auto`."""

    classes: tuple[str, ...]
    texts: tuple[str, ...]
    soft: SoftLabels
    votes: Votes
    held_out: Mapping[str, tuple[list[str], Any]]

    @classmethod
    def of(cls, source: Path) -> "Task":
        """Read it; rows are drawn from all of train, covered or not."""
        classes = tuple(json.loads((source / "label.json").read_text()).values())
        L, _ = votes_of(source, "train")
        L_dev, Y_dev = votes_of(source, "valid")
        model = make_label_model("auto", len(classes)).fit(L, Y_dev=Y_dev, L_dev=L_dev)
        texts = texts_of(source, "train")
        rows = np.sort(np.random.default_rng(0).permutation(len(L))[:MOST_ROWS])
        soft = SoftLabels(
            model.predict_proba(L[rows]),
            (L[rows] >= 0).any(axis=1),
            tuple(str(row) for row in rows),
            classes,
        )
        held_out = {s: (texts_of(source, s), votes_of(source, s)[1]) for s in ("valid", "test")}
        return cls(classes, tuple(texts[row] for row in rows), soft, L[rows], held_out)


def main() -> None:
    """Run what was asked for, beside what is known already; print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--only", nargs="+", help="variants")
    arguments = parser.parse_args()
    file = RESULTS / f"training_{arguments.part}.json"
    results: Json = json.loads(file.read_text()) if file.exists() else {}
    for name in arguments.sets:
        task = Task.of(arguments.bench / name)
        for variant, changes in PARTS[arguments.part].items():
            if arguments.only and variant not in arguments.only:
                continue
            for seed in arguments.seeds:
                run = run_once(task, {**changes, "seed": seed})
                results.setdefault(name, {}).setdefault(variant, {})[str(seed)] = run
                print(name, variant, seed, run, flush=True)
        save(f"training_{arguments.part}", results)
    table = training_table(PARTS[arguments.part], results)
    print(table)
    replace_block(f"training-{arguments.part}", table)


def run_once(task: Task, changes: Mapping[str, Any]) -> Json:
    """Fine-tune once; macro-F1 on valid and test, speed, and the share that learns."""
    settings = TrainConfig.model_validate({"max_length": 64, **changes})
    workshop = Workshop(task.classes, settings, task.texts, task.soft, task.votes)
    trained = workshop.weak_model()
    scores = {
        split: macro_f1(gold, trained.model.predict_proba(texts).argmax(axis=1), len(task.classes))
        for split, (texts, gold) in task.held_out.items()
    }
    return {
        **{split: round(score, 4) for split, score in scores.items()},
        "rows_a_second": round(trained.examples_per_second),
        "learning": learning_share(workshop.fresh_model(), settings),
    }


def learning_share(model: EndModel, settings: TrainConfig) -> float:
    """Share of the parameters that learn."""
    network = strategy_of(settings).prepare(model.model)
    sizes = [(p.numel(), p.requires_grad) for p in network.parameters()]
    return round(sum(n for n, free in sizes if free) / sum(n for n, _ in sizes), 4)


def training_table(variants: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    """Variants x sets: macro-F1 on valid / test, mean over seeds; speed."""
    sets = [name for name in SETS if name in results]
    rows = []
    for variant in variants:
        runs = [list(results[name].get(variant, {}).values()) for name in sets]
        if not all(runs):
            continue
        means = np.array([[_mean(of, "valid"), _mean(of, "test")] for of in runs])
        speed = np.mean([_mean(of, "rows_a_second") for of in runs])
        rows.append(
            [
                variant,
                f"{_mean(runs[0], 'learning'):.1%}",
                *(f"{valid:.3f} / {test:.3f}" for valid, test in means),
                f"{means[:, 0].mean():.3f} / {means[:, 1].mean():.3f}",
                f"{speed:.0f}",
            ]
        )
    return markdown_table(["", "learning", *sets, "mean", "rows a second"], rows)


def _mean(runs: list[Json], key: str) -> float:
    return float(np.mean([run[key] for run in runs]))


if __name__ == "__main__":
    main()
