"""The end model against its rivals, on test: for those who ask, and each look is counted."""

import pandas as pd

from weakft import charts
from weakft.html_report.blocks import (
    Block,
    Paragraph,
    Section,
    Table,
    named_interval,
    percent,
    seen,
)
from weakft.html_report.drawing import figure
from weakft.report import Report


def rivals(report: Report, *, shown: bool) -> Section:
    """The end model and its rivals on test, to whoever asked for it."""
    board = report.scoreboard("test")
    blocks: list[Block] = []
    if board.empty:
        blocks.append(
            Paragraph("No test split with gold, so there is no honest score: [data] test.")
        )
    elif not shown:
        looks = _looks(report)
        blocks.append(
            Paragraph(
                f"Not shown here (looked at {_times(looks)} so far). Choose by valid; a score on "
                f"test that choices were made by flatters.{_damage(report)}"
            )
        )
    else:
        blocks += [*_scoreboard(seen(board)), Paragraph(_looked_at(report), quiet=True)]
    return Section("test", "Against its rivals, on test", tuple(blocks))


def _scoreboard(board: pd.DataFrame) -> list[Block]:
    return [
        figure(
            charts.scoreboard(board, "macro_f1", "macro-F1 (95% interval)"),
            "scoreboard",
            "Macro-F1 of the end model and its rivals with intervals",
        ),
        scores_table(board, "test"),
    ]


def scores_table(board: pd.DataFrame, split: str) -> Table:
    """The end model and its rivals on one split, best first."""
    rows = tuple(
        (
            row["model"],
            percent(row["macro_f1"]),
            named_interval(row, "macro_f1", "rows"),
            percent(row["accuracy"]),
            named_interval(row, "accuracy", "rows"),
        )
        for row in board.to_dict("records")
    )
    evidence = "95% interval"
    columns = ("model", "macro-F1", evidence, "accuracy", evidence)
    return Table(f"Scores of the end model and its rivals on {split}", columns, rows)


def _looks(report: Report) -> int:
    return len(report.project.looks.at_test(report.manifest["data"]["test"]["sha256"]))


def _looked_at(report: Report) -> str:
    times = _times(_looks(report) + 1)
    return (
        f"Scores on these test rows have been looked at {times}, over all runs, this one included."
        f"{_damage(report)}"
    )


def _damage(report: Report) -> str:
    """How many looks are missing from the count."""
    count = report.project.looks.ledger.unreadable()
    return f" Of the ledger, {count} more cannot be read." if count else ""


def _times(looks: int) -> str:
    return "once" if looks == 1 else f"{looks} times"
