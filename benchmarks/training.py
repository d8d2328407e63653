"""Which strategy, which targets? MiniLM on weak labels alone, gold only for the label model.

    python -m benchmarks.training strategies        what learns: everything, the top, the head
    python -m benchmarks.training objectives        labels as voted, or by votes and texts
    python -m benchmarks.training strategies --sets trec --seeds 0 1 2
    python -m benchmarks.training objectives --seeds 1 2 --only relabelled    a leading one again
    python -m benchmarks.training speed             rows a second of the strategies, in turns

Half a minute a run on two cores. Soft labels are those of `auto`; at most 2,000 training rows,
max length 64; macro-F1 on valid, which label model and nothing else has seen (on `reviews` that
has seen dev alone), and on test. Choose by valid; test is there to check the choice.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.label_models import SETS, texts_of, votes_of
from benchmarks.readme import RESULTS, ROOT, load, markdown_table, replace_block, save
from weakft import make_label_model
from weakft.config import TrainConfig
from weakft.dataset import read_dataset
from weakft.end_model import EndModel
from weakft.evaluation.metrics import macro_f1
from weakft.labels import SoftLabels, Votes
from weakft.narration import SILENCE
from weakft.pipeline.voting import cast_votes
from weakft.project import Project
from weakft.runs import Json
from weakft.training.network import Network
from weakft.training.workshop import Workshop

PARTS: dict[str, dict[str, dict[str, Any]]] = {
    "strategies": {
        "full": {},
        "freeze half": {"strategy": "freeze"},
        "gradual": {"strategy": "gradual"},
        "head": {"strategy": "head", "learning_rate": 1e-3},
        "lora": {"strategy": "lora", "learning_rate": 1e-3},
        "ia3": {"strategy": "ia3", "learning_rate": 5e-3},
        "adapter": {"strategy": "adapter", "learning_rate": 1e-3},
        "prompt": {"strategy": "prompt", "learning_rate": 1e-2},
        "p_tuning": {"strategy": "p_tuning", "learning_rate": 3e-3},
    },
    "objectives": {
        "soft cross-entropy": {},
        "relabelled": {"relabel": True},
    },
}

REMOVED = {
    "strategies": ("full, decay .9", "full, probe first"),
    "objectives": (
        *("label smoothing", "generalised", "symmetric", "bootstrapping", "early learning"),
        *("MixUp .4", "confidence weights", "surest 80 %", "cut statistic 80 %"),
        *("cut statistic 50 %", "confident learning", "uncovered filled", "averaged weights"),
        *("self-training", "uncovered filled, self-training", "relabelled, self-training"),
    ),
}
"""What was measured once and taken out, since no row spoke for it; the rows stay."""

PLAIN = {"max_length": 64, "relabel": False}  # what all variants but the relabelled learn from
MOST_ROWS = 2000
TIMED_ROWS = 800
TURNS = 3
LEADING_SEEDS = 3


@dataclass(frozen=True)
class Task:
    """A set with the soft labels of `auto`."""

    classes: tuple[str, ...]
    texts: tuple[str, ...]
    soft: SoftLabels
    votes: Votes
    held_out: Mapping[str, tuple[list[str], Any]]

    @classmethod
    def of(cls, source: Path) -> "Task":
        """A set in the WRENCH layout."""
        classes = tuple(json.loads((source / "label.json").read_text()).values())
        L, _ = votes_of(source, "train")
        held_out = {s: (texts_of(source, s), votes_of(source, s)[1]) for s in ("valid", "test")}
        return cls.labelled(
            classes, texts_of(source, "train"), L, votes_of(source, "valid"), held_out
        )

    @classmethod
    def reviews(cls) -> "Task":
        """The demo of this repository."""
        project = Project.open(ROOT)
        data = read_dataset(project.config, project.root)
        votes = cast_votes(project, data, SILENCE)
        held_out = {s: (list(data[s].texts), np.array(data[s].gold)) for s in ("valid", "test")}
        dev = votes["dev"].values, np.array(data["dev"].gold)
        classes = project.config.classes
        return cls.labelled(
            classes, list(data["train"].texts), votes["train"].values, dev, held_out
        )

    @classmethod
    def labelled(
        cls,
        classes: tuple[str, ...],
        texts: list[str],
        L: Votes,
        dev: tuple[Votes, Any],
        held_out: Mapping[str, tuple[list[str], Any]],
    ) -> "Task":
        """Soft labels for rows drawn from all of train, covered or not."""
        model = make_label_model("auto", len(classes)).fit(L, Y_dev=dev[1], L_dev=dev[0])
        rows = np.sort(np.random.default_rng(0).permutation(len(L))[:MOST_ROWS])
        soft = SoftLabels(
            model.predict_proba(L[rows]),
            (L[rows] >= 0).any(axis=1),
            tuple(str(row) for row in rows),
            classes,
        )
        return cls(classes, tuple(texts[row] for row in rows), soft, L[rows], held_out)

    def first(self, n: int) -> "Task":
        """Its first so many rows."""
        soft = SoftLabels(
            self.soft.probs[:n], self.soft.covered[:n], self.soft.ids[:n], self.classes
        )
        return Task(self.classes, self.texts[:n], soft, self.votes[:n], self.held_out)


def main() -> None:
    """Run what was asked for, beside what is known already; print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=[*PARTS, "speed"])
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench")
    parser.add_argument("--sets", nargs="+", default=["reviews", *SETS])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--only", nargs="+", help="variants")
    arguments = parser.parse_args()
    if arguments.part == "speed":
        save("training_speed", speeds(Task.of(arguments.bench / "trec").first(TIMED_ROWS)))
    else:
        compare(arguments)
    for part in PARTS:
        variants = [*PARTS[part], *REMOVED[part]]
        table = training_table(variants, load(f"training_{part}"), load("training_speed"))
        print(table)
        replace_block(f"training-{part}", table)
    table = leading_table(load("training_objectives"))
    print(table)
    replace_block("training-leading", table)


def compare(arguments: argparse.Namespace) -> None:
    """Run the variants of a part; known cells of other sets, variants and seeds stay."""
    file = RESULTS / f"training_{arguments.part}.json"
    results: Json = json.loads(file.read_text()) if file.exists() else {}
    for name in arguments.sets:
        task = Task.reviews() if name == "reviews" else Task.of(arguments.bench / name)
        for variant, changes in PARTS[arguments.part].items():
            if arguments.only and variant not in arguments.only:
                continue
            for seed in arguments.seeds:
                run = run_once(task, {**changes, "seed": seed})
                results.setdefault(name, {}).setdefault(variant, {})[str(seed)] = run
                print(name, variant, seed, run, flush=True)
                save(f"training_{arguments.part}", results)


def run_once(task: Task, changes: Mapping[str, Any]) -> Json:
    """Fine-tune once; macro-F1 on valid and test, and the share that learns."""
    settings = TrainConfig.model_validate({**PLAIN, **changes})
    workshop = Workshop(task.classes, settings, task.texts, task.soft, task.votes)
    trained = workshop.weak_model()
    scores = {
        split: macro_f1(gold, trained.model.predict_proba(texts).argmax(axis=1), len(task.classes))
        for split, (texts, gold) in task.held_out.items()
    }
    return {
        **{split: round(score, 4) for split, score in scores.items()},
        "learning": learning_share(workshop.fresh_model(), settings),
    }


def speeds(task: Task) -> Json:
    """Rows a second of every strategy: the best of turns taken one after the other."""
    best: dict[str, float] = {}
    for _ in range(TURNS):
        for variant, changes in PARTS["strategies"].items():
            settings = TrainConfig.model_validate({**PLAIN, **changes})
            workshop = Workshop(task.classes, settings, task.texts, task.soft, task.votes)
            speed = workshop.weak_model().examples_per_second
            best[variant] = max(best.get(variant, 0), round(speed, 1))
            print(variant, round(speed), flush=True)
    return best


def learning_share(model: EndModel, settings: TrainConfig) -> float:
    """Share of the parameters that learn."""
    network = Network.of(model, settings)
    sizes = [(p.numel(), p.requires_grad) for p in network.prepared.parameters()]
    return round(sum(n for n, free in sizes if free) / sum(n for n, _ in sizes), 4)


def training_table(
    variants: Sequence[str], results: Mapping[str, Any], speed: Mapping[str, float]
) -> str:
    """Variants x sets: macro-F1 on valid / test, mean over seeds; speed where it was timed."""
    removed = {variant for names in REMOVED.values() for variant in names}
    sets = [name for name in ("reviews", *SETS) if name in results]
    timed = any(variant in speed for variant in variants)
    rows = []
    shared = {
        name: set.intersection(*(set(results[name][v]) for v in variants if v in results[name]))
        for name in sets
    }
    for variant in variants:
        runs = [
            [run for seed, run in results[name].get(variant, {}).items() if seed in shared[name]]
            for name in sets
        ]
        if not all(runs):
            continue
        means = np.array([[_mean(of, "valid"), _mean(of, "test")] for of in runs])
        name = f"{variant} (removed)" if variant in removed else variant
        row = [name, f"{_mean(runs[0], 'learning'):.1%}"] if timed else [name]
        row += [f"{valid:.3f} / {test:.3f}" for valid, test in means]
        row.append(f"{means[:, 0].mean():.3f} / {means[:, 1].mean():.3f}")
        rows.append([*row, f"{speed[variant]:.0f}" if variant in speed else ""] if timed else row)
    named = [f"{n} ({len(shared[n])} seeds)" if len(shared[n]) > 1 else n for n in sets]
    header = ["", "learning", *named, "mean", "rows a second"] if timed else ["", *named, "mean"]
    return markdown_table(header, rows)


def leading_table(results: Mapping[str, Any]) -> str:
    """Test macro-F1 of the objectives trained with several seeds: mean, standard deviation."""
    sets = [name for name in ("reviews", *SETS) if name in results]
    rows = []
    for variant in (*PARTS["objectives"], *REMOVED["objectives"]):
        scores = [[run["test"] for run in results[name].get(variant, {}).values()] for name in sets]
        if min(map(len, scores)) < LEADING_SEEDS:
            continue
        shown = [f"{np.mean(of):.3f} ± {np.std(of, ddof=1):.3f}" for of in scores]
        rows.append([variant, *shown, f"{np.mean([np.mean(of) for of in scores]):.3f}"])
    return markdown_table(["", *sets, "mean"], rows)


def by_set(results: Mapping[str, Any], split: str) -> dict[str, dict[str, float]]:
    """Macro-F1 by variant and set, mean over seeds, of what ran on every set."""
    sets = [name for name in ("reviews", *SETS) if name in results]
    variants = [each for each in results[sets[0]] if all(each in results[name] for name in sets)]
    return {
        variant: {name: _mean(list(results[name][variant].values()), split) for name in sets}
        for variant in variants
    }


def _mean(runs: list[Json], key: str) -> float:
    return float(np.mean([run[key] for run in runs]))


if __name__ == "__main__":
    main()
