"""What do rules give without any gold? Against Snorkel's labels and a plain fine-tuning.

    python -m benchmarks.no_gold                    all sets, about half an hour on two cores
    python -m benchmarks.no_gold --sets youtube

At most 4,000 training rows, max length 64, one seed, macro-F1 on test. No gold anywhere: not for
the label model, not to stop by. *Today* is what a user does with Snorkel 0.10 and transformers:
its label model with 500 epochs, the likeliest class of each covered row, Trainer's defaults (three
epochs, 8 rows a step, 5e-5, fp32) in weakft's loop, which is quicker. What all of train's gold
gives is taken from `benchmarks.quality`.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.label_models import MOST_ROWS, SETS, texts_of, votes_of
from benchmarks.readme import RESULTS, ROOT, load, markdown_table, replace_block, save
from weakft import make_label_model
from weakft.config import TrainConfig
from weakft.evaluation.metrics import macro_f1
from weakft.label_models.snorkel import Snorkel
from weakft.labels import SoftLabels
from weakft.runs import Json
from weakft.training.workshop import Workshop

PLAIN_TRAINER = {"per_device_train_batch_size": 8, "learning_rate": 5e-5, "bf16": False}
PLAIN_TRAINER |= {"warmup_steps": 0, "weight_decay": 0.0}
WAYS = {
    "today": "Snorkel, then Trainer",
    "weakft": "**weakft**",
    "voted": "... labels as voted",
    "filled": "... and uncovered rows filled (removed)",
    "taught": "... and self-training (removed)",
}
RECIPES: dict[str, dict[str, Any]] = {
    "weakft": {},
    "voted": {"relabel": False},
}


def main() -> None:
    """Run the sets asked for, beside those known already; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--ways", nargs="+", default=["today", *RECIPES])
    arguments = parser.parse_args()
    file = RESULTS / "no_gold.json"
    results: Json = json.loads(file.read_text()) if file.exists() else {}
    for name in arguments.sets:
        for way in arguments.ways:
            score = run_once(arguments.bench / name, way)
            results.setdefault(name, {})[way] = round(score, 4)
            print(name, way, round(score, 4), flush=True)
            save("no_gold", results)
    table = no_gold_table(results)
    print(table)
    replace_block("no-gold", table)


def run_once(source: Path, way: str) -> float:
    """Macro-F1 on test of one way to go from votes to a model."""
    classes = tuple(json.loads((source / "label.json").read_text()).values())
    L, _ = votes_of(source, "train")
    rows = np.sort(np.random.default_rng(0).permutation(len(L))[:MOST_ROWS])
    k, votes = len(classes), L[rows]
    if way == "today":
        probs = Snorkel(k, n_epochs=500, seeds=1).fit(L).predict_proba(votes)
        probs, changes = np.eye(k)[probs.argmax(axis=1)], PLAIN_TRAINER
    else:
        probs, changes = make_label_model("auto", k).fit(L).predict_proba(votes), RECIPES[way]
    texts = texts_of(source, "train")
    soft = SoftLabels(probs, (votes >= 0).any(axis=1), tuple(map(str, rows)), classes)
    settings = TrainConfig.model_validate({"max_length": 64, **changes})
    shop = Workshop(classes, settings, tuple(texts[row] for row in rows), soft, votes)
    predicted = shop.weak_model().model.predict_proba(texts_of(source, "test")).argmax(axis=1)
    return macro_f1(votes_of(source, "test")[1], predicted, k)


def no_gold_table(results: Json) -> str:
    """Ways x sets, and which share of the way from today's to all of the gold they go."""
    sets = [name for name in SETS if name in results]
    quality = load("quality")
    bound = {
        name: float(
            np.mean([run["test"]["all_gold"]["macro_f1"]["value"] for run in quality[name]])
        )
        for name in sets
    }
    far = np.mean(list(bound.values()))
    rows = []
    for way, shown in WAYS.items():
        if not all(way in results[name] for name in sets):
            continue
        scores = [results[name][way] for name in sets]
        today = np.mean([results[name]["today"] for name in sets])
        share = "" if way == "today" else f"{(np.mean(scores) - today) / (far - today):.0%}"
        rows.append([shown, *(f"{each:.3f}" for each in scores), f"{np.mean(scores):.3f}", share])
    gold = list(bound.values())
    rows.append(["all of train's gold", *(f"{b:.3f}" for b in gold), f"{np.mean(gold):.3f}", ""])
    return markdown_table(["", *sets, "mean", "of the distance closed"], rows)


if __name__ == "__main__":
    main()
