"""Is weak + gold worth it? Test macro-F1 of the end model and of everything it must beat.

    python -m benchmarks.quality                    all sets, about an hour on two cores
    python -m benchmarks.quality reviews youtube    some of them

`reviews` runs with three seeds; the public sets (a folder in the WRENCH layout, see --bench)
with one seed, max length 64 and at most 4,000 training rows. Test splits are scored once a
run and nothing is tuned on them.
"""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.readme import ROOT, load, markdown_table, replace_block, save
from weakft.cli.console import TerminalNarrator
from weakft.dataset import read_dataset
from weakft.evaluation import scores
from weakft.interop.wrench import import_wrench
from weakft.label_models.snorkel import Snorkel
from weakft.labels import LabelMatrix
from weakft.pipeline import run
from weakft.project import Project
from weakft.runs import Json, RunFolder

PUBLIC = ("youtube", "sms", "trec", "agnews")
TRAIN_ROWS = 4000
COLUMNS = {
    "majority_vote": "majority vote",
    "snorkel": "Snorkel's labels",
    "weak_only": "weak labels alone",
    "gold_only": "gold alone",
    "end_model": "**weak + gold**",
    "all_gold": "all of train's gold",
}


def main() -> None:
    """Run the sets named on the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="*", default=["reviews", *PUBLIC])
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2], help="of reviews")
    arguments = parser.parse_args()
    try:
        results = load("quality")
    except FileNotFoundError:
        results = {}
    for name in arguments.sets:
        if name == "reviews":
            for seed in arguments.seeds:
                others = [run for run in results.get(name, []) if run["seed"] != seed]
                results[name] = sorted([*others, run_once(ROOT, seed)], key=lambda r: r["seed"])
                save("quality", results)
        elif (arguments.bench / name).is_dir():
            results[name] = [run_public(arguments.bench / name)]
        else:
            print(f"{name}: no such folder under {arguments.bench}, left out")
            continue
        save("quality", results)
    table = quality_table(results)
    print(table)
    replace_block("quality", table)


def run_public(source: Path) -> Json:
    """Import one set, with at most TRAIN_ROWS training rows, and run it."""
    with tempfile.TemporaryDirectory() as scratch:
        smaller = Path(scratch) / source.name
        shutil.copytree(source, smaller)
        rows = json.loads((source / "train.json").read_text())
        order = np.random.default_rng(0).permutation(len(rows))[:TRAIN_ROWS]
        kept = {key: rows[key] for key in (list(rows)[i] for i in sorted(order))}
        (smaller / "train.json").chmod(0o644)
        (smaller / "train.json").write_text(json.dumps(kept))
        project = Path(scratch) / "project"
        import_wrench(smaller, project)
        return run_once(project, seed=0)


def run_once(folder: Path, seed: int) -> Json:
    """One run with every rival; scores on test by model."""
    project = Project.open(
        folder,
        [
            f"train.seed={seed}",
            f"label_model.seed={seed}",
            "train.max_length=64",
            "train.num_train_epochs=3",
            "train.gold_epochs=6",
            "train.gold_steps=240",
            'evaluate.rivals=["majority_vote", "gold_only", "all_gold"]',
        ],
    )
    start = time.perf_counter()
    published, summary = run(project, TerminalNarrator())
    metrics = summary["metrics"]
    models = {"end_model": metrics["end_model"], **metrics["rivals"]}
    result = {name: model["test"] for name, model in models.items()}
    result["snorkel"] = snorkel_on_test(project, published)
    print(
        project.config.project.name,
        seed,
        {n: round(s["macro_f1"]["value"], 3) for n, s in result.items()},
        flush=True,
    )
    return {
        "seed": seed,
        "test": result,
        "gold": metrics["end_model"]["gold"],
        "label_model": metrics["labels"]["chosen"],
        "seconds": round(time.perf_counter() - start),
    }


def snorkel_on_test(project: Project, folder: RunFolder) -> Json:
    """Snorkel's label model as a classifier; uncovered rows go to the commonest class."""
    train, test = (LabelMatrix.load(folder.votes(split)) for split in ("train", "test"))
    k = len(project.config.classes)
    seed = project.config.label_model.seed
    model = Snorkel(k, seed=seed, n_epochs=100, seeds=1).fit(train)  # as it comes
    predicted = model.predict_proba(test).argmax(axis=1)
    common = np.bincount(model.predict_proba(train)[train.covered].argmax(axis=1)).argmax()
    predicted[~test.covered] = common
    gold = read_dataset(project.config, project.root)["test"].gold
    assert gold is not None
    return {**scores(gold, predicted, k)}


def quality_table(results: dict[str, list[Json]]) -> str:
    """Test macro-F1 with its bootstrap interval over test rows; both are means over seeds."""
    header = ["set", "test rows", *COLUMNS.values(), "gold enters by"]
    rows = []
    for name, runs in results.items():
        cells = [_cell([r["test"][key]["macro_f1"] for r in runs]) for key in COLUMNS]
        support = str(runs[0]["test"]["end_model"]["macro_f1"]["support"])
        recipes = ", ".join(dict.fromkeys(r["gold"]["recipe"] for r in runs))
        seeds = f" ({len(runs)} seeds)" if len(runs) > 1 else ""
        rows.append([name + seeds, support, *cells, recipes])
    return markdown_table(header, rows)


def _cell(scored: list[dict[str, Any]]) -> str:
    mean = np.mean([s["value"] for s in scored])
    low, high = np.mean([s["low"] for s in scored]), np.mean([s["high"] for s in scored])
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    main()
