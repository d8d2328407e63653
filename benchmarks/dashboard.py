"""Does the dashboard stay quick when the rows are a million?

    python -m benchmarks.dashboard                  10,000, 100,000 and 1,000,000 rows
    python -m benchmarks.dashboard --rows 10000

A run of 20 LFs and three classes, made up. Each page is opened and its filters are changed: server
time of the first view of a page and of every interaction after, the bytes sent to the browser, and
memory over 100 reruns. Beside it, in the same process, what a naive app does: read everything, show
it with st.dataframe.
"""

import argparse
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

from benchmarks.readme import ROOT, markdown_table, replace_block, save
from weakft.config import Splits
from weakft.dataset import Dataset, read_dataset
from weakft.labels import ABSTAIN, LabelMatrix, probabilities_frame
from weakft.narration import SILENCE
from weakft.pipeline.evaluating import evaluate
from weakft.pipeline.labelling import label
from weakft.pipeline.story import finish
from weakft.project import Project
from weakft.runs import Json, RunFolder, write_json

SIZES = (10_000, 100_000, 1_000_000)
CLASSES = ("bad", "fair", "good")
LFS = 20
HELD_OUT_ROWS = 2_000
ROUNDS = 5
RERUNS = 100
WORDS = np.array([f"word{number}" for number in range(400)])
APP = ROOT / "app" / "streamlit_app.py"
CHANGES: dict[str, list[tuple[str, object]]] = {
    "overview": [],
    "lfs": [("lf", "lf_3"), ("on", "train"), ("which", "in conflict"), ("which", "decided alone")],
    "conflicts": [("shade", "agreement"), ("first", "lf_1"), ("second", "lf_2")],
    "coverage": [("class", "good"), ("group", 1), ("search", "word7 ")],
    "labels": [("keep", "unsure"), ("keep", "in conflict"), ("keep", "model says otherwise")],
    "model": [("gold", "good"), ("predicted", "bad"), ("precision", 0.8)],
    "errors": [("state", "conflicted"), ("order", "least sure model")],
    "runs": [],
    "review": [("queue", "unsure labels"), ("queue", "model against labels")],
}


def main() -> None:
    """Measure every size; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", nargs="+", type=int, default=SIZES)
    results = [measured(rows) for rows in parser.parse_args().rows]
    save("dashboard", results)
    table = dashboard_table(results)
    print(table)
    replace_block("dashboard", table)


def measured(rows: int) -> Json:
    """One size, in a project of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        start = time.perf_counter()
        run = publish(folder, rows)
        print(f"{rows} rows: run made in {time.perf_counter() - start:.0f} s", flush=True)
        os.environ["WEAKFT_PROJECT"] = str(folder)
        first, later, sizes = {}, [], []
        for page, changes in CHANGES.items():
            app = AppTest.from_file(str(APP), default_timeout=600).run()
            first[page], size = timed(lambda app=app, page=page: go(app, page))
            sizes.append(size)
            for _ in range(ROUNDS):
                for key, value in changes:
                    seconds, size = timed(lambda app=app, k=key, v=value: change(app, k, v))
                    later.append(seconds)
                    sizes.append(size)
            assert not app.exception, app.exception
        growth = memory_growth()
        naive, naive_bytes = timed(lambda: naive_app(run.rows("train")))
    result = {
        "rows": rows,
        "first_view": max(first.values()),
        "interaction_p95": statistics.quantiles(later, n=20)[-1],
        "interactions": len(later),
        "largest_message": max(sizes),
        "growth": growth,
        "naive": naive,
        "naive_bytes": naive_bytes,
    }
    print(result, flush=True)
    return result


def go(app: AppTest, page: str) -> AppTest:
    """Open a page."""
    return app.switch_page(f"app_pages/{page}.py").run()


def change(app: AppTest, key: str, value: object) -> AppTest:
    """Set a widget, as a visitor would."""
    return app.get_by_key(key).set_value(value).run()


def naive_app(file: Path) -> AppTest:
    """All rows, shown."""

    def app(file: str) -> None:
        import pandas as pd
        import streamlit as st

        st.dataframe(pd.read_parquet(file), lazy=False)

    return AppTest.from_function(app, default_timeout=600, args=(str(file),)).run()


def timed(act: Callable[[], AppTest]) -> tuple[float, int]:
    """Seconds of a rerun, and the bytes of what it shows."""
    start = time.perf_counter()
    app = act()
    seconds = time.perf_counter() - start
    sent = [proto for element in app if (proto := getattr(element, "proto", None)) is not None]
    return seconds, sum(proto.ByteSize() for proto in sent)


def memory_growth() -> float:
    """MiB by which the process grows over 100 reruns of a page with rows, after a first few."""
    app = AppTest.from_file(str(APP), default_timeout=600).run()
    keeps = [value for key, value in CHANGES["labels"] if key == "keep"]
    go(app, "labels")
    for warm in range(6):
        change(app, "keep", keeps[warm % len(keeps)])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(RERUNS):
        change(app, "keep", keeps[number % len(keeps)])
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def publish(folder: Path, rows: int) -> RunFolder:
    """A run whose votes and predictions are made up."""
    rng = np.random.default_rng(0)
    gold = {"train": rng.integers(0, 3, rows)}
    gold |= {split: rng.integers(0, 3, HELD_OUT_ROWS) for split in ("dev", "valid", "test")}
    for split, classes in gold.items():
        texts = [
            " ".join(words) for words in WORDS[rng.integers(0, len(WORDS), (len(classes), 12))]
        ]
        frame = pd.DataFrame({"id": [f"{split}-{i}" for i in range(len(classes))], "text": texts})
        if split != "train":
            frame["label"] = np.array(CLASSES)[classes]
        frame.to_parquet(folder / f"{split}.parquet", index=False)
    (folder / "rules.py").write_text("")
    data = "\n".join(f'{split} = "{split}.parquet"' for split in gold)
    (folder / "weakft.toml").write_text(
        f"[project]\nname = 'made up'\nclasses = {list(CLASSES)}\n[data]\n{data}\n"
        "[labeling]\nmodules = ['rules.py']\n[label_model]\nname = 'one_coin'\n"
    )
    project = Project.open(folder)
    dataset = read_dataset(project.config, folder)
    with project.runs.staging() as staged:
        votes = {name: made_up_votes(rng, gold[name], dataset, name) for name in dataset.splits}
        for name, L in votes.items():
            L.save(staged.votes(name))
        write_json(staged.faults, {"faults": []})
        label(project, dataset, votes, staged, SILENCE)
        pretend_to_train(rng, project, dataset, staged, gold)
        metrics = evaluate(project, dataset, votes, staged, SILENCE)
        return finish(project, dataset, votes, staged, metrics, {})[0]


def made_up_votes(
    rng: np.random.Generator, gold: np.ndarray, data: Dataset, name: Splits
) -> LabelMatrix:
    """LFs that vote on a tenth of the rows and are right on three quarters of those."""
    n = len(gold)
    right = rng.random((n, LFS)) < 0.75
    other = (gold[:, None] + rng.integers(1, 3, (n, LFS))) % 3
    votes = np.where(rng.random((n, LFS)) < 0.1, np.where(right, gold[:, None], other), ABSTAIN)
    names = tuple(f"lf_{j}" for j in range(LFS))
    return LabelMatrix(votes.astype(np.int8), names, data[name].ids)


def pretend_to_train(
    rng: np.random.Generator,
    project: Project,
    data: Dataset,
    folder: RunFolder,
    gold: dict[str, np.ndarray],
) -> None:
    """Predictions that are right on four rows of five."""
    for name, split in data.splits.items():
        said = np.where(rng.random(len(split)) < 0.8, gold[name], rng.integers(0, 3, len(split)))
        probs = 0.15 + 0.55 * np.eye(3)[said] + rng.random((len(split), 3)) * 0.1
        probs /= probs.sum(axis=1, keepdims=True)
        table = probabilities_frame(split.ids, probs, project.config.classes)
        table.to_parquet(folder.predictions(name), index=False)
    metrics = folder.read_metrics()
    score = {"value": 0.8, "low": 0.78, "high": 0.82, "support": HELD_OUT_ROWS}
    metrics["end_model"] = {
        "train": {"rows": len(data["train"])},
        "warnings": [],
        "valid": {"accuracy": score, "macro_f1": score, "how": "made up"},
        "gold": {"recipe": "none", "reason": "Made up.", "rows": 0, "candidates": []},
    }
    folder.write_metrics(metrics)


def dashboard_table(results: list[Json]) -> str:
    """One row per size."""
    header = [
        "train rows",
        "first view of a page, slowest of nine",
        "interaction, 95th percentile",
        "largest page sent",
        "memory over 100 reruns",
        "naive app",
        "it sends",
    ]
    rows = [
        [
            f"{r['rows']:,}",
            f"{r['first_view']:.2f} s",
            f"{r['interaction_p95'] * 1000:.0f} ms",
            f"{r['largest_message'] / 2**20:.2f} MiB",
            f"+{r['growth']:.0f} MiB",
            f"{r['naive']:.2f} s",
            f"{r['naive_bytes'] / 2**20:.1f} MiB",
        ]
        for r in results
    ]
    return markdown_table(header, rows)


if __name__ == "__main__":
    main()
