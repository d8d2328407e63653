"""What does a night cost? `weakft retrain` on 100,000 rows where little changed.

    python -m benchmarks.nightly

The rules of the demo and one more; a head on a frozen MiniLM, 256 rows a step; each text is a
sentence of the demo's training rows and two words of others. After a first night, which runs the
encoder on all texts, one retraining in a fresh process each: nothing changed; an edit of a pattern,
of a rule that calls twenty others, of a word list whose rule four others call; one per cent of new
rows. The votes asked for are counted in a project of its own.

    python -m benchmarks.nightly --folder DIR    keeps the first night there, for another time
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console

from benchmarks.readme import ROOT, markdown_table, replace_block, save
from weakft.apply.chunk import ChunkVotes
from weakft.apply.table import Table, Task
from weakft.apply.workers import Workers
from weakft.dataset import read_dataset
from weakft.narration import SILENCE
from weakft.pipeline.voting import cast_votes
from weakft.project import Project
from weakft.runs import Json

ROWS = 100_000
NEW_SHARE = 0.01
TRAIN = """[train]
strategy = "head"
learning_rate = 1e-3
per_device_train_batch_size = 256
"""
ONE_MORE = """
names_a_price = regex_lf("names_a_price", r"\\d+ (dollars|bucks)", Label.NEUTRAL)
"""
EDITS = {
    "an LF edited: a pattern": ("(dollars|bucks)", "(dollars|bucks|euros)"),
    "... that calls 20 others": ('FEATURES = """adapter ', 'FEATURES = """adapter adapters '),
    "... that 4 others call": ('GRIEF = """annoyed ', 'GRIEF = """aggrieved annoyed '),
}
RETRAIN = """
[retrain]
gold = "valid"
"""


def main() -> None:
    """The nights; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--folder", type=Path, help="of a project whose first night was")
    parser.add_argument("--first-night-only", action="store_true")
    arguments = parser.parse_args()
    rows = arguments.rows
    with tempfile.TemporaryDirectory() as scratch:
        project = arguments.folder or Path(scratch) / "timed"
        if not project.exists():
            make_project(project, rows)
            print("the first night", retrained(project), flush=True)
        if arguments.first_night_only:
            return
        nights = {
            "nothing changed": retrained(project),
            **{name: retrained(project, partial(edit, project, name)) for name in EDITS},
            "1 % new rows": retrained(project, lambda: add_rows(project, rows)),
        }
        votes = count_votes(make_project(Path(scratch) / "counted", rows), rows)
    result = {"rows": rows, "nights": nights, "votes": votes}
    save("nightly", result)
    table = nightly_table(result)
    Console(soft_wrap=True).print(table, markup=False)
    replace_block("nightly", table)


def make_project(folder: Path, rows: int) -> Path:
    """The demo's with more rows, and its head alone to be trained."""
    shutil.copytree(ROOT / "data", folder / "data")
    shutil.copytree(ROOT / "labeling", folder / "labeling")
    with (folder / "labeling" / "reviews.py").open("a") as file:
        file.write(ONE_MORE)
    text = (ROOT / "weakft.toml").read_text().split("[evaluate]")[0]
    text = text.replace("[train]\n", TRAIN)
    (folder / "weakft.toml").write_text(text + RETRAIN)
    made_up(folder, rows, 0).to_parquet(train_file(folder))
    return folder


def train_file(project: Path) -> Path:
    """Where the training rows lie."""
    return project / "data" / "reviews" / "train.parquet"


def made_up(project: Path, rows: int, start: int) -> pd.DataFrame:
    """Distinct texts, nearly all; ids go on from `start`."""
    sentences = pd.read_parquet(ROOT / "data" / "reviews" / "train.parquet")["text"].to_numpy()
    rng = np.random.default_rng(start)
    words = np.array(sorted({word for text in sentences for word in text.split()}))
    texts = [
        f"{sentence} {first} {second}"
        for sentence, (first, second) in zip(
            rng.choice(sentences, rows), rng.choice(words, (rows, 2)), strict=True
        )
    ]
    return pd.DataFrame({"id": [f"row-{start + n}" for n in range(rows)], "text": texts})


def add_rows(project: Path, rows: int) -> None:
    """One per cent more, at the end."""
    old = pd.read_parquet(train_file(project))
    new = made_up(project, round(rows * NEW_SHARE), len(old))
    pd.concat([old, new]).to_parquet(train_file(project))


def edit(project: Path, name: str) -> None:
    """One word more in one word list."""
    before, after = EDITS[name]
    file = project / "labeling" / "reviews.py"
    text = file.read_text()
    edited = text.replace(before, after, 1)
    assert edited != text
    file.write_text(edited)


def retrained(project: Path, change: Callable[[], None] = lambda: None) -> Json:
    """Change something, retrain in a fresh process: how long, and what came of it."""
    change()
    command = [sys.executable, "-m", "weakft", "retrain", "--json", "--project", str(project)]
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.perf_counter() - start
    outcome = json.loads(done.stdout)
    return {"seconds": round(seconds, 1), "status": outcome["status"], "exit": done.returncode}


def count_votes(project: Path, rows: int) -> Json:
    """How many votes LFs are asked for, beside those of an audit."""
    lfs = len(_cast(project))
    changes: dict[str, Callable[[], None]] = {
        **{name: partial(edit, project, name) for name in EDITS},
        "1 % new rows": lambda: add_rows(project, rows),
    }
    votes = {}
    for name, change in changes.items():
        with counting() as asked:
            change()
            _cast(project)
        votes[name] = sum(asked)
    return {"lfs": lfs, **votes}


def _cast(folder: Path) -> tuple[str, ...]:
    project = Project.open(folder)
    return cast_votes(project, read_dataset(project.config, folder), SILENCE)["train"].lf_names


@contextmanager
def counting() -> Iterator[list[int]]:
    """The number of votes of each task that is computed within."""
    asked: list[int] = []
    compute = Table.compute

    def counted(table: Table, tasks: Sequence[Task], workers: Workers) -> Iterator[ChunkVotes]:
        asked.extend(len(table.ids[task.rows]) * len(task.lfs) for task in tasks)
        return compute(table, tasks, workers)

    Table.compute = counted  # type: ignore[method-assign]
    try:
        yield asked
    finally:
        Table.compute = compute  # type: ignore[method-assign]


def nightly_table(result: Json) -> str:
    """Nights: seconds, votes asked for, status."""
    lfs, rows = result["votes"]["lfs"], result["rows"]
    votes = {"nothing changed": 0, **result["votes"]}
    cells = [
        [name, f"{votes[name]:,}", f"{night['seconds']:.1f}", night["status"]]
        for name, night in result["nights"].items()
    ]
    header = [f"{rows:,} rows, {lfs} LFs", "votes computed", "seconds", "status"]
    return markdown_table(header, cells)


if __name__ == "__main__":
    main()
