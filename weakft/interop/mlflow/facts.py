"""What of a run MLflow is told: settings, numbers, documents; never a row."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from weakft.config import SPLITS, Config
from weakft.model_card import model_card
from weakft.runs import Json, RunFolder, read_json

SCORED = ("valid", "test")


@dataclass(frozen=True)
class Facts:
    """A run in MLflow's terms.

    Attributes:
        run: its folder.
        config: the settings it was made with.
        manifest: what it was made of.
        metrics: its numbers; without the warnings that name rows, where ids are hidden.
    """

    run: RunFolder
    config: Config
    manifest: Json
    metrics: Json

    @property
    def ended(self) -> int:
        """When it was published, in milliseconds since 1970."""
        created: str = self.manifest["created"]
        return round(datetime.fromisoformat(created).timestamp() * 1000)

    @property
    def began(self) -> int:
        """When its first stage began, in the same unit."""
        timings: dict[str, float] = self.metrics.get("timings", {})
        return self.ended - round(1000 * sum(timings.values()))

    @property
    def card(self) -> str:
        """The model card, Markdown."""
        return model_card(self.config, self.metrics, self.manifest)

    @property
    def headline(self) -> str:
        """The score that counts, in a line."""
        for split in reversed(SCORED):
            score = self.metrics["end_model"].get(split, {}).get("macro_f1")
            if score is not None:
                interval = f"[{score['low']:.3f}, {score['high']:.3f}]"
                return f"macro-F1 {score['value']:.3f} {interval} on {split}"
        return "not scored: there was no gold to score it on"

    def params(self) -> dict[str, str]:
        """What decided the run, as short texts by name."""
        train, labels = self.config.train, self.metrics["labels"]
        found = {
            "label_model": labels["chosen"],
            "lfs": len(self.manifest["lfs"]),
            "model": train.model,
            "strategy": train.strategy,
            "gold": self.metrics["end_model"].get("gold", {}).get("recipe"),
            "learning_rate": train.learning_rate,
            "num_train_epochs": train.num_train_epochs,
            "max_length": train.max_length,
            "seed": train.seed,
            "label_model_seed": self.config.label_model.seed,
            "inputs": self.manifest.get("inputs"),
            "review_sha256": self.manifest.get("review", {}).get("sha256"),
        }
        hashes = {
            f"{name}_sha256": about["sha256"] for name, about in self.manifest["data"].items()
        }
        return {name: str(each) for name, each in (found | hashes).items() if each is not None}

    def numbers(self) -> dict[str, float]:
        """Scores with both ends of their intervals, and seconds; `/` groups them in MLflow.

        `test/macro_f1`, `test/macro_f1_low`, `rivals/majority_vote/test/accuracy`,
        `labels/valid/accuracy`, `seconds/train` and so on.
        """
        labels = self.metrics["labels"]
        found = dict(_scores("", self.metrics["end_model"], SCORED))
        for rival, scores in self.metrics.get("rivals", {}).items():
            found |= _scores(f"rivals/{rival}/", scores, SCORED)
        found |= _scores("labels/", labels, SPLITS)
        if "coverage" in labels:
            found["labels/coverage"] = labels["coverage"]
        seconds = self.metrics.get("timings", {})
        return found | {f"seconds/{stage}": taken for stage, taken in seconds.items()}


def read_facts(run: RunFolder, hidden: frozenset[str]) -> Facts:
    """Read what is told of a run.

    Args:
        run: a published one.
        hidden: columns nobody may see, by today's settings; those of the run's own add to them.
    """
    config = Config.stored(run.config)
    metrics = run.read_metrics()
    if config.data.id in hidden | {*config.privacy.hidden}:
        metrics["warnings"] = [
            *metrics["labels"].get("warnings", []),
            *metrics["end_model"].get("warnings", []),
        ]
    return Facts(run, config, read_json(run.manifest), metrics)


def _scores(
    prefix: str, by_split: Mapping[str, Any], splits: tuple[str, ...]
) -> Iterator[tuple[str, float]]:
    for split in splits:
        for name, score in by_split.get(split, {}).items():
            if isinstance(score, dict) and "value" in score:
                yield f"{prefix}{split}/{name}", score["value"]
                yield f"{prefix}{split}/{name}_low", score["low"]
                yield f"{prefix}{split}/{name}_high", score["high"]
            elif isinstance(score, int | float):
                yield f"{prefix}{split}/{name}", score
