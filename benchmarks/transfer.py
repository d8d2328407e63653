"""Do the defaults hold on sets they were not tuned on? Ways from votes to a model, set by set.

    python -m benchmarks.transfer                          all sets and ways, hours on two cores
    python -m benchmarks.transfer --sets trec --seeds 0    some of them
    python -m benchmarks.transfer --table                  what is known already

Macro-F1 on test; at most 4,000 rows of train, 64 tokens, no gold anywhere but in the bound. *Today*
is what a user does with Snorkel 0.10 and transformers: its label model with 500 epochs, the
likeliest class of each covered row, Trainer's defaults (three epochs, 8 rows a step, 5e-5, fp32).
The bound learns from all of the gold of the same rows, as weakft trains on gold. A cell is computed
again where the code that bears on it has changed, and runs on one thread.
"""

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.label_models import MOST_ROWS, texts_of, votes_of
from benchmarks.readme import RESULTS, ROOT, markdown_table, replace_block, save
from weakft import make_label_model
from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.evaluation.metrics import macro_f1
from weakft.label_models.snorkel import Snorkel
from weakft.labels import SoftLabels, Votes
from weakft.runs import Json
from weakft.training import TrainingSet, fine_tune
from weakft.training.gold_stages import gold_settings
from weakft.training.workshop import Workshop

SETS = ("youtube", "sms", "trec", "agnews", "chemprot", "hausa", "banking77")
WAYS = {
    "today": "Snorkel, then Trainer",
    "voted": "weakft, votes alone",
    "weakft": "**weakft**",
    "all_gold": "all of train's gold",
}
LABELS = ("label_models", "labels.py")
TRAINING = ("training", "end_model.py", "processors.py", "config/train.py")
CODE = {
    "today": ("label_models/snorkel.py", "training/finetune.py", "training/trainer.py"),
    "voted": (*LABELS, *TRAINING),
    "weakft": (*LABELS, *TRAINING),
    "all_gold": TRAINING,
}
"""By way: the parts of weakft that bear on its cells."""

PLAIN_TRAINER = {"per_device_train_batch_size": 8, "learning_rate": 5e-5, "bf16": False}
PLAIN_TRAINER |= {"warmup_steps": 0, "weight_decay": 0.0}


def main() -> None:
    """Compute the cells that are missing or out of date; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench")
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--table", action="store_true", help="compute nothing")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    file = RESULTS / "transfer.json"
    results: Json = json.loads(file.read_text()) if file.exists() else {}
    for name in () if arguments.table else arguments.sets:
        problem = Problem(arguments.bench / name)
        for way in arguments.ways:
            for seed in arguments.seeds:
                cells = results.setdefault(name, {}).setdefault(way, {})
                code = code_of(way)
                if cells.get(str(seed), {}).get("code") != code:
                    score = round(scored(problem, way, seed), 4)
                    cells[str(seed)] = {"macro_f1": score, "code": code}
                    save("transfer", results)
                    print(name, way, seed, score, flush=True)
    table = transfer_table(results)
    print(table)
    replace_block("transfer", table)


@dataclass(frozen=True)
class Problem:
    """One set: 4,000 rows of train at most, the votes on them, and test."""

    source: Path

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Names of k classes."""
        return tuple(json.loads((self.source / "label.json").read_text()).values())

    @cached_property
    def rows(self) -> Any:  # noqa: ANN401
        """Positions of the rows that are trained on, the same for all ways and seeds."""
        count = len(self.train[0])
        return np.sort(np.random.default_rng(0).permutation(count)[:MOST_ROWS])

    @cached_property
    def train(self) -> tuple[Votes, Any]:
        """Votes and gold of all rows."""
        return votes_of(self.source, "train")

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Of the rows that are trained on."""
        texts = texts_of(self.source, "train")
        return tuple(texts[row] for row in self.rows)

    @cached_property
    def test(self) -> tuple[list[str], Any]:
        """Texts of test, and their gold."""
        return texts_of(self.source, "test"), votes_of(self.source, "test")[1]

    def score(self, model: EndModel) -> float:
        """Macro-F1 on test."""
        texts, gold = self.test
        return macro_f1(gold, model.predict_proba(texts).argmax(axis=1), len(self.classes))


def scored(problem: Problem, way: str, seed: int) -> float:
    """Macro-F1 on test of one way to go from votes, or gold, to a model."""
    L, gold = problem.train
    votes, k = L[problem.rows], len(problem.classes)
    covered, names = (votes >= 0).any(axis=1), tuple(map(str, problem.rows))
    settings = TrainConfig(max_length=64, seed=seed)
    if way == "voted":
        settings = settings.model_copy(update={"relabel": False})
    if way in ("today", "all_gold"):
        probs = np.eye(k)[gold[problem.rows]]
    else:
        probs = make_label_model("auto", k).fit(L).predict_proba(votes)
    soft = SoftLabels(probs, covered, names, problem.classes)
    shop = Workshop(problem.classes, settings, problem.texts, soft, votes)
    if way in ("voted", "weakft"):
        return problem.score(shop.weak_model().model)
    if way == "all_gold":
        rows = TrainingSet.from_gold(problem.texts, gold[problem.rows], k).balanced()
        longer = gold_settings(settings, len(rows))
        return problem.score(fine_tune(shop.fresh_model(), rows, longer).model)
    learned = Snorkel(k, n_epochs=500, seeds=1).fit(L).predict_proba(votes[covered])
    rows = TrainingSet.from_gold(np.array(problem.texts)[covered], learned.argmax(axis=1), k)
    model, plain = shop.fresh_model(), settings.model_copy(update=PLAIN_TRAINER)
    model.head_is_new = False  # Trainer starts from a random one
    return problem.score(fine_tune(model, rows, plain).model)


def code_of(way: str) -> str:
    """A digest of the code and settings that a cell depends on."""
    digest = hashlib.sha256()
    for part in CODE[way]:
        place = ROOT / "weakft" / part
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def transfer_table(results: Json) -> str:
    """Ways x sets, means over seeds, and the share of the way from today's to all of the gold."""
    sets = [name for name in SETS if name in results]
    rows = []
    for way, shown in WAYS.items():
        means = [_mean(results[name].get(way, {})) for name in sets]
        closed = _closed(results, sets, way)
        rows.append(
            [
                shown,
                *("" if np.isnan(mean) else f"{mean:.3f}" for mean in means),
                "" if np.isnan(means).any() else f"{np.mean(means):.3f}",
                "" if way == "today" or closed is None else f"{closed:.0%}",
            ]
        )
    return markdown_table(["", *sets, "mean", "of the distance closed"], rows)


def _closed(results: Json, sets: Sequence[str], way: str) -> float | None:
    """Summed over the sets where all three are known; None where there is none."""
    ends = [
        [_mean(results[name].get(each, {})) for each in ("today", way, "all_gold")] for name in sets
    ]
    known = np.array([three for three in ends if not np.isnan(three).any()])
    if not len(known):
        return None
    today, here, far = known.sum(axis=0)
    return float((here - today) / (far - today))


def _mean(cells: Mapping[str, Json]) -> float:
    """NaN of no cells."""
    return float(np.mean([cell["macro_f1"] for cell in cells.values()])) if cells else float("nan")


if __name__ == "__main__":
    main()
