"""What are weak labels worth beside few gold rows? The curve over gold budgets.

    python -m benchmarks.gold                               all sets and budgets, hours
    python -m benchmarks.gold --sets trec --budgets 5 20    some of them, one draw
    python -m benchmarks.gold --split dev                   gold teaches the label model too
    python -m benchmarks.gold --held-out                    judged on train rows: to tune on

Gold is drawn from the set's valid rows, so many a class, and is what a project has in its split
valid, or in dev and no valid; at most 4,000 training rows, max length 64. Weak labels alone, gold
alone, and both as `weakft run` combines them: macro-F1 on test, means over draws. Rows are kept in
benchmarks/results and merged, so sets can be run one at a time.
"""

import argparse
import json
import time
from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.label_models import MOST_ROWS, SETS, texts_of, votes_of
from benchmarks.readme import RESULTS, ROOT, load, markdown_table, replace_block, save
from weakft import make_label_model
from weakft.cli.console import TerminalNarrator
from weakft.config import TrainConfig
from weakft.evaluation.metrics import macro_f1
from weakft.labels import SoftLabels
from weakft.runs import Json
from weakft.training import TrainingSet
from weakft.training.add_gold import add_gold
from weakft.training.gold import Gold
from weakft.training.workshop import Workshop

BUDGETS = (5, 20, 50)
HELD_OUT = 800
FILES = {"valid": "gold", "dev": "gold_dev"}
WORTH = "gold alone needs"  # so many times the rows
PARTS = {"weak": "weak alone", "only": "gold alone", "both": "**weak + gold**"}


def main() -> None:
    """Run what was asked for, beside what is known already; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--budgets", nargs="+", type=int, default=BUDGETS)
    parser.add_argument("--draws", nargs="+", type=int, default=[0])
    parser.add_argument("--split", choices=FILES, default="valid", help="where gold is")
    parser.add_argument("--held-out", action="store_true", help="judge on train rows, not on test")
    parser.add_argument("--set", nargs="+", default=[], help="settings of [train], as key=value")
    arguments = parser.parse_args()
    name = "gold_held_out" if arguments.held_out else FILES[arguments.split]
    file = RESULTS / f"{name}.json"
    results: Json = json.loads(file.read_text()) if file.exists() else {}
    changes = {key: json.loads(value) for key, value in (s.split("=") for s in arguments.set)}
    for each in arguments.sets:
        for budget in arguments.budgets:
            for draw in arguments.draws:
                cell = run_once(
                    arguments.bench / each,
                    budget,
                    draw,
                    changes,
                    teaches=arguments.split == "dev",
                    held_out=arguments.held_out,
                )
                results.setdefault(each, {}).setdefault(str(budget), {})[str(draw)] = cell
                print(each, budget, draw, cell, flush=True)
                save(name, results)
    if arguments.held_out:
        print(gold_table({name: results}))
        return
    table = gold_table({split: load(known) for split, known in FILES.items()})
    print(table)
    replace_block("gold", table)


def run_once(
    source: Path, budget: int, draw: int, changes: Json, *, teaches: bool, held_out: bool
) -> Json:
    """Macro-F1 of the parts and of the whole, for one draw of gold.

    Gold that `teaches` is dev, and the label model learns from it; else it is valid, and chooses
    the weak model's checkpoint.
    """
    classes = tuple(json.loads((source / "label.json").read_text()).values())
    L, train_gold = votes_of(source, "train")
    texts = texts_of(source, "train")
    order = np.random.default_rng(0).permutation(len(L))
    apart, pool = order[:HELD_OUT], np.sort(order[HELD_OUT : HELD_OUT + MOST_ROWS])
    if held_out:
        judges = [texts[row] for row in apart], train_gold[apart]
    else:
        judges = texts_of(source, "test"), votes_of(source, "test")[1]
    gold = drawn(source, budget, draw, len(classes))
    label_model = make_label_model("auto", len(classes))
    if teaches:
        label_model.fit(L, Y_dev=gold.labels, L_dev=gold.votes)
    else:
        label_model.fit(L)
    probs = label_model.predict_proba(L[pool])
    soft = SoftLabels(probs, (L[pool] >= 0).any(axis=1), tuple(str(row) for row in pool), classes)
    settings = TrainConfig.model_validate({"max_length": 64, "seed": draw, **changes})
    pool_texts = tuple(texts[row] for row in pool)
    start = time.perf_counter()
    valid = None if teaches else gold.rows
    shop = Workshop(
        classes, settings, pool_texts, soft, L[pool], valid, narrator=TerminalNarrator()
    )
    weak = shop.weak_model()
    outcome = add_gold(shop, weak, gold)
    assert outcome.gold_only is not None
    models = {"weak": weak, "only": outcome.gold_only, "both": outcome.final}
    scores: dict[str, Any] = {
        part: round(
            macro_f1(judges[1], tuned.model.predict_proba(judges[0]).argmax(axis=1), len(classes)),
            4,
        )
        for part, tuned in models.items()
    }
    return {
        **scores,
        "gold": len(gold.rows),
        "recipe": outcome.recipe,
        "judged": {c.recipe: round(c.accuracy, 3) for c in outcome.candidates},
        "seconds": round(time.perf_counter() - start),
    }


def drawn(source: Path, budget: int, draw: int, cardinality: int) -> Gold:
    """So many rows a class of valid, or all there are."""
    L, gold = votes_of(source, "valid")
    rng = np.random.default_rng(draw)
    rows = np.concatenate(
        [rng.permutation(np.flatnonzero(gold == k))[:budget] for k in range(cardinality)]
    )
    texts = texts_of(source, "valid")
    training = TrainingSet.from_gold([texts[row] for row in rows], gold[rows], cardinality)
    return Gold(training, np.full(len(rows), True), L[rows])


def gold_table(results: Mapping[str, Json]) -> str:
    """Sets x budgets x splits: weak alone, gold alone, both, and what both are worth."""
    rows = []
    for name in [each for each in SETS if any(each in known for known in results.values())]:
        cells = [
            (int(budget), split, draws)
            for split, known in results.items()
            for budget, draws in known.get(name, {}).items()
        ]
        alone = {_size(draws): _mean(draws, "only") for _, _, draws in cells}
        for budget, split, draws in sorted(cells, key=itemgetter(0)):
            scores = [_mean(draws, part) for part in PARTS]
            recipes = ", ".join(dict.fromkeys(cell["recipe"] for cell in draws.values()))
            times, reached = times_the_gold(alone, _size(draws), scores[-1])
            rows.append(
                [
                    *[name, str(budget), split, str(_size(draws)), str(len(draws))],
                    *(f"{score:.3f}" for score in scores),
                    f"{'' if reached else 'more than '}{times:.1f}x",
                    recipes,
                ]
            )
    known = ["set", "gold a class", "which is", "gold rows", "draws"]
    table = markdown_table([*known, *PARTS.values(), WORTH, "gold enters by"], rows)
    return f"{table}\n\n{_worth_on_average(results)}"


def _worth_on_average(results: Mapping[str, Json]) -> str:
    """What the budgets that all sets were measured at are worth, but for the largest of them."""
    (known, *_) = results.values()
    everywhere = sorted(set.intersection(*(set(map(int, cells)) for cells in known.values())))
    told = []
    for budget in everywhere[:-1]:
        times = []
        for cells in known.values():
            alone = {_size(draws): _mean(draws, "only") for draws in cells.values()}
            draws = cells[str(budget)]
            times.append(times_the_gold(alone, _size(draws), _mean(draws, "both"))[0])
        told.append(f"{np.mean(times):.1f} times with {budget} a class")
    return (
        f"On the mean of {', '.join(known)}, weak + gold is worth at least so many times its gold "
        f"rows (in valid): {', '.join(told)}."
    )


def times_the_gold(alone: Mapping[int, float], size: int, score: float) -> tuple[float, bool]:
    """How many times as many gold rows reach a score without rules, and if so many were tried.

    Between two sizes the score of gold alone grows with the logarithm of the rows; more rows are
    never taken to be worse than fewer.

    Args:
        alone: scores of gold alone by rows.
        size: gold rows that, with rules, reached `score`.
        score: to be reached.

    Example:
        >>> times, reached = times_the_gold({10: 0.5, 40: 0.7}, 10, 0.6)
        >>> round(times, 2), reached
        (2.0, True)
    """
    sizes, scores = zip(*sorted(alone.items()), strict=True)
    best = np.maximum.accumulate(scores)
    if score > best[-1]:
        return sizes[-1] / size, False
    later = int(np.searchsorted(best, score))
    if later == 0:
        return sizes[0] / size, True
    share = (score - best[later - 1]) / (best[later] - best[later - 1])
    rows = np.exp(np.log(sizes[later - 1]) * (1 - share) + np.log(sizes[later]) * share)
    return float(rows) / size, True


def _size(draws: Json) -> int:
    return int(next(iter(draws.values()))["gold"])


def _mean(draws: Json, part: str) -> float:
    return float(np.mean([cell[part] for cell in draws.values()]))


if __name__ == "__main__":
    main()
