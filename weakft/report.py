"""A run folder as tidy tables, for people and for the app. Read only; loads no torch, no LF."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from weakft import advice
from weakft.config import SPLITS, Config, Splits
from weakft.dataset import Split, read_gold, read_split
from weakft.errors import DataError
from weakft.files import sha256
from weakft.gaps import WORDLESS, quoted
from weakft.label_models import load_label_model
from weakft.label_models.base import Explanation, LabelModel
from weakft.labels import LabelMatrix, Votes
from weakft.project import Project
from weakft.rationale import rationale
from weakft.runs import Json, RunFolder, read_json
from weakft.tables import RowTable
from weakft.tables.evidence import what_to_do
from weakft.verify import intact, manifest_of
from weakft.visible import HIDDEN

MODEL_NAMES = {
    "end_model": "end model",
    "weak_only": "end model, weak labels alone",
    "gold_only": "same encoder, dev + valid gold alone",
    "gold_probe": "linear probe on gold",
    "weak_probe": "linear probe on weak labels",
    "majority_vote": "majority vote of the LFs",
    "all_gold": "same encoder, all of train's gold",
}

TRACEBACK_WITHHELD = (
    "(withheld: [privacy] hidden)\nIt was recorded before that and may quote a cell.\nA new run "
    "records the lines of code without the message."
)
ABOUT_TEST = " on test"  # how warnings that quote scores on test say so


@dataclass(frozen=True)
class Report:
    """Everything a person may ask of one run.

    Attributes:
        project: the project the run belongs to.
        run: its folder.
    """

    project: Project
    run: RunFolder

    @classmethod
    def open(cls, project: Project, name: str) -> Self:
        """The report of a published run: its id, `latest` or `current`.

        Raises:
            RunNotFound: there is no such run.
        """
        return cls(project, project.registry.open(name))

    @cached_property
    def config(self) -> Config:
        """The settings the run was made with, not those of today."""
        return Config.stored(self._intact(self.run.config))

    @cached_property
    def manifest(self) -> Json:
        """What the run was made of."""
        return manifest_of(self.run)

    @cached_property
    def metrics(self) -> Json:
        """Every number of the run."""
        return read_json(self._intact(self.run.metrics))

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names; votes are their positions."""
        return self.config.classes

    @property
    def splits(self) -> list[Splits]:
        """The splits the run has votes for."""
        return [name for name in SPLITS if self.run.votes(name).exists()]

    @cached_property
    def summaries(self) -> Json:
        """Sums over all rows, see `weakft.tables.summaries`.

        Raises:
            DataError: an older weakft made the run.
        """
        if not self.run.summaries.exists():
            raise DataError(
                f"Run {self.run.id} was made by an older weakft and has no tables to look at. Make "
                "a new one with `weakft run`."
            )
        return read_json(self._intact(self.run.summaries))

    def table(self, split: Splits) -> RowTable:
        """The rows of a split, a page at a time.

        Raises:
            DataError: the run has none, or they are damaged.
        """
        for file in (self.run.columns(split), self.run.votes(split)):
            if file.exists():
                self._intact(file)
        columns = self.hidden_columns
        return RowTable(self.run, split, self.classes, hidden=self.hidden, unsliced=columns)

    def explain(self, votes: Votes) -> Explanation:
        """Why a row with these votes has the soft label it has.

        Args:
            votes: [m] of the LFs.
        """
        return self._label_model.explain(votes)

    @cached_property
    def _label_model(self) -> LabelModel:
        for file in sorted(self.run.label_model.iterdir()):
            self._intact(file)
        return load_label_model(self.run.label_model)

    def lf_table(self) -> pd.DataFrame:
        """One row per LF; columns as `weakft.analysis.lf_summary` gives them."""
        return self._lf_table.copy()

    @cached_property
    def _lf_table(self) -> pd.DataFrame:
        return pd.read_parquet(self._intact(self.run.lf_summary))

    def near_copies(self) -> pd.DataFrame | None:
        """Pairs of LFs that say the same; None: an older weakft made the run, and did not look.

        Returns:
            Columns as `weakft.tables.copies` gives them, and what_to_do.
        """
        copies = self.summaries.get("near_copies")
        if copies is None:
            return None
        groups = self.metrics["labels"].get("dependent_groups", [])
        return pd.DataFrame(copies).assign(what_to_do=what_to_do(copies, groups))

    def column_slices(self, split: Splits) -> pd.DataFrame | None:
        """Accuracy on slices by columns of the data, the surely worst first.

        Not by columns that are hidden today. None: an older weakft made the run, without these.

        Returns:
            Columns as `weakft.tables.slices.slices_by_columns` gives them; empty where no column
            has few values.
        """
        slices = self.summaries["model"][split].get("columns")
        if slices is None:
            return None
        return pd.DataFrame([each for each in slices if each["column"] not in self.hidden_columns])

    def class_reach(self) -> tuple[Splits, pd.DataFrame] | None:
        """How far the LFs reach into each class, on dev, else on valid.

        Returns:
            The split, and columns as `weakft.tables.reach` gives them, the least reached class
            first. None: neither has gold, gold is hidden, or an older weakft made the run.
        """
        reach = {} if "gold" in self.hidden else self.summaries.get("reach", {})
        for split in ("dev", "valid"):
            if split in reach:
                shares = ("reached", "labelled", "right")
                names = [f"{share}{end}" for share in shares for end in ("", "_low", "_high")]
                table = pd.DataFrame(reach[split]).astype(dict.fromkeys(names, float))
                return split, table.sort_values("reached", ignore_index=True)
        return None

    def gaps(self) -> list[Json]:
        """What the uncovered training rows are about, see `weakft.gaps.Gap`.

        Without their words where texts are hidden. A run of an older weakft does not know
        word_rows, matched and positions.
        """
        there = self.run.gaps.exists()
        gaps: list[Json] = read_json(self._intact(self.run.gaps))["gaps"] if there else []
        return [{**gap, **WORDLESS} for gap in gaps] if "text" in self.hidden else gaps

    def gap_rows(self) -> list[Json]:
        """The same with the texts of a few rows of each, if the run's rows are still there.

        Without what is hidden.
        """
        try:
            rows = self.rows("train")
        except DataError:
            return quoted(self.gaps(), hidden=self.hidden)
        texts = dict(zip(rows.ids, rows.texts, strict=True))
        return quoted(self.gaps(), texts, self.hidden)

    def votes(self, split: Splits) -> LabelMatrix:
        """The label matrix of a split."""
        return LabelMatrix.load(self._intact(self.run.votes(split)))

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
            path,
            split,
            self.config.data,
            self.classes,
            task=self.config.project.task,
            hidden=self.hidden_columns,
        )

    def gold(self, split: Splits) -> pd.Series | None:
        """Gold class positions by row id: of train, those that evaluation set aside."""
        if split == "train":
            file = self.config.evaluate.train_gold
            path = None if file is None else self.project.root / file
            if path is None or not path.is_file():
                return None
            return read_gold(path, self.config.data, self.classes, hidden=self.hidden_columns)
        rows = self.rows(split)
        return None if rows.gold is None else pd.Series(rows.gold, index=list(rows.ids))

    def fault(self, lf: str) -> Json | None:
        """The first error one LF raised: its row id and traceback; None if it raised none.

        Where columns are hidden that were not when it raised, its traceback is left out.
        """
        there = self.run.faults.exists()
        by_split = read_json(self._intact(self.run.faults)) if there else {}
        faults: list[Json] = [fault for faults in by_split.values() for fault in faults]
        found = next((fault for fault in faults if fault["lf_name"] == lf), None)
        if found is None:
            return None
        if self.hidden_columns - {self.config.data.label} and not found.get("withheld"):
            found = {**found, "traceback": TRACEBACK_WITHHELD, "withheld": True}
        return {**found, "row_id": HIDDEN} if "id" in self.hidden else found

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

    @property
    def relabelling(self) -> str | None:
        """What became of the soft labels before the end model learned them; None: nothing."""
        moved = self.metrics["end_model"].get("weak", {}).get("relabelled")
        if moved is None:
            return None
        return (
            "The end model learned these labels read together with the texts, for covered rows "
            f"and others: that moved {moved:.1%} of the covered ones to another class "
            "(train.relabel)."
        )

    @property
    def rationale(self) -> str:
        """What was chosen for this project, and on what evidence: one paragraph."""
        return " ".join(rationale(self.config, self.metrics))

    def confusion(self, split: Splits) -> pd.DataFrame:
        """How often the end model predicts each class for each gold class.

        Returns:
            One row per pair of classes, zeros included: columns gold, predicted, rows
            (count), share (of the rows with that gold; 0 where there are none).
        """
        counts = np.array(self.summaries["model"][split]["confusion"])
        pairs = pd.MultiIndex.from_product([self.classes] * 2, names=["gold", "predicted"])
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        cells = pd.DataFrame({"rows": counts.ravel(), "share": shares.ravel()}, index=pairs)
        return cells.reset_index()

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

    def next_steps(self, *, with_test: bool = True) -> list[str]:
        """What would improve this run most, the most pressing first.

        Args:
            with_test: say what only scores on test tell, too.
        """
        table, told, board = self.lf_table(), self.metrics["labels"], self.scoreboard("test")
        found = self.class_reach() if self.run.summaries.exists() else None
        reach = [] if found is None else found[1].to_dict("records")
        unread = self.metrics["end_model"].get("unread")
        steps = advice.next_steps(table, told, board, self.gaps(), reach, unread)
        if with_test:
            return steps
        blind = advice.next_steps(table, told, board.iloc[:0], self.gaps(), reach, unread)
        return [step for step in steps if step in blind]

    def warnings(self, *, with_test: bool = True) -> list[str]:
        """What a person should know of the run; not what quotes scores on test, if so asked."""
        warnings: list[str] = self.metrics.get("warnings", [])
        return [each for each in warnings if with_test or ABOUT_TEST not in each]

    @cached_property
    def hidden_columns(self) -> frozenset[str]:
        """Columns of the data that nobody may see, by the run's settings or by today's."""
        return frozenset((*self.config.privacy.hidden, *self.project.config.privacy.hidden))

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Which of id, text and gold are among them."""
        return self.config.shown_as(self.hidden_columns)

    def _intact(self, path: Path) -> Path:
        return intact(self.run, path)
