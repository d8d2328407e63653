"""A run folder as tidy tables, for people and for the app. Read only; loads no torch, no LF."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from weakft import advice
from weakft.config import SPLITS, Config, Splits
from weakft.dataset import Split, read_gold, read_split
from weakft.errors import DataError
from weakft.labels import ABSTAIN, LabelMatrix
from weakft.project import Project
from weakft.runs import Json, RunFolder, read_json, sha256

MODEL_NAMES = {
    "end_model": "end model",
    "weak_only": "end model, weak labels alone",
    "gold_only": "same encoder, dev + valid gold alone",
    "majority_vote": "majority vote of the LFs",
    "all_gold": "same encoder, all of train's gold",
}


@dataclass(frozen=True)
class Report:
    """Everything a person may ask of one run.

    Attributes:
        project: the project the run belongs to.
        run: its folder.
    """

    project: Project
    run: RunFolder

    @cached_property
    def config(self) -> Config:
        """The settings the run was made with, not those of today."""
        return Config.load(self.run.config, environ={})

    @cached_property
    def manifest(self) -> Json:
        """What the run was made of."""
        return read_json(self.run.manifest)

    @cached_property
    def metrics(self) -> Json:
        """Every number of the run."""
        return self.run.read_metrics()

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names; votes are their positions."""
        return self.config.classes

    @property
    def splits(self) -> list[Splits]:
        """The splits the run has votes for."""
        return [name for name in SPLITS if self.run.votes(name).exists()]

    @property
    def scored_splits(self) -> list[Splits]:
        """The splits the end model was scored on, the most honest first."""
        held_out: tuple[Splits, ...] = ("test", "valid")
        return [name for name in held_out if name in self.metrics["end_model"]]

    def lf_table(self) -> pd.DataFrame:
        """One row per LF; columns as `weakft.analysis.lf_summary` gives them."""
        return pd.read_parquet(self.run.lf_summary)

    def gaps(self) -> list[Json]:
        """What the uncovered training rows are about, see `weakft.gaps.Gap`."""
        gaps: list[Json] = read_json(self.run.gaps)["gaps"] if self.run.gaps.exists() else []
        return gaps

    def gap_rows(self) -> list[Json]:
        """The same with the texts of a few rows of each, if the run's rows are still there."""
        try:
            rows = self.rows("train")
        except DataError:
            return self.gaps()
        texts = dict(zip(rows.ids, rows.texts, strict=True))
        return [{**gap, "texts": [texts[row_id] for row_id in gap["ids"]]} for gap in self.gaps()]

    def votes(self, split: Splits) -> LabelMatrix:
        """The label matrix of a split."""
        return LabelMatrix.load(self.run.votes(split))

    def rows(self, split: Splits) -> Split:
        """The rows of a split, as the run saw them.

        Raises:
            DataError: the file changed since the run, so its rows are not the run's.
        """
        path = self.project.root / str(getattr(self.config.data, split))
        recorded = self.manifest["data"][split]["sha256"]
        if not path.is_file() or sha256(path) != recorded:
            raise DataError(
                f"{path} is not the file run {self.run.id} was made from. Put that file back, or "
                "make a new run with `weakft run`."
            )
        return read_split(
            path, split, self.config.data, self.classes, task=self.config.project.task
        )

    def gold(self, split: Splits) -> pd.Series | None:
        """Gold class positions by row id: of train, those that evaluation set aside."""
        if split == "train":
            file = self.config.evaluate.train_gold
            path = None if file is None else self.project.root / file
            if path is None or not path.is_file():
                return None
            return read_gold(path, self.config.data, self.classes)
        rows = self.rows(split)
        return None if rows.gold is None else pd.Series(rows.gold, index=list(rows.ids))

    def coverage(self, split: Splits = "train") -> dict[str, int]:
        """How many rows of a split there are, are covered, and are in conflict.

        Returns:
            Counts under rows, covered, conflicting (LFs voting for different classes).
        """
        L = self.votes(split)
        voted = L.values != ABSTAIN
        lowest = np.where(voted, L.values, np.int8(127)).min(axis=1, initial=127)
        conflicting = L.covered & (L.values.max(axis=1, initial=ABSTAIN) != lowest)
        return {
            "rows": len(L.ids),
            "covered": int(L.covered.sum()),
            "conflicting": int(conflicting.sum()),
        }

    def fault(self, lf: str) -> Json | None:
        """The first error one LF raised: its row id and traceback; None if it raised none."""
        by_split = read_json(self.run.faults) if self.run.faults.exists() else {}
        faults: list[Json] = [fault for faults in by_split.values() for fault in faults]
        return next((fault for fault in faults if fault["lf_name"] == lf), None)

    def lf_rows(self, lf: str, split: Splits) -> pd.DataFrame:
        """The rows one LF votes on.

        Returns:
            Columns id, text, vote (class name), gold (class name or missing), wrong (True,
            False or missing without gold), conflict (another LF votes for another class),
            others (what the other LFs say, "lf: class").
        """
        L = self.votes(split)
        column = L.lf_names.index(lf)
        voted = np.flatnonzero(L.values[:, column] != ABSTAIN)
        votes = L.values[voted]
        gold = self._gold_of(split, L.ids)[voted]
        others = [self._others(row, column, L.lf_names) for row in votes]
        vote = votes[:, column]
        conflict = ((votes != ABSTAIN) & (votes != vote[:, None])).any(axis=1)
        return pd.DataFrame(
            {
                "id": pd.Series([L.ids[row] for row in voted], dtype="str"),
                "text": pd.Series(self._texts(split, L.ids, voted), dtype="str"),
                "vote": self._names(vote),
                "gold": self._names(gold),
                "wrong": pd.Series(np.where(gold < 0, None, gold != vote), dtype="boolean"),
                "conflict": conflict,
                "others": pd.Series(others, dtype="str"),
            }
        )

    def label_rows(self) -> pd.DataFrame:
        """The training rows with their soft labels.

        Returns:
            Columns id, text, covered, label (most probable class, missing if uncovered),
            confidence (its probability), votes (number of LFs that voted), gold, wrong (True,
            False or missing without gold or label), p_<class>.
        """
        soft = pd.read_parquet(self.run.soft_labels)
        L = self.votes("train")
        probs = soft[[f"p_{c}" for c in self.classes]].to_numpy()
        best = np.where(soft["covered"], probs.argmax(axis=1), ABSTAIN)
        soft.insert(1, "text", self._texts("train", L.ids, np.arange(len(L.ids))))
        soft["label"] = self._names(best)
        soft["confidence"] = np.where(soft["covered"], probs.max(axis=1), np.nan)
        soft["votes"] = (L.values != ABSTAIN).sum(axis=1)
        gold = self._gold_of("train", L.ids)
        soft["gold"] = self._names(gold)
        unknown = (gold < 0) | (best < 0)
        soft["wrong"] = pd.Series(np.where(unknown, None, gold != best), dtype="boolean")
        return soft

    def label_quality(self) -> pd.DataFrame:
        """The soft labels against gold, one row per split that has gold.

        Returns:
            Columns split, coverage, accuracy, accuracy_low, accuracy_high, support (covered
            rows), negative_log_likelihood; accuracies are missing where no row is covered.
        """
        labels, rows = self.metrics["labels"], []
        for split in (name for name in SPLITS if name in labels):
            accuracy = labels[split]["accuracy"] or {}
            row: dict[str, Any] = {"split": split, "coverage": labels[split]["coverage"]}
            row |= {"accuracy": accuracy.get("value"), "accuracy_low": accuracy.get("low")}
            row |= {"accuracy_high": accuracy.get("high"), "support": accuracy.get("support", 0)}
            row |= {"negative_log_likelihood": labels[split]["negative_log_likelihood"]}
            rows.append(row)
        table = pd.DataFrame(rows)
        return table.astype({name: float for name in table if name not in ("split", "support")})

    def prediction_rows(self, split: Splits, model: str = "end_model") -> pd.DataFrame:
        """A split with what a model says of it.

        Args:
            split: one the model predicted (test alone for rivals).
            model: "end_model", "weak_only", "gold_only" or "all_gold".

        Returns:
            Columns id, text, gold, predicted, confidence, wrong, p_<class>.
        """
        path = (
            self.run.predictions(split)
            if model == "end_model"
            else self.run.rival_predictions(model, split)
        )
        table = pd.read_parquet(path)
        ids = tuple(table["id"])
        probs = table[[f"p_{c}" for c in self.classes]].to_numpy()
        gold, predicted = self._gold_of(split, ids), probs.argmax(axis=1)
        table.insert(1, "text", self._texts(split, ids, np.arange(len(ids))))
        table["gold"], table["predicted"] = self._names(gold), self._names(predicted)
        table["confidence"] = probs.max(axis=1)
        table["wrong"] = pd.Series(np.where(gold < 0, None, gold != predicted), dtype="boolean")
        return table

    def confusion(self, split: Splits, model: str = "end_model") -> pd.DataFrame:
        """How often each gold class was predicted as each class.

        Returns:
            One row per pair of classes, zeros included: columns gold, predicted, rows
            (count), share (of the rows with that gold; 0 where there are none).
        """
        table = self.prediction_rows(split, model)
        pairs = pd.MultiIndex.from_product([self.classes] * 2, names=["gold", "predicted"])
        counts = table.value_counts(["gold", "predicted"]).reindex(pairs, fill_value=0)
        cells = counts.rename("rows").reset_index()
        of_gold = cells.groupby("gold")["rows"].transform("sum").clip(lower=1)
        return cells.assign(share=cells["rows"] / of_gold)

    def scoreboard(self, split: Splits = "test") -> pd.DataFrame:
        """The end model and its rivals on one split, best first.

        Returns:
            Columns key, model, accuracy, accuracy_low, accuracy_high, macro_f1,
            macro_f1_low, macro_f1_high, rows; empty without gold on that split.
        """
        models = {"end_model": self.metrics["end_model"], **self.metrics.get("rivals", {})}
        rows = []
        for key, scores in models.items():
            if split not in scores:
                continue
            row: dict[str, Any] = {"key": key, "model": MODEL_NAMES.get(key, key)}
            for name in ("accuracy", "macro_f1"):
                score = scores[split][name]
                row |= {name: score["value"], f"{name}_low": score["low"]}
                row |= {f"{name}_high": score["high"], "rows": score["support"]}
            rows.append(row)
        table = pd.DataFrame(rows)
        return table.sort_values("macro_f1", ascending=False, ignore_index=True) if rows else table

    def next_steps(self) -> list[str]:
        """What would improve this run most, the most pressing first."""
        board = self.scoreboard("test")
        return advice.next_steps(self.lf_table(), self.metrics["labels"], board, self.gaps())

    def _texts(self, split: Splits, ids: tuple[str, ...], positions: Any) -> list[str]:  # noqa: ANN401
        rows = self.rows(split)
        text = dict(zip(rows.ids, rows.texts, strict=True))
        return [text[ids[position]] for position in positions]

    def _gold_of(self, split: Splits, ids: tuple[str, ...]) -> Any:  # noqa: ANN401
        gold = self.gold(split)
        if gold is None:
            return np.full(len(ids), ABSTAIN)
        return gold.reindex(list(ids), fill_value=ABSTAIN).to_numpy()

    def _names(self, labels: Any) -> pd.Series:  # noqa: ANN401
        names = [self.classes[k] if k >= 0 else None for k in labels]
        return pd.Series(names, dtype="str")

    def _others(self, votes: Any, column: int, lf_names: tuple[str, ...]) -> str:  # noqa: ANN401
        return ", ".join(
            f"{lf_names[j]}: {self.classes[vote]}"
            for j, vote in enumerate(votes)
            if vote != ABSTAIN and j != column
        )
