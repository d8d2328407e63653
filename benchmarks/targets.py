"""Which targets teach best? The same linear probe learns from each kind, set by set.

    python -m benchmarks.targets                  all sets, a quarter of an hour on two cores
    python -m benchmarks.targets --sets trec

Macro-F1 on test of a softmax regression on the frozen encoder's embeddings; at most 4,000 rows of
train, no gold but in the bound. A probe costs seconds where fine-tuning costs minutes, and ranks
most targets alike; where the two differ, `benchmarks.transfer`, which fine-tunes, decides. The last
row is leave-one-set-out: on each set the kind of targets that is best on the mean of the others.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.readme import RESULTS, ROOT, markdown_table, replace_block, save
from benchmarks.transfer import SETS, Problem
from weakft import make_label_model
from weakft.config import TrainConfig
from weakft.evaluation.metrics import macro_f1
from weakft.label_models.snorkel import Snorkel
from weakft.labels import Probs, SoftLabels, Votes
from weakft.runs import Json
from weakft.training import TrainingSet
from weakft.training.probe import probe
from weakft.training.relabelling import relabelled
from weakft.training.rows import Labels, Positions
from weakft.training.targets import mixed_targets, vote_counts, voted_targets
from weakft.training.workshop import Workshop

CACHE = ROOT / ".weakft" / "benchmarks"
POWERS = {"": 0.0, ", root of inverse class weights": 0.5, ", inverse class weights": 1.0}
DEFAULT = "votes and texts mixed, inverse class weights"
BOUND = "all of the gold"


def main() -> None:
    """Compute the sets asked for, beside those known already; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench")
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    arguments = parser.parse_args()
    file = RESULTS / "targets.json"
    results: Json = json.loads(file.read_text()) if file.exists() else {}
    for name in arguments.sets:
        results[name] = scored(Problem(arguments.bench / name))
        print(name, results[name], flush=True)
        save("targets", results)
    table = targets_table(results)
    print(table)
    replace_block("targets", table)


def scored(problem: Problem) -> dict[str, float]:
    """Macro-F1 on test by kind of targets."""
    L, gold = problem.train
    votes, k = L[problem.rows], len(problem.classes)
    covered, ids = (votes >= 0).any(axis=1), tuple(map(str, problem.rows))
    learned = make_label_model("auto", k).fit(L).predict_proba(votes)
    soft = SoftLabels(learned, covered, ids, problem.classes)
    settings = TrainConfig(max_length=64)
    shop = Workshop(problem.classes, settings, problem.texts, soft, votes, cache=CACHE)
    test, test_gold = problem.test
    others = shop.embed(test)
    found = {}
    for name, probs, rows, power in kinds(soft, votes, shop, gold[problem.rows], problem):
        texts = tuple(problem.texts[row] for row in rows)
        learned_from = TrainingSet(texts, probs[rows], np.ones(len(rows)))
        learned_from = learned_from.weighted_by_confidence().balanced(power)
        predicted = probe(learned_from, shop.embeddings[rows], others).argmax(axis=1)
        found[name] = round(macro_f1(test_gold, predicted, k), 4)
    return found


def kinds(
    soft: SoftLabels, votes: Votes, shop: Workshop, gold: Labels, problem: Problem
) -> Iterator[tuple[str, Probs, Positions, float]]:
    """Name, targets, rows to learn from, and power of the class weights."""
    k, covered, everything = len(soft.classes), np.flatnonzero(soft.covered), np.arange(len(votes))
    snorkel = Snorkel(k, n_epochs=500, seeds=1).fit(problem.train[0]).predict_proba(votes)
    yield "Snorkel's likeliest class", np.eye(k)[snorkel.argmax(axis=1)], covered, 0.0
    counts = vote_counts(votes, k)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    both = relabelled(soft, problem.texts, shop.embeddings)
    by_texts = soft if both is None else both
    targets = {
        "the label model's probabilities": (soft.probs, covered),
        "shares of the votes": (shares, covered),
        "those two, on classes voted for": (voted_targets(soft, votes), covered),
        "votes and texts together": (by_texts.probs, everything),
        "votes and texts mixed": (mixed_targets(soft, votes, by_texts), everything),
        BOUND: (np.eye(k)[gold], everything),
    }
    for name, (probs, rows) in targets.items():
        for suffix, power in POWERS.items():
            yield name + suffix, probs, rows, power


def targets_table(results: Json) -> str:
    """Kinds x sets, their mean, and which the other sets would choose on each set."""
    sets = [name for name in SETS if name in results]
    rows = []
    for kind in results[sets[0]]:
        scores = [results[name][kind] for name in sets]
        shown = f"**{kind}**" if kind == DEFAULT else kind
        rows.append([shown, *(f"{each:.3f}" for each in scores), f"{np.mean(scores):.3f}"])
    if len(sets) > 1:
        rows.append(["chosen by the other sets", *left_out(results, sets), ""])
    return markdown_table(["", *sets, "mean"], rows)


def left_out(results: Json, sets: list[str]) -> Iterator[str]:
    """On each set, the score of the kind that is best on the mean of the other sets."""
    tried = [kind for kind in results[sets[0]] if not kind.startswith(BOUND)]
    for name in sets:
        others = [each for each in sets if each != name]
        best = max(tried, key=lambda kind: np.mean([results[each][kind] for each in others]))
        yield f"{results[name][best]:.3f}"


if __name__ == "__main__":
    main()
