"""Are labels without gold ever worse than a majority vote's? Simulated LFs, most of them one-sided.

    python -m benchmarks.one_sided            36 settings of two classes, five seeds, two minutes
    python -m benchmarks.one_sided --wide     up to ten classes, unequal LFs, copies, dependent LFs

Accuracy and macro-F1 of the most probable class on covered rows, ties to the first class, as
`auto` labels them without gold and as a majority vote does. Ends with an error where `auto` is
behind by more than .01 on the mean of the seeds.
"""

import argparse
import itertools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.readme import markdown_table, replace_block, save
from weakft import make_label_model
from weakft.evaluation.metrics import macro_f1
from weakft.label_models import AutoLabelModel
from weakft.runs import Json

ROWS = 2000
SEEDS = 5
MOST_BEHIND = 0.01

Votes = npt.NDArray[np.int8]
Labels = npt.NDArray[np.intp]
Draw = Callable[[np.random.Generator], tuple[Votes, Labels]]


@dataclass(frozen=True)
class OneSided:
    """LFs that vote for one class each, independent given the class.

    Attributes:
        prior: [k] class shares.
        lfs: how many, dealt to the classes in turn.
        accuracy: share of an LF's votes that are right; of unequal LFs the mean.
        coverage: share of rows that an LF votes on.
        spread: accuracies and coverages differ by up to this share of themselves.
        copies: so many LFs more, each a copy of one with a tenth of its votes redrawn.
        two_sided: so many LFs more that vote for any class.
        bursts: rows differ in how many LFs fire, as long and short texts do.
    """

    prior: tuple[float, ...]
    lfs: int
    accuracy: float
    coverage: float
    spread: float = 0.0
    copies: int = 0
    two_sided: int = 0
    bursts: bool = False

    def __call__(self, rng: np.random.Generator, rows: int = ROWS) -> tuple[Votes, Labels]:
        """Votes and the classes of so many rows."""
        prior, k = np.array(self.prior), len(self.prior)
        gold = rng.choice(k, size=rows, p=prior)
        classes = np.arange(self.lfs) % k
        accuracy = self._unequal(rng, self.accuracy, 0.97)
        coverage = self._unequal(rng, self.coverage, 0.9)
        right = np.minimum(coverage * accuracy / prior[classes], 1)
        wrong = np.minimum(coverage * (1 - accuracy) / (1 - prior[classes]), 1)
        fires = np.where(gold[:, None] == classes, right, wrong)
        if self.bursts:
            fires = np.minimum(fires * rng.choice([0.4, 1.6], size=(rows, 1)), 1)
        votes = np.where(rng.random((rows, self.lfs)) < fires, classes, -1)
        copied = votes[:, rng.integers(self.lfs, size=self.copies)]
        redrawn = rng.permuted(copied, axis=0)
        copied = np.where(rng.random(copied.shape) < 0.1, redrawn, copied)
        others = (gold[:, None] + rng.integers(1, k, size=(rows, self.two_sided))) % k
        voted = np.where(rng.random(others.shape) < self.accuracy, gold[:, None], others)
        silent = rng.random(others.shape) >= self.coverage
        return np.hstack([votes, copied, np.where(silent, -1, voted)]).astype(np.int8), gold

    def _unequal(
        self, rng: np.random.Generator, mean: float, most: float
    ) -> npt.NDArray[np.float64]:
        factors = rng.uniform(1 - self.spread, 1 + self.spread, self.lfs)
        return np.asarray(np.minimum(mean * factors, most))

    def __str__(self) -> str:
        shown = " ".join(f"{share:.2g}" for share in self.prior[:3])
        more = " ..." if len(self.prior) > 3 else ""
        extras = {
            f"unequal by {self.spread:g}": self.spread,
            f"{self.copies} copies": self.copies,
            f"{self.two_sided} two-sided": self.two_sided,
            "bursts": self.bursts,
        }
        return ", ".join(
            [
                f"{len(self.prior)} classes ({shown}{more})",
                f"{self.lfs} LFs",
                f"accuracy {self.accuracy:g}",
                f"coverage {self.coverage:g}",
                *(name for name, there in extras.items() if there),
            ]
        )


def grid() -> list[OneSided]:
    """Two classes, equal LFs: 36 settings."""
    settings = itertools.product((0.3, 0.5, 0.7), (6, 12), (0.65, 0.75, 0.85), (0.1, 0.3))
    return [OneSided((1 - prior, prior), *others) for prior, *others in settings]


def wide_grid() -> list[OneSided]:
    """More classes, unequal LFs, copies, LFs for all classes, rows on which many LFs fire."""
    found = []
    for k in (2, 3, 5, 10):
        even = (1 / k,) * k
        skewed = np.arange(k, 0, -1) / np.arange(1, k + 1).sum()
        rare_first = skewed[::-1]
        for prior in (even, tuple(skewed.tolist()), tuple(rare_first.tolist())):
            for per_class, coverage in ((3, 0.1), (6, 0.1), (6, 0.05)):
                base = (prior, per_class * k, 0.7, coverage)
                found += [
                    OneSided(*base),
                    OneSided(*base, spread=0.3),
                    OneSided(*base, spread=0.3, copies=k),
                    OneSided(*base, spread=0.3, two_sided=3),
                    OneSided(*base, spread=0.3, bursts=True),
                ]
    return found


def compared(draw: OneSided, seeds: int = SEEDS) -> Json:
    """Mean accuracy and macro-F1 of `auto` without gold and of a majority vote."""
    scores: dict[str, list[tuple[float, float]]] = {"auto": [], "majority_vote": []}
    chosen: list[str] = []
    for seed in range(seeds):
        L, gold = draw(np.random.default_rng(seed))
        covered = (L >= 0).any(axis=1)
        for name, results in scores.items():
            model = make_label_model(name, len(draw.prior)).fit(L)
            labels = model.predict_proba(L[covered]).argmax(axis=1)
            accuracy = float((labels == gold[covered]).mean())
            results.append((accuracy, macro_f1(gold[covered], labels, len(draw.prior))))
            if isinstance(model, AutoLabelModel):
                chosen.append(model.chosen.name)
    means = {name: np.mean(each, axis=0).tolist() for name, each in scores.items()}
    return {"setting": str(draw), **means, "chosen": sorted(set(chosen))}


def ahead(result: Mapping[str, list[float]]) -> float:
    """By how much `auto` is more accurate."""
    return result["auto"][0] - result["majority_vote"][0]


def table(results: list[Json]) -> str:
    """Settings x accuracy / macro-F1 of both."""
    rows = [
        [
            each["setting"],
            *(f"{each[name][0]:.3f} / {each[name][1]:.3f}" for name in ("majority_vote", "auto")),
            f"{ahead(each):+.3f}",
            ", ".join(each["chosen"]),
        ]
        for each in results
    ]
    return markdown_table(["simulated LFs", "majority vote", "**auto**", "ahead", "took"], rows)


def main() -> None:
    """Compare in every setting; print the table, and fail where `auto` is behind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wide", action="store_true", help="further settings, not in README")
    wide = parser.parse_args().wide
    results = []
    for draw in wide_grid() if wide else grid():
        results.append(compared(draw))
        print(
            results[-1]["setting"], f"{ahead(results[-1]):+.3f}", results[-1]["chosen"], flush=True
        )
    if wide:
        print(table(results))
    else:
        save("one_sided", results)
        print(table(results))
        replace_block("one-sided", table(results))
    behind = [each["setting"] for each in results if ahead(each) < -MOST_BEHIND]
    if behind:
        sys.exit(f"auto is behind a majority vote by more than {MOST_BEHIND} with: {behind}")


if __name__ == "__main__":
    main()
