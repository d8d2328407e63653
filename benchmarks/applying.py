"""How fast are LFs applied? Against snorkel.labeling.PandasLFApplier, same rows, same matrix.

    python -m benchmarks.applying                    about twenty minutes on two cores
    python -m benchmarks.applying --rows 100000      as long as you have patience for Snorkel

The rules are published ones (see --bench): 73 and 68 regular expressions, 9 lists of hundreds of
words. The texts are repeated up to the number of rows; each gets its row number at its end, so
that none occurs twice (weakft would look at repeated ones once). Each pair runs in turns in one
process; a ratio is one of neighbours in time, printed are the median and the range.
"""

import argparse
import csv
import json
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from snorkel.labeling import LabelingFunction as SnorkelLF
from snorkel.labeling import PandasLFApplier
from snorkel.labeling.apply.dask import PandasParallelLFApplier

from benchmarks.readme import ROOT, markdown_table, replace_block, save
from weakft import ABSTAIN, LabelingFunction, apply_lfs, keyword_lf, labeling_function, regex_lf
from weakft.apply import VoteCache
from weakft.runs import Json

PAIRS = 3
SETS = ("sms", "trec", "agnews")


def main() -> None:
    """Run every workload, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench")
    parser.add_argument("--rows", type=int, default=10_000, help="of a pair")
    parser.add_argument("--many", type=int, default=1_000_000, help="rows for weakft alone")
    arguments = parser.parse_args()
    results = {
        "pairs": [
            pair for name in SETS for pair in pairs_of(arguments.bench / name, arguments.rows)
        ],
        "many": [alone(arguments.bench / name, arguments.many) for name in SETS],
    }
    results["pairs"] += in_processes(arguments.bench / "sms", 5 * arguments.rows)
    results["pairs"] += losing_cases()
    results["edits"] = [edit_one(arguments.bench / "sms", arguments.many)]
    save("applying", results)
    table = applying_table(results)
    print(table)
    replace_block("applying", table)


def pairs_of(source: Path, rows: int) -> list[Json]:
    """The same rules as plain Python and in declarative form."""
    frame = texts_of(source, rows)
    opaque, declarative = lfs_of(source)
    what = f"{source.name}, {len(opaque)} LFs"
    return [
        compare(f"{what}: plain Python", opaque, opaque, frame),
        compare(f"{what}: declarative", opaque, declarative, frame),
    ]


def in_processes(source: Path, rows: int) -> list[Json]:
    """Plain Python LFs in two processes, which take a second to start.

    Snorkel's parallel applier calls each LF with rows of NA first, which no pattern can search:
    the LFs of that pair turn the cell into a string.
    """
    opaque, _ = lfs_of(source)
    robust = [
        LabelingFunction(lf.name, lambda x, lf=lf: lf(SimpleNamespace(text=str(x.text))))
        for lf in opaque
    ]
    what = f"{source.name}, {len(opaque)} LFs: plain Python, 2 processes"
    frame = texts_of(source, rows)
    return [
        compare(what, opaque, opaque, frame, workers=2),
        compare(f"{what}; Snorkel's 2", robust, robust, frame, workers=2, parallel_twin=True),
    ]


def edit_one(source: Path, rows: int) -> Json:
    """All plain Python LFs once, then again after one of them was edited."""
    opaque, _ = lfs_of(source)
    edited = [LabelingFunction(opaque[0].name, searching("free", 1)), *opaque[1:]]
    frame = texts_of(source, rows)
    with tempfile.TemporaryDirectory() as folder:
        cache = VoteCache(Path(folder) / "votes.sqlite")
        start = time.perf_counter()
        apply_lfs(opaque, frame, cache=cache)
        full = time.perf_counter() - start
        start = time.perf_counter()
        L = apply_lfs(edited, frame, cache=cache)
        seconds = time.perf_counter() - start
        assert np.array_equal(L.values, apply_lfs(edited, frame).values)
    print("edit one of", rows, round(full, 2), round(seconds, 2), flush=True)
    return {
        "what": f"{source.name}, {len(opaque)} LFs: plain Python, 1 edited",
        "rows": rows,
        "bytes": int(frame["text"].str.len().sum()),
        "full": full,
        "seconds": seconds,
    }


def losing_cases() -> list[Json]:
    """Where there is little or nothing to win: a trivial LF, a hundred rows."""

    @labeling_function()
    def abstains(x: Any) -> int:  # noqa: ANN401
        return ABSTAIN

    frame = pd.DataFrame({"text": [f"text {i}" for i in range(100)]})
    return [
        compare("1 LF that does nothing", [abstains], [abstains], frame),
        compare(
            "1 LF that does nothing, 2 processes",
            [abstains],
            [abstains],
            frame,
            workers=2,
        ),
    ]


def texts_of(source: Path, rows: int) -> pd.DataFrame:
    """The training texts as the rules want them, repeated, no two alike."""
    train = json.loads((source / "train.json").read_text())
    lowered = [row["data"]["text"].lower().strip() for row in train.values()]
    return pd.DataFrame({"text": [f"{lowered[i % len(lowered)]} #{i}" for i in range(rows)]})


def lfs_of(source: Path) -> tuple[list[LabelingFunction], list[LabelingFunction]]:
    """The set's rules as plain Python functions and in declarative form."""
    if (source / "keywords.json").exists():
        classes = list(json.loads((source / "label.json").read_text()).values())
        lists = [
            (name, rule["keywords"], classes.index(rule["label"]))
            for name, rule in json.loads((source / "keywords.json").read_text()).items()
        ]
        return (
            [LabelingFunction(name, containing(words, label)) for name, words, label in lists],
            [
                keyword_lf(name, words, label, whole_words=False, ignore_case=False)
                for name, words, label in lists
            ],
        )
    with (source / "rules.tsv").open(encoding="utf-8", newline="") as file:
        rules = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    classes = sorted({rule[0] for rule in rules})
    named = [(f"rule_{j}", rule[1], classes.index(rule[0])) for j, rule in enumerate(rules)]
    return (
        [LabelingFunction(name, searching(pattern, label)) for name, pattern, label in named],
        [regex_lf(name, pattern, label) for name, pattern, label in named],
    )


def searching(pattern: str, label: int) -> Callable[[Any], int]:
    """A plain Python function that searches a pattern."""
    search = re.compile(pattern).search
    return lambda x: label if search(x.text) else ABSTAIN


def containing(words: Sequence[str], label: int) -> Callable[[Any], int]:
    """A plain Python function that looks for words."""
    return lambda x: label if any(word in x.text for word in words) else ABSTAIN


def compare(
    what: str,
    theirs: Sequence[SnorkelLF],
    ours: Sequence[SnorkelLF],
    frame: pd.DataFrame,
    workers: int = 1,
    parallel_twin: bool = False,
) -> Json:
    """Seconds of both in turns; equal matrices or an error."""
    theirs_on = partial(PandasLFApplier(list(theirs)).apply, progress_bar=False)
    if parallel_twin:
        theirs_on = partial(PandasParallelLFApplier(list(theirs)).apply, n_parallel=workers)
    snorkel_seconds, weakft_seconds = [], []
    for _ in range(PAIRS):
        start = time.perf_counter()
        expected = theirs_on(frame)
        middle = time.perf_counter()
        L = apply_lfs(ours, frame, workers=workers)
        weakft_seconds.append(time.perf_counter() - middle)
        snorkel_seconds.append(middle - start)
        assert np.array_equal(L.values, expected), what
    pair = {
        "what": what,
        "rows": len(frame),
        "bytes": int(frame["text"].str.len().sum()),
        "snorkel": snorkel_seconds,
        "weakft": weakft_seconds,
        "ratios": [s / w for s, w in zip(snorkel_seconds, weakft_seconds, strict=True)],
    }
    print(what, [round(ratio, 1) for ratio in pair["ratios"]], flush=True)
    return pair


def alone(source: Path, rows: int) -> Json:
    """The declarative form on many rows."""
    frame = texts_of(source, rows)
    _, declarative = lfs_of(source)
    start = time.perf_counter()
    apply_lfs(declarative, frame)
    seconds = time.perf_counter() - start
    print(source.name, rows, round(seconds, 2), flush=True)
    return {
        "what": f"{source.name}, {len(declarative)} LFs: declarative",
        "rows": rows,
        "bytes": int(frame["text"].str.len().sum()),
        "seconds": seconds,
    }


def applying_table(results: Json) -> str:
    """Microseconds a row, MB of text a second, ratios."""
    header = ["rules", "rows", "Snorkel, us a row", "weakft, us a row", "MB/s", "ratio"]
    lines = []
    for pair in results["pairs"]:
        theirs, ours = median(pair["snorkel"]), median(pair["weakft"])
        low, middle, high = np.quantile(pair["ratios"], [0, 0.5, 1])
        shown = f"**{middle:.3g}x** ({low:.3g} to {high:.3g})"
        lines.append(_line(pair, _number(theirs / pair["rows"] * 1e6), ours, shown))
    for edit in results["edits"]:
        shown = (
            f"**{edit['full'] / edit['seconds']:.3g}x** over all of them anew "
            f"({edit['full']:.0f} s, {edit['seconds']:.1f} s)"
        )
        lines.append(_line(edit, "", edit["seconds"], shown))
    lines += [_line(many, "", many["seconds"], "") for many in results["many"]]
    return markdown_table(header, lines)


def _line(case: Json, theirs: str, seconds: float, ratio: str) -> list[str]:
    return [
        case["what"],
        f"{case['rows']:,}",
        theirs,
        _number(seconds / case["rows"] * 1e6),
        _number(case["bytes"] / seconds / 1e6),
        ratio,
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


if __name__ == "__main__":
    main()
