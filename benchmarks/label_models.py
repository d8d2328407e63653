"""How good and how fast are the label models? Against snorkel.labeling.model.LabelModel.

    python -m benchmarks.label_models quality       labels on the public sets (see --bench)
    python -m benchmarks.label_models cases         copies, a liar, one-sided LFs and imbalance
    python -m benchmarks.label_models speed         fit and predict_proba, fresh processes
    python -m benchmarks.label_models simulation    do intervals cover, are copies found?
    python -m benchmarks.label_models end_models    MiniLM fine-tuned on the labels of each

About half an hour for all on two cores. Label models learn from the votes on train and from
valid's gold (the cases: 100 gold rows); they are judged on covered rows of test.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.readme import ROOT, load, markdown_table, replace_block, save
from weakft import make_label_model
from weakft.evaluation.metrics import macro_f1
from weakft.intervals import jeffreys
from weakft.label_models import LABEL_MODELS, LabelModel
from weakft.label_models.groups import find_groups
from weakft.label_models.snorkel import Snorkel
from weakft.runs import Json

PARTS = ("quality", "cases", "speed", "simulation", "end_models")
MOST_ROWS = 4000
SETS = ("youtube", "sms", "trec", "agnews")
SEEDS = 5
PLAIN = "snorkel 0.10"
SIZES = [(n, m, c) for n in (100_000, 1_000_000) for m in (10, 50, 200) for c in (0.02, 0.1, 0.5)]
MOST_CELLS = 60_000_000  # Snorkel needs 8 (k + 1) bytes for each
CARDINALITY = 4
TRIALS = 200

Votes = npt.NDArray[np.int8]
Labels = npt.NDArray[np.intp]
Case = Callable[[np.random.Generator, int], tuple[Votes, Labels]]


def main() -> None:
    """Run the parts asked for, print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=PARTS, metavar="|".join(PARTS))
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench")
    parser.add_argument("--once", help="fit and predict in this process, tell, and end")
    arguments = parser.parse_args()
    if arguments.once:
        print(json.dumps(once(**json.loads(arguments.once))))
        return
    made = {
        "quality": (lambda: quality(arguments.bench), quality_table),
        "cases": (cases, cases_table),
        "speed": (speed, speed_table),
        "simulation": (simulation, simulation_table),
        "end_models": (lambda: end_models(arguments.bench), end_models_table),
    }
    for part in arguments.parts:
        measure, table = made[part]
        save(f"label_models_{part}", measure())
        shown = table(load(f"label_models_{part}"))
        print(shown, flush=True)
        replace_block(f"label-models-{part.replace('_', '-')}", shown)


def models_of(cardinality: int) -> dict[str, LabelModel]:
    """Every label model, and Snorkel as it comes."""
    models = {name: make_label_model(name, cardinality) for name in LABEL_MODELS}
    return {**models, PLAIN: Snorkel(cardinality, n_epochs=100, seeds=1)}


def quality(bench: Path) -> Json:
    """Each label model on each set, with valid's gold and without."""
    return {
        name: {gold: judged(bench / name, gold) for gold in ("gold", "no gold")} for name in SETS
    }


def judged(source: Path, gold: str) -> Json:
    """Accuracy, negative log-likelihood and calibration error on covered test rows."""
    L, train_gold = votes_of(source, "train")
    dev, test = votes_of(source, "valid"), votes_of(source, "test")
    cardinality = int(max(L.max(), train_gold.max())) + 1
    results = {}
    for name, model in models_of(cardinality).items():
        if gold == "gold":
            model.fit(L, Y_dev=dev[1], L_dev=dev[0])
        else:
            model.fit(L)
        results[name] = label_scores(model.predict_proba(test[0]), *test)
        results[name]["chosen"] = model.details().get("chosen")
    print(source.name, gold, {k: round(v["accuracy"], 3) for k, v in results.items()}, flush=True)
    return results


def votes_of(source: Path, split: str) -> tuple[Votes, Labels]:
    """The published votes and the gold of a split."""
    rows = json.loads((source / f"{split}.json").read_text()).values()
    votes = np.array([row["weak_labels"] for row in rows], dtype=np.int8)
    return votes, np.array([row["label"] for row in rows])


def label_scores(probs: npt.NDArray[np.float64], L: Votes, gold: Labels) -> Json:
    """Of covered rows; the calibration error over ten bins of confidence (Guo et al., 2017)."""
    covered = (L >= 0).any(axis=1)
    probs, gold = probs[covered], gold[covered]
    right, confidence = probs.argmax(axis=1) == gold, probs.max(axis=1)
    bins = np.minimum((confidence * 10).astype(int), 9)
    error = sum(
        abs(right[bins == b].mean() - confidence[bins == b].mean()) * (bins == b).mean()
        for b in np.unique(bins)
    )
    likelihood = np.maximum(probs[np.arange(len(gold)), gold], 1e-6)
    return {
        "rows": len(gold),
        "accuracy": float(right.mean()),
        "nll": float(-np.log(likelihood).mean()),
        "ece": float(error),
    }


def quality_table(results: Mapping[str, Any]) -> str:
    """Models x sets: accuracy / negative log-likelihood / calibration error."""
    names = [*LABEL_MODELS, PLAIN]
    rows = []
    for gold in ("gold", "no gold"):
        for name in names:
            scores = [results[each][gold][name] for each in SETS]
            cells = [f"{s['accuracy']:.3f} / {s['nll']:.2f} / {s['ece']:.2f}" for s in scores]
            mean = np.mean([[s["accuracy"], s["nll"], s["ece"]] for s in scores], axis=0)
            shown = f"{mean[0]:.3f} / {mean[1]:.2f} / {mean[2]:.2f}"
            rows.append([gold, f"**{name}**" if name == "auto" else name, *cells, shown])
    return markdown_table(["", "label model", *SETS, "mean"], rows)


def voters(
    rng: np.random.Generator, gold: Labels, accuracies: list[float], coverage: float
) -> Votes:
    """Independent LFs of two classes."""
    right = rng.random((len(gold), len(accuracies))) < accuracies
    votes = np.where(right, gold[:, None], 1 - gold[:, None])
    return np.where(rng.random(votes.shape) < coverage, votes, -1).astype(np.int8)


def one_weak(rng: np.random.Generator, n: int) -> tuple[Votes, Labels]:
    """Four good LFs and a weak one."""
    gold = rng.integers(0, 2, n)
    return voters(rng, gold, [0.8] * 4 + [0.6], 0.6), gold


def five_copies(rng: np.random.Generator, n: int) -> tuple[Votes, Labels]:
    """The same, the weak one five times."""
    L, gold = one_weak(rng, n)
    return np.hstack([L, np.repeat(L[:, [4]], 4, axis=1)]), gold


def liar(rng: np.random.Generator, n: int) -> tuple[Votes, Labels]:
    """One LF that always votes and is always wrong, three good ones on half of the rows."""
    gold = rng.integers(0, 2, n)
    return np.hstack([(1 - gold)[:, None].astype(np.int8), voters(rng, gold, [0.8] * 3, 0.5)]), gold


def one_sided(rng: np.random.Generator, n: int) -> tuple[Votes, Labels]:
    """3 % positives; three LFs for each class that vote for nothing else."""
    gold = (rng.random(n) < 0.03).astype(int)
    positive = rng.random((n, 3)) < np.where(gold == 1, 0.5, 0.01)[:, None]
    negative = rng.random((n, 3)) < np.where(gold == 0, 0.3, 0.05)[:, None]
    votes = np.hstack([np.where(positive, 1, -1), np.where(negative, 0, -1)])
    return votes.astype(np.int8), gold


CASES: dict[str, Case] = {
    "4 good LFs and a weak one": one_weak,
    "the weak one five times (D1)": five_copies,
    "a liar that always votes (D2)": liar,
    "one-sided LFs, 3 % positives (D3)": one_sided,
}


def cases() -> Json:
    """Accuracy and F1 of class 1 on covered rows, mean of five draws of 10,000 rows."""
    results: Json = {}
    for what, case in CASES.items():
        results[what] = {}
        for gold in ("gold", "no gold"):
            draws = [case_scores(case, gold, seed) for seed in range(SEEDS)]
            results[what][gold] = {
                name: np.mean([draw[name] for draw in draws], axis=0).tolist() for name in draws[0]
            }
    return results


def case_scores(case: Case, gold: str, seed: int) -> dict[str, tuple[float, float]]:
    """(accuracy, F1) of each label model on one draw."""
    rng = np.random.default_rng(seed)
    (L, truth), (L_dev, Y_dev) = case(rng, 10_000), case(rng, 100)
    covered = (L >= 0).any(axis=1)
    scores = {}
    for name, model in models_of(2).items():
        if gold == "gold":
            model.fit(L, Y_dev=Y_dev, L_dev=L_dev)
        else:
            model.fit(L)
        predicted, actual = model.predict_proba(L[covered]).argmax(axis=1), truth[covered]
        both = ((predicted == 1) & (actual == 1)).sum()
        f1 = 2 * both / max((predicted == 1).sum() + (actual == 1).sum(), 1)
        scores[name] = (float((predicted == actual).mean()), float(f1))
    return scores


def cases_table(results: Mapping[str, Any]) -> str:
    """Cases x models; F1 where the classes are skewed."""
    names = [*LABEL_MODELS, PLAIN]
    rows = []
    for what, by_gold in results.items():
        for gold, scores in by_gold.items():
            score = 1 if "positives" in what else 0
            measure = "F1" if score else "accuracy"
            rows.append([what, gold, measure, *(f"{scores[name][score]:.3f}" for name in names)])
    return markdown_table(["case", "", "", *names], rows)


def speed() -> list[Json]:
    """Seconds and memory of fit + predict_proba; Snorkel's where its arrays fit in memory."""
    results = []
    for n, m, coverage in SIZES:
        pair = {"n": n, "m": m, "coverage": coverage}
        for who in ("weakft", "snorkel"):
            if who == "snorkel" and n * m > MOST_CELLS:
                continue
            runs = [
                in_fresh_process(n=n, m=m, coverage=coverage, who=who) for _ in range(runs_of(n))
            ]
            pair[who] = min(runs, key=lambda run: run["seconds"])
        results.append(pair)
        print(pair, flush=True)
    many = {"n": 10_000_000, "m": 50, "coverage": 0.1}
    results.append({**many, "weakft": in_fresh_process(**many, who="weakft")})
    return results


def runs_of(n: int) -> int:
    """Short ones twice: machines stall now and then."""
    return 2 if n <= 100_000 else 1


def in_fresh_process(**case: Any) -> Json:  # noqa: ANN401
    """`once` in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.label_models", "--once", json.dumps(case)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: Json = json.loads(done.stdout.splitlines()[-1])
    return result


def once(n: int, m: int, coverage: float, who: str) -> Json:
    """Seconds, peak memory beyond the label matrix, and a check sum."""
    from snorkel.labeling.model import LabelModel as Original

    small = synthetic(200, m, 0.5)  # imports and threads apart
    Original(cardinality=CARDINALITY, verbose=False).fit(small, n_epochs=1, progress_bar=False)
    Snorkel(CARDINALITY, n_epochs=1, seeds=1).fit(small).predict_proba(small)
    L = synthetic(n, m, coverage)
    before = resident_kib()
    start = time.perf_counter()
    if who == "snorkel":
        original = Original(cardinality=CARDINALITY, verbose=False)
        original.fit(L, seed=0, progress_bar=False)
        probs = original.predict_proba(L)
    else:
        ours = Snorkel(CARDINALITY, n_epochs=100, seeds=1).fit(L)
        probs = ours.predict_proba(L)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": seconds,
        "beyond_mib": (peak - before) / 1024,
        "peak_mib": peak / 1024,
        "mean": probs.mean(axis=0).round(4).tolist(),
    }


def resident_kib() -> int:
    """Memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def synthetic(n: int, m: int, coverage: float) -> Votes:
    """Votes of independent LFs of accuracy .5 to .9, made block by block."""
    rng = np.random.default_rng(0)
    accuracies = rng.uniform(0.5, 0.9, m).astype(np.float32)
    L = np.full((n, m), -1, dtype=np.int8)
    for start in range(0, n, 100_000):
        block = L[start : start + 100_000]
        gold = rng.integers(0, CARDINALITY, len(block), dtype=np.int8)[:, None]
        apart = rng.integers(1, CARDINALITY, block.shape, dtype=np.int8)
        right = rng.random(block.shape, dtype=np.float32) < accuracies
        votes = np.where(right, gold, (gold + apart) % CARDINALITY)
        voted = rng.random(block.shape, dtype=np.float32) < coverage
        block[voted] = votes[voted]
    return L


def speed_table(results: list[Json]) -> str:
    """Seconds, MiB beyond the label matrix, ratios."""
    header = ["rows x LFs, coverage", "Snorkel", "weakft", "faster", "less memory"]
    rows = []
    for pair in results:
        ours, theirs = pair["weakft"], pair.get("snorkel")
        what = f"{pair['n']:,} x {pair['m']}, {pair['coverage']:.0%}"
        shown = f"{ours['seconds']:.2f} s, {ours['beyond_mib']:,.0f} MiB"
        if theirs is None:
            rows.append([what, "not run", shown, "", f"peak {ours['peak_mib']:,.0f} MiB in all"])
            continue
        assert np.allclose(ours["mean"], theirs["mean"], atol=2e-3), what
        rows.append(
            [
                what,
                f"{theirs['seconds']:.2f} s, {theirs['beyond_mib']:,.0f} MiB",
                shown,
                f"**{theirs['seconds'] / ours['seconds']:.1f}x**",
                f"{theirs['beyond_mib'] / max(ours['beyond_mib'], 1):.0f}x",
            ]
        )
    return markdown_table(header, rows)


def end_models(bench: Path) -> Json:
    """Test macro-F1 of MiniLM fine-tuned on the soft labels of each label model, gold on valid."""
    return {name: fine_tuned(bench / name) for name in SETS}


def fine_tuned(source: Path) -> dict[str, float]:
    """One seed, at most 4,000 rows, no gold but for the label model; same labels, same score."""
    from weakft.config import TrainConfig
    from weakft.end_model import EndModel
    from weakft.training import TrainingSet, fine_tune

    classes = list(json.loads((source / "label.json").read_text()).values())
    texts = {split: texts_of(source, split) for split in ("train", "test")}
    (L, _), dev, (_, gold) = (votes_of(source, split) for split in ("train", "valid", "test"))
    rows = np.flatnonzero((L >= 0).any(axis=1))
    rows = np.sort(np.random.default_rng(0).permutation(rows)[:MOST_ROWS])
    settings = TrainConfig(max_length=64)
    scores: dict[str, float] = {}
    known: dict[bytes, float] = {}
    for name, model in models_of(len(classes)).items():
        probs = model.fit(L, Y_dev=dev[1], L_dev=dev[0]).predict_proba(L[rows])
        key = probs.tobytes()
        if key not in known:
            start = EndModel.from_pretrained("default", classes, max_length=64, seed=0)
            weak = TrainingSet(tuple(texts["train"][r] for r in rows), probs, np.ones(len(rows)))
            trained = fine_tune(start, weak, settings).model
            predicted = trained.predict_proba(texts["test"]).argmax(axis=1)
            known[key] = macro_f1(gold, predicted, len(classes))
        scores[name] = known[key]
        print(source.name, name, round(scores[name], 3), flush=True)
    return scores


def texts_of(source: Path, split: str) -> list[str]:
    """The texts of a split."""
    rows = json.loads((source / f"{split}.json").read_text()).values()
    return [row["data"]["text"] for row in rows]


def end_models_table(results: Mapping[str, Mapping[str, float]]) -> str:
    """Models x sets, and the mean."""
    rows = []
    for name in (*LABEL_MODELS, PLAIN):
        scores = [results[each][name] for each in SETS]
        shown = [f"{score:.3f}" for score in (*scores, np.mean(scores))]
        rows.append([f"**{name}**" if name == "auto" else name, *shown])
    return markdown_table(["label model", *SETS, "mean"], rows)


def simulation() -> Json:
    """How often intervals hold the truth, and copies are found and imagined."""
    rng = np.random.default_rng(0)
    held, total = 0, 0
    for _ in range(TRIALS * 50):
        accuracy, votes = rng.uniform(0.5, 0.95), int(rng.integers(5, 200))
        estimate = jeffreys(int(rng.binomial(votes, accuracy)), votes)
        assert estimate is not None
        held += estimate.low <= accuracy <= estimate.high
        total += 1
    alarms, found = 0, {"copy": 0, "noisy copy": 0}
    for trial in range(TRIALS):
        draw = np.random.default_rng(trial)
        gold = draw.integers(0, 3, 2000)
        L = three_classes(draw, gold, 8)
        alarms += bool(find_groups(L, 3).found)
        for kind, noise in (("copy", 0.0), ("noisy copy", 0.1)):
            other = three_classes(draw, gold, 1)[:, 0]
            copy = np.where(draw.random(len(L)) < noise, other, L[:, 0])
            groups = find_groups(np.hstack([L, copy[:, None]]).astype(np.int8), 3).found
            found[kind] += [group.members for group in groups] == [(0, 8)]
    return {
        "intervals": held / total,
        "false_alarms": alarms / TRIALS,
        **{kind: count / TRIALS for kind, count in found.items()},
        "trials": TRIALS,
    }


def three_classes(rng: np.random.Generator, gold: Labels, lfs: int) -> Votes:
    """Independent LFs of accuracy .5 to .9 and coverage .1 to .6."""
    n = len(gold)
    right = rng.random((n, lfs)) < rng.uniform(0.5, 0.9, lfs)
    votes = np.where(right, gold[:, None], (gold[:, None] + rng.integers(1, 3, (n, lfs))) % 3)
    return np.where(rng.random((n, lfs)) < rng.uniform(0.1, 0.6, lfs), votes, -1).astype(np.int8)


def simulation_table(result: Json) -> str:
    """One line a question."""
    lines = [
        ("95 % intervals of LF accuracy that hold the truth", "intervals"),
        ("a copy among nine LFs is found, and nothing else", "copy"),
        ("a copy with a tenth of its votes redrawn is found, and nothing else", "noisy copy"),
        ("eight independent LFs: some are taken for dependent", "false_alarms"),
    ]
    rows = [[what, f"{result[key]:.1%}"] for what, key in lines]
    return markdown_table(["2,000 rows, three classes", f"of {result['trials']} trials"], rows)


if __name__ == "__main__":
    main()
