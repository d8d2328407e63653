"""What a command shows a person, as rich tables."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from weakft.config import Splits
from weakft.rationale import rationale
from weakft.report import Report
from weakft.runs import Json
from weakft.tables.evidence import estimates_against_dev

BRIEF = 12
JUDGED: tuple[Splits, ...] = ("test", "valid")


def lf_table(table: pd.DataFrame, limit: int | None = None) -> RenderableType:
    """The LF table, the most voting first; accuracies with interval and support."""
    shown = table.sort_values("votes", ascending=False)
    shown = shown if limit is None else shown.head(limit)
    grid = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    grid.add_column("LF", no_wrap=True)
    grid.add_column("votes for", max_width=24)
    for name in ("coverage", "conflicts", "accuracy on dev (votes)", "model's estimate"):
        grid.add_column(name, justify="right", no_wrap=True)
    valued = "value" in shown and bool(shown["value"].notna().any())
    if valued:
        grid.add_column("value", justify="right", no_wrap=True)
    grid.add_column("cost", justify="right", no_wrap=True)
    faulty = bool(shown["faults"].any())
    if faulty:
        grid.add_column("faults", justify="right", no_wrap=True)
    against_dev = estimates_against_dev(shown)
    for row, beside in zip(shown.to_dict("records"), against_dev, strict=True):
        cost = row["cost"]
        grid.add_row(
            Text(row["lf"]),
            Text(row["votes_for"] or "(never)"),
            f"{row['coverage']:.1%}",
            f"{row['conflicts']:.1%}",
            _interval(row, "accuracy") + (f" ({row['support']})" if row["support"] else ""),
            _estimate(row["estimated_accuracy"], beside),
            *([f"{row['value']:+.3f}"] if valued else []),
            "" if pd.isna(cost) else f"{cost:.0%}",
            *([str(row["faults"])] if faulty else []),
        )
    hidden = len(table) - len(shown)
    if not hidden:
        return grid
    return Group(grid, Text(f"... and {hidden} more: weakft analyze", style="dim"))


def label_quality(labels: Json) -> RenderableType:
    """Which label model, why, and how good its labels are."""
    lines = [
        Text(
            f"{labels['covered']} of {labels['rows']} training rows covered "
            f"({labels['coverage']:.0%}); mean confidence {labels['mean_confidence']:.2f}."
        ),
        Text(labels.get("reason") or f"Label model: {labels['chosen']}, as configured."),
    ]
    for split in ("train", "dev", "valid"):
        quality = labels.get(split)
        if quality and quality["accuracy"]:
            a = quality["accuracy"]
            seen = " (in sample: it set LF accuracies)" if split == "dev" else ""
            lines.append(
                Text(
                    f"Right on {a['value']:.3f} [{a['low']:.3f}, {a['high']:.3f}] of the "
                    f"{a['support']} covered {split} rows{seen}."
                )
            )
    return Group(*lines)


def gaps(found: Sequence[Mapping[str, Any]]) -> RenderableType:
    """What the uncovered rows are about, the largest group first, with rows in its middle."""
    lines = []
    for gap in found:
        pairs = zip(gap["words"], gap.get("word_rows", gap["words"]), strict=True)
        words = ", ".join(f"{word} ({rows})" for word, rows in pairs) or "no common word"
        lines.append(Text(f"- {gap['rows']} uncovered rows: {words}"))
        lines += [
            Text(f"    {' '.join(text.split())[:100]}", style="dim")
            for text in gap.get("texts", [])
        ]
    return Group(*lines)


def scoreboard(board: pd.DataFrame, split: str) -> RenderableType:
    """The end model and its rivals on one split, best first."""
    grid = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    grid.add_column(f"on {split}")
    for name in ("macro-F1", "accuracy", "rows"):
        grid.add_column(name, justify="right", no_wrap=True)
    for row in board.to_dict("records"):
        grid.add_row(
            row["model"],
            _interval(row, "macro_f1"),
            _interval(row, "accuracy"),
            str(row["rows"]),
            style="bold" if row["key"] == "end_model" else None,
        )
    return grid


def run_screen(report: Report) -> RenderableType:
    """The one screen at the end of `weakft run`."""
    metrics = report.metrics
    boards = {split: report.scoreboard(split) for split in JUDGED}
    split = next((split for split in JUDGED if len(boards[split])), None)
    parts: list[RenderableType] = [
        *_section("Labeling functions", lf_table(report.lf_table(), BRIEF)),
        *_section("Labels", label_quality(metrics["labels"])),
    ]
    model = [Text(metrics["end_model"]["gold"]["reason"])]
    model += [Text(each) for each in rationale(report.config, metrics, brief=True)]
    model += _seeds(metrics["end_model"])
    parts += _section(
        "Model", *model, *([] if split is None else [scoreboard(boards[split], split)])
    )
    if metrics["warnings"]:
        parts += _section("Warnings", *_bullets(metrics["warnings"]))
    parts += _section("What to do next", *_bullets(report.next_steps()))
    seconds = sum(metrics["timings"].values())
    parts.append(Text(f"\nRun {report.run.id} in {seconds:.0f} s: {report.run.path}", style="dim"))
    return Group(*parts)


def _seeds(end_model: Mapping[str, Any]) -> list[Text]:
    if "seeds" not in end_model:
        return []
    seeds = end_model["seeds"]
    spreads = {split: seeds[split]["macro_f1"] for split in ("valid", "test") if split in seeds}
    shown = [
        f"{spread['mean']:.3f} ± {spread['standard_deviation']:.3f} on {split}"
        for split, spread in spreads.items()
    ]
    told = f"Seed {seeds['taken']} of {len(seeds['seeds'])} is taken."
    if "why" in seeds:
        told += f" {seeds['why']}"
    if shown:
        told += f" Macro-F1 over seeds: {', '.join(shown)}."
    return [Text(told)]


def bullets(lines: Sequence[str]) -> RenderableType:
    """A list of sentences."""
    return Group(*_bullets(lines))


def _section(title: str, *body: RenderableType) -> list[RenderableType]:
    return [Text(f"\n{title}", style="bold cyan"), Padding(Group(*body), (0, 0, 0, 2))]


def _bullets(lines: Sequence[str]) -> list[Text]:
    return [Text(f"- {line}") for line in lines]


def _estimate(value: float, beside: str | None) -> str:
    """The label model's, and whether accuracy on dev speaks against it."""
    if pd.isna(value):
        return ""
    return f"{value:.2f} {beside}" if beside in ("too high", "too low") else f"{value:.2f}"


def _interval(row: Mapping[Hashable, Any], name: str) -> str:
    value, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
    return "no evidence" if pd.isna(value) else f"{value:.3f} [{low:.3f}, {high:.3f}]"
