"""Time and peak memory of each label model with many classes.

`python -m benchmarks.many_classes`: 150 simulated classes, 450 LFs and 100,000 rows, and the 77
intents of banking77. Each label model fits and predicts in a process of its own, on one thread.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.readme import cpu, markdown_table, replace_block, save
from weakft.errors import WeakftError
from weakft.label_models import LABEL_MODELS, AutoLabelModel, make_label_model
from weakft.labels import ABSTAIN, vote_dtype

BENCH = Path("../shared/bench")
CLASSES, LFS, ROWS = 150, 450, 100_000
SEED = 0
TIMEOUT = 600

Ints = npt.NDArray[np.integer]
Json = dict[str, Any]


def one_sided() -> tuple[Ints, Ints, int]:
    """LFs for one class each, accuracy .6 to .9, that find .3 to .9 of their class.

    With classes of 1/150 that is a coverage of .2 to 1 %: no LF can be right on more rows than
    its class has.
    """
    rng = np.random.default_rng(SEED)
    gold = rng.integers(0, CLASSES, ROWS)
    L = np.full((ROWS, LFS), ABSTAIN, dtype=vote_dtype(CLASSES))
    for j in range(LFS):
        label, accuracy = j % CLASSES, rng.uniform(0.6, 0.9)
        of_class, other = np.flatnonzero(gold == label), np.flatnonzero(gold != label)
        right = rng.binomial(len(of_class), rng.uniform(0.3, 0.9))
        wrong = round(right * (1 - accuracy) / accuracy)
        L[rng.choice(of_class, right, replace=False), j] = label
        L[rng.choice(other, wrong, replace=False), j] = label
    return L, gold, CLASSES


def many_sided() -> tuple[Ints, Ints, int]:
    """LFs that vote for any class, on 1 to 3 % of the rows, accuracy .6 to .9."""
    rng = np.random.default_rng(SEED)
    gold = rng.integers(0, CLASSES, ROWS)
    L = np.full((ROWS, LFS), ABSTAIN, dtype=vote_dtype(CLASSES))
    for j in range(LFS):
        rows = np.flatnonzero(rng.random(ROWS) < rng.uniform(0.01, 0.03))
        right = rng.random(len(rows)) < rng.uniform(0.6, 0.9)
        L[rows, j] = np.where(right, gold[rows], rng.integers(0, CLASSES, len(rows)))
    return L, gold, CLASSES


def banking77(bench: Path) -> tuple[Ints, Ints, int]:
    """The training votes and gold of banking77."""
    rows = json.loads((bench / "banking77" / "train.json").read_text()).values()
    classes = len(json.loads((bench / "banking77" / "label.json").read_text()))
    L = np.array([row["weak_labels"] for row in rows], dtype=vote_dtype(classes))
    return L, np.array([row["label"] for row in rows]), classes


def measure(what: str, name: str, bench: Path) -> Json:
    """Fit one label model without gold and predict, in this process."""
    makers = {"one-sided": one_sided, "many-sided": many_sided}
    L, gold, classes = banking77(bench) if what == "banking77" else makers[what]()
    start = time.perf_counter()
    try:
        model = make_label_model(name, classes).fit(L)
        probs = model.predict_proba(L)
    except WeakftError as error:
        return {"refused": str(error)}
    seconds = time.perf_counter() - start
    covered = (L != ABSTAIN).any(axis=1)
    return {
        "seconds": seconds,
        "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "accuracy": float((probs.argmax(axis=1) == gold)[covered].mean()),
        "took": model.chosen.name if isinstance(model, AutoLabelModel) else "",
    }


def in_subprocess(what: str, name: str, bench: Path) -> Json:
    """`measure` in a process of its own, so that its peak is its own."""
    command = [sys.executable, "-m", "benchmarks.many_classes", "--bench", str(bench)]
    done = subprocess.run(
        [*command, "--one", what, name],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode:
        return {"refused": f"ended with {done.returncode}: {done.stderr.strip()[-300:]}"}
    found: Json = json.loads(done.stdout.splitlines()[-1])
    return found


def table(results: dict[str, dict[str, Json]]) -> str:
    """Label models x seconds / GiB / accuracy on covered rows."""
    rows = [
        [f"**{name}**" if name == "auto" else name, *(_cell(of[name]) for of in results.values())]
        for name in LABEL_MODELS
    ]
    return markdown_table(["label model", *results], rows)


def _cell(found: Json) -> str:
    if "refused" in found:
        return "refused"
    took = f" ({found['took']})" if found["took"] else ""
    return f"{found['seconds']:.1f} s / {found['gib']:.2f} GiB / {found['accuracy']:.3f}{took}"


def main() -> None:
    """Measure every label model on every set; print the table, and why models were refused."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=Path, default=BENCH, help="folder of the public sets")
    parser.add_argument("--one", nargs=2, metavar=("SET", "MODEL"), help="measure here, as JSON")
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(*args.one, args.bench)))
        return
    sets = ["one-sided", "many-sided"]
    sets += ["banking77"] if (args.bench / "banking77").is_dir() else []
    results: dict[str, dict[str, Json]] = {}
    for what in sets:
        results[what] = {}
        for name in LABEL_MODELS:
            results[what][name] = in_subprocess(what, name, args.bench)
            print(what, name, results[what][name], flush=True)
    save("many_classes", {"cpu": cpu(), "results": results})
    replace_block("many-classes", table(results))
    print(table(results))


if __name__ == "__main__":
    main()
