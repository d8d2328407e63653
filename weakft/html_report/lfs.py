"""The LFs: what each votes and how right it is, and which contradict each other."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from weakft import charts
from weakft.html_report.blocks import (
    NO_EVIDENCE,
    Block,
    Cards,
    Figure,
    Heading,
    Paragraph,
    Section,
    Table,
    bounds,
    count,
    named_interval,
    number,
    percent,
    seen,
)
from weakft.html_report.drawing import figure
from weakft.report import Report
from weakft.runs import Json
from weakft.tables.evidence import estimates_against_dev
from weakft.visible import visible

LISTED_PAIRS = 10
LF_COLUMNS = (
    "LF",
    "votes for",
    "accuracy",
    "on dev (95% interval)",
    "model's estimate",
    "estimate on dev",
    "value",
    "95% interval",
    "coverage",
    "overlaps",
    "conflicts",
    "cost",
    "faults",
)
LF_WORDS = (
    "Accuracy: share of its votes on dev that are right. Model's estimate: the accuracy that the "
    "label model believes, from its votes on train; it has no interval, since what can be wrong "
    "with it is what the model takes for granted. Estimate on dev: whether the interval of the "
    "accuracy leaves the estimate out: if so, believe dev. Value: nats per gold row that labels "
    "gain by it; below zero they are better without it. Coverage, overlaps, conflicts: shares of "
    "the train rows on which it votes, another LF votes too, another votes otherwise. Cost: share "
    "of the time that all LFs took. Faults: rows it raised on."
)


def lfs(report: Report) -> Section:
    """What each LF votes, and how right it is."""
    table, counts = seen(report.lf_table()), report.summaries["rows"]["train"]
    of_train = f"of {count(counts['rows'], 'train rows')}"
    support = int(table["support"].sum())
    cards = Cards(
        (
            ("LFs", f"{len(table)}", f"{(table['votes'] > 0).sum()} vote on train"),
            ("Covered by any LF", f"{counts['covered']:,}", of_train),
            ("In conflict", f"{counts['conflicting']:,}", of_train),
            ("Dev votes with gold", f"{support:,}", "the evidence for accuracies"),
        )
    )
    table["against_dev"] = estimates_against_dev(table)
    rows = tuple(_lf_cells(row) for row in table.to_dict("records"))
    return Section(
        "lfs",
        "Labeling functions",
        (
            cards,
            Table(f"Each LF on {counts['rows']:,} train rows", LF_COLUMNS, rows, (1, 5)),
            Paragraph(LF_WORDS, quiet=True),
            Heading("Accuracy on dev"),
            _accuracies(table, report) if support else _no_accuracies(),
        ),
    )


def _lf_cells(row: Mapping[Any, Any]) -> tuple[str, ...]:
    return (
        row["lf"],
        row["votes_for"] or "(never)",
        percent(row["accuracy"]),
        named_interval(row, "accuracy", "support", "votes"),
        percent(row["estimated_accuracy"]),
        NO_EVIDENCE if pd.isna(row["against_dev"]) else row["against_dev"],
        number(row.get("value"), "+.3f"),
        bounds(row.get("value_low"), row.get("value_high"), "+.3f"),
        *(percent(row[name]) for name in ("coverage", "overlaps", "conflicts", "cost")),
        f"{row['faults']:,}",
    )


def _accuracies(table: pd.DataFrame, report: Report) -> Figure:
    classes = [visible(name) for name in report.classes]
    return figure(
        charts.lf_accuracies(table, classes),
        "lf_accuracies",
        "Accuracy of each LF with its interval",
        width=480,
        caption="Dot: share right, line: 95% interval, dashed: chance. Tick: the label model's "
        "estimate, red where the interval leaves it out. LFs without evidence are left out; of "
        "many, those with the most dev votes are drawn.",
    )


def _no_accuracies() -> Paragraph:
    return Paragraph("No LF voted on a dev row with gold, so there is no evidence yet.")


def conflicts(report: Report) -> Section:
    """Which LFs contradict or copy each other beyond chance."""
    counts, names = report.summaries["rows"]["train"], report.lf_table()["lf"].map(visible).tolist()
    pairs = seen(report.summaries["pairs"])
    groups = report.metrics["labels"].get("dependent_groups", [])
    possible = len(names) * (len(names) - 1) // 2
    blocks: list[Block] = [
        Cards(
            (
                ("Rows in conflict", f"{counts['conflicting']:,}", _of_covered(counts)),
                ("Pairs that meet", f"{len(pairs):,}", f"of {possible:,}"),
                ("Dependent groups", f"{len(groups)}", "counted once by the label model"),
            )
        )
    ]
    if pairs.empty:
        blocks.append(Paragraph("No two LFs vote on the same row, so there is nothing to compare."))
    else:
        blocks += [_heat_map(pairs, names), _worst_pairs(pairs)]
    if groups:
        rows = tuple((", ".join(g["lfs"]), number(g["dependence"], ".2f")) for g in groups)
        caption = "LFs that say the same more often than independent ones would"
        blocks.append(Table(caption, ("LFs", "dependence"), rows))
    blocks += [Heading("Near copies"), _near_copies(report)]
    return Section("conflicts", "Conflicts", tuple(blocks))


def _heat_map(pairs: pd.DataFrame, names: list[str]) -> Figure:
    most = charts.MOST_DRAWN
    left_out = f" The {most} LFs with the most conflicts." if len(names) > most else ""
    return figure(
        charts.pair_heat_map(pairs, names, "conflict"),
        "pairs",
        "How often every two LFs conflict, against chance",
        width=None,
        caption="Number: rows in conflict. Shade: how many times as many as if the two voted "
        f"independently of each other.{left_out}",
    )


def _worst_pairs(pairs: pd.DataFrame) -> Table:
    worst = pairs[pairs["conflict"] > 0].nlargest(LISTED_PAIRS, "conflict")
    rows = tuple(
        (
            f"{row['first']} and {row['second']}",
            f"{row['conflict']:,}",
            f"{row['expected_conflict']:,.1f}",
            f"{row['both']:,}",
        )
        for row in worst.to_dict("records")
    )
    columns = ("LFs", "rows in conflict", "by chance", "rows both vote on")
    return Table("The pairs with the most conflicts", columns, rows)


def _near_copies(report: Report) -> Block:
    copies = report.near_copies()
    if copies is None:
        return Paragraph("An older weakft made this run and did not look for near copies.")
    if copies.empty:
        return Paragraph("No two LFs vote on nearly the same rows and alike.")
    rows = tuple(
        (
            f"{row['first']} and {row['second']}",
            percent(row["overlap"]),
            named_interval(row, "overlap", "overlap_support"),
            percent(row["agreement"]),
            named_interval(row, "agreement", "agreement_support"),
            f"{row['agree']:,}",
            f"{row['expected_agree']:,.1f}",
            row["what_to_do"],
        )
        for row in copies[:LISTED_PAIRS].to_dict("records")
    )
    evidence = "95% interval"
    columns = ("LFs", "overlap", evidence, "agreement", evidence, "agree on", "by chance", "do")
    caption = f"{len(rows)} of {count(len(copies), 'pairs')} that say the same"
    return Table(caption, columns, rows, (7,))


def _of_covered(counts: Json) -> str:
    return f"of {counts['covered']:,} covered"
