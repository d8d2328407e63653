"""Does the gate keep worse models out and let as good ones in, and is drift found when it is there?

    python -m benchmarks.retraining

Made-up retrainings, hundreds of each kind: two models on the same gold rows, right on 80 % of them,
at odds on a tenth; and batches of votes of 20 labeling functions, one of which changes.
"""

from collections.abc import Callable

import numpy as np

from benchmarks.readme import markdown_table, replace_block, save
from weakft.config import RetrainConfig
from weakft.drift import Batch, find_drift
from weakft.evaluation.paired import bounded_losses
from weakft.labels import ABSTAIN
from weakft.runs import Json

TRIALS = 400
CLASSES = 3
AT_ODDS = 0.10
RIGHT = 0.80
LFS = 20
RATE, SILENCED = 0.031, 0.002  # "LF asks_for_refund fires 0.2 % instead of 3.1 %"
MARGIN = RetrainConfig().margin
GOLD_ROWS = (300, 600, 2000)


def main() -> None:
    """Simulate; print the table."""
    results = {
        "gate": [
            {"rows": rows, "loss": loss, "promoted": promoted(rows, loss)}
            for rows in GOLD_ROWS
            for loss in (0.0, MARGIN, 2 * MARGIN)
        ],
        "drift": [
            {"rows": rows, "injected": injected, "told": drift_told(rows, injected=injected)}
            for rows in (1000, 3000)
            for injected in (False, True)
        ],
    }
    save("retraining", results)
    table = retraining_table(results)
    print(table)
    replace_block("retraining", table)


def promoted(rows: int, loss: float) -> float:
    """How often the gate promotes a model that is worse by this much."""
    return _share(lambda rng: _passes(rng, rows, loss))


def _passes(rng: np.random.Generator, rows: int, loss: float) -> bool:
    gold = rng.integers(0, CLASSES, rows)
    only_old, only_new = (AT_ODDS + loss) / 2, (AT_ODDS - loss) / 2
    both = RIGHT - only_old
    kind = rng.choice(4, rows, p=[both, only_old, only_new, 1 - both - only_old - only_new])
    wrong = (gold + rng.integers(1, CLASSES, rows)) % CLASSES
    old = np.where(np.isin(kind, (0, 1)), gold, wrong)
    new = np.where(np.isin(kind, (0, 2)), gold, wrong)
    losses = bounded_losses(gold, old, new, CLASSES, seed=int(rng.integers(2**31)))
    return min(losses.macro_f1.low, losses.accuracy.low) > -MARGIN


def drift_told(rows: int, *, injected: bool) -> float:
    """How often something is told; of an injected drift, how often the right LF is named."""
    return _share(lambda rng: _is_told(rng, rows, injected=injected))


def _is_told(rng: np.random.Generator, rows: int, *, injected: bool) -> bool:
    rates = np.concatenate([[RATE], rng.uniform(0.01, 0.2, LFS - 1)])
    later = np.concatenate([[SILENCED], rates[1:]]) if injected else rates
    names = [f"lf_{j}" for j in range(LFS)]
    told = find_drift(_batch(rng, 10_000, rates), _batch(rng, rows, later), names, ["a", "b", "c"])
    if injected:
        return any(drift.kind == "vote rate" and drift.subject == "lf_0" for drift in told)
    return bool(told)


def _batch(rng: np.random.Generator, rows: int, rates: np.ndarray) -> Batch:
    gold = rng.integers(0, CLASSES, (rows, 1))
    right = rng.random((rows, LFS)) < 0.8
    said = np.where(right, gold, (gold + 1) % CLASSES)
    votes = np.where(rng.random((rows, LFS)) < rates, said, ABSTAIN).astype(np.int8)
    lengths = rng.poisson(80, rows)
    return Batch(votes, votes.max(axis=1).astype(int), lengths)


def _share(happens: Callable[[np.random.Generator], bool]) -> float:
    return float(np.mean([happens(np.random.default_rng(trial)) for trial in range(TRIALS)]))


def retraining_table(results: Json) -> str:
    """What happened how often."""
    rows = [
        [
            f"{r['rows']:,} gold rows, candidate worse by {r['loss']:.2f}"
            if r["loss"]
            else f"{r['rows']:,} gold rows, candidate as good",
            "promoted",
            f"{r['promoted']:.1%}",
        ]
        for r in results["gate"]
    ]
    rows += [
        [
            f"{r['rows']:,} new rows, an LF fires on {SILENCED:.1%} instead of {RATE:.1%}"
            if r["injected"]
            else f"{r['rows']:,} new rows, nothing changed",
            "LF named" if r["injected"] else "any drift told",
            f"{r['told']:.1%}",
        ]
        for r in results["drift"]
    ]
    return markdown_table(["what is so", "what happens", "how often"], rows)


if __name__ == "__main__":
    main()
