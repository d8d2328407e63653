"""Does gold make labels better, and never worse? Label models with few gold rows and with many.

    python -m benchmarks.gold_labels                 seven sets, five minutes on an idle core
    python -m benchmarks.gold_labels --sets trec     some of them
    python -m benchmarks.gold_labels --table         what is known already

Gold is drawn from train, so many rows a class (a class with fewer gives all it has), and leaves
the pool; or it is all of valid. At most 4,000 other rows of train are labelled, with gold and
without: macro-F1 and negative log-likelihood on the covered ones, by `auto` and by one_coin, which
labels votes for the ensemble of gold and votes. A draw also deals the folds.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.label_models import MOST_ROWS, Labels, Votes, label_scores, votes_of
from benchmarks.readme import RESULTS, ROOT, markdown_table, replace_block, save
from weakft import make_label_model
from weakft.evaluation.metrics import macro_f1
from weakft.runs import Json

SETS = ("youtube", "sms", "trec", "agnews", "chemprot", "hausa", "banking77")
BUDGETS = ("5", "20", "50", "valid")
FEW_A_CLASS = {"banking77": ("3", "8", "20", "valid")}
MODELS = ("auto", "one_coin")
DRAWS = 5
VALID_DRAWS = 3


def main() -> None:
    """Measure the sets asked for, beside what is known already; print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench")
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    parser.add_argument("--table", action="store_true", help="measure nothing")
    arguments = parser.parse_args()
    file = RESULTS / "gold_labels.json"
    results: Json = json.loads(file.read_text()) if file.exists() else {}
    for name in () if arguments.table else arguments.sets:
        results[name] = measured(arguments.bench / name)
        save("gold_labels", results)
    table = gold_labels_table(results)
    print(table)
    replace_block("gold-labels", table)


def measured(source: Path) -> Json:
    """By budget and label model: a list of draws."""
    k = len(json.loads((source / "label.json").read_text()))
    train, valid = votes_of(source, "train"), votes_of(source, "valid")
    cells: Json = {}
    for budget in FEW_A_CLASS.get(source.name, BUDGETS):
        cells[budget] = {name: [] for name in MODELS}
        for draw in range(VALID_DRAWS if budget == "valid" else DRAWS):
            rng = np.random.default_rng(draw)
            size = 0 if budget == "valid" else int(budget)
            rows = drawn(train[1], size, k, rng)
            others = np.setdiff1d(np.arange(len(train[1])), rows)
            pool = np.sort(rng.permutation(others)[:MOST_ROWS])
            gold = valid if budget == "valid" else (train[0][rows], train[1][rows])
            for name in MODELS:
                cell = compared(name, (train[0][pool], train[1][pool]), gold, k, draw)
                cells[budget][name].append(cell)
        print(source.name, budget, cells[budget]["auto"][0], flush=True)
    return cells


def drawn(gold: Labels, budget: int, cardinality: int, rng: np.random.Generator) -> Labels:
    """Positions of so many rows of each class, or all there are."""
    of_classes = [np.flatnonzero(gold == label) for label in range(cardinality)]
    return np.concatenate([rng.permutation(rows)[:budget] for rows in of_classes])


def compared(
    name: str, pool: tuple[Votes, Labels], gold: tuple[Votes, Labels], cardinality: int, seed: int
) -> Json:
    """Labels of the pool without gold and with it."""
    L, truth = pool
    covered = (L >= 0).any(axis=1)
    without = make_label_model(name, cardinality, seed=seed).fit(L)
    cell: Json = {"rows": len(gold[1])}
    for part, model in (("none", without), ("gold", without.adapted(gold[1], gold[0]))):
        probs = model.predict_proba(L)
        labels = probs[covered].argmax(axis=1)
        cell[part] = {
            "macro_f1": round(macro_f1(truth[covered], labels, cardinality), 4),
            "nll": round(label_scores(probs, L, truth)["nll"], 4),
            "chosen": model.details().get("chosen", name),
        }
    return cell


def gold_labels_table(results: Json) -> str:
    """Sets x budgets for `auto`; then both label models on the mean of the sets."""
    names = [name for name in SETS if name in results]
    rows = [
        [name, budget, *_shown(cells["auto"])]
        for name in names
        for budget, cells in results[name].items()
    ]
    table = markdown_table(
        [
            *["set", "gold a class", "gold rows", "no gold", "**gold**", "gained", "worst draw"],
            *["nll, no gold", "nll, gold", "label model without -> with gold"],
        ],
        rows,
    )
    budgets = ["3 or 5", "8 or 20", "20 or 50", "all of valid"]
    means = [
        [name, budget, *_mean_of_sets([list(results[s].values())[p][name] for s in names])]
        for name in MODELS
        for p, budget in enumerate(budgets)
    ]
    header = ["label model", "gold a class", "no gold", "**gold**", "gained", "least of the sets"]
    return f"{table}\n\n" + markdown_table(
        [*header, "worst draw", "nll, no gold", "nll, gold"], means
    )


def _shown(draws: Sequence[Json]) -> list[str]:
    before, after, gains = _parts(draws)
    chosen = [f"{cell['none']['chosen']} -> {cell['gold']['chosen']}" for cell in draws]
    return [
        str(draws[0]["rows"]),
        f"{before[:, 0].mean():.3f}",
        f"{after[:, 0].mean():.3f}",
        f"{gains.mean():+.3f}",
        f"{gains.min():+.3f}",
        f"{before[:, 1].mean():.3f}",
        f"{after[:, 1].mean():.3f}",
        Counter(chosen).most_common(1)[0][0],
    ]


def _mean_of_sets(cells: Sequence[Sequence[Json]]) -> list[str]:
    parts = [_parts(draws) for draws in cells]
    before = np.mean([each[0].mean(axis=0) for each in parts], axis=0)
    after = np.mean([each[1].mean(axis=0) for each in parts], axis=0)
    gains = [each[2] for each in parts]
    return [
        f"{before[0]:.3f}",
        f"{after[0]:.3f}",
        f"{after[0] - before[0]:+.3f}",
        f"{min(each.mean() for each in gains):+.3f}",
        f"{min(each.min() for each in gains):+.3f}",
        f"{before[1]:.3f}",
        f"{after[1]:.3f}",
    ]


def _parts(draws: Sequence[Json]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """([draws, 2] macro-F1 and nll without gold, the same with gold, [draws] gains)."""
    before, after = (
        np.array([[cell[part]["macro_f1"], cell[part]["nll"]] for cell in draws])
        for part in ("none", "gold")
    )
    return before, after, after[:, 0] - before[:, 0]


if __name__ == "__main__":
    main()
