"""The labels: what is left without, which model made them, how sure and how right they are."""

import pandas as pd

from weakft import charts
from weakft.html_report.blocks import (
    Beside,
    Block,
    Cards,
    Figure,
    Heading,
    Paragraph,
    Section,
    Table,
    bounds,
    count,
    interval,
    named_interval,
    number,
    percent,
    seen,
)
from weakft.html_report.drawing import figure
from weakft.html_report.examples import Examples
from weakft.report import Report
from weakft.runs import Json
from weakft.tables.evidence import label_models_compared
from weakft.visible import visible


def gaps(report: Report, examples: int) -> Section:
    """What the uncovered rows are about."""
    counts, found = report.summaries["rows"]["train"], report.gaps()
    open_rows = counts["rows"] - counts["covered"]
    covered = percent(counts["covered"] / counts["rows"])
    blocks: list[Block] = [
        Cards(
            (
                ("Uncovered", f"{open_rows:,}", f"of {count(counts['rows'], 'train rows')}"),
                ("Covered", covered, "by one LF or more"),
                ("Groups of like rows", f"{len(found)}", "among the uncovered"),
            )
        )
    ]
    blocks += _reach(report)
    if not open_rows:
        blocks.append(Paragraph("Every row has a vote."))
    elif not found:
        blocks.append(
            Paragraph("The uncovered rows are too few, or too unlike each other, to form groups.")
        )
    else:
        blocks.append(
            Paragraph(
                "The largest group first, with the words that mark it. A word is a start for an LF "
                "only where enough rows hold it."
            )
        )
    rows = Examples(report, "train", examples)
    for place, gap in enumerate(found, start=1):
        words = gap["words"]
        hidden = "words hidden" if "text" in report.hidden else "no common word"
        told = ", ".join(words) or hidden
        blocks.append(Heading(f"{place}. {told}"))
        size = f"{count(gap['rows'])}, {percent(gap['share'])} of the uncovered rows looked at"
        if words and "matched" in gap:
            size += f"; {count(gap['matched'])} with one of these words"
        columns = ("id", "text", "predicted", "confidence")
        blocks.append(rows.cells(rows.like(gap["ids"], words), size, columns))
    return Section("gaps", "Gaps", tuple(blocks))


def _reach(report: Report) -> list[Table]:
    """How far the LFs reach into each class."""
    found = report.class_reach()
    if found is None:
        return []
    split, reach = found
    rows = tuple(
        (
            visible(each["class"]),
            percent(each["reached"]),
            named_interval(each, "reached", "reached_support"),
            percent(each["labelled"]),
            f"{each['lfs']}",
            percent(each["right"]),
            named_interval(each, "right", "right_support", "votes"),
        )
        for each in reach.to_dict("records")
    )
    columns = (
        "class",
        "found",
        "95% interval",
        "label right",
        "LFs for it",
        "their votes right",
        "95% interval",
    )
    caption = f"Of the gold rows of each class, on {split}, those where an LF votes for it"
    return [Table(caption, columns, rows)]


def soft_labels(report: Report) -> Section:
    """Which label model, how sure it is and how right."""
    labels, counts = report.metrics["labels"], report.summaries["rows"]["train"]
    of_train = f"of {count(counts['rows'], 'train rows')}"
    sure = count(labels["covered"], "covered rows")
    return Section(
        "labels",
        "Soft labels",
        (
            Cards(
                (
                    ("Label model", labels["chosen"], f"asked for: {labels['label_model']}"),
                    ("Covered", percent(labels["coverage"]), of_train),
                    ("Mean confidence", percent(labels["mean_confidence"]), sure),
                )
            ),
            Heading("Why this label model"),
            Paragraph(labels.get("reason", f"{labels['chosen']}, as configured.")),
            *_candidates(labels.get("candidates") or []),
            *([] if report.relabelling is None else [Paragraph(report.relabelling)]),
            Heading("Quality against gold"),
            _quality(report),
            Beside((_shares(report), _confidences(report), *_calibration(report))),
        ),
    )


def _candidates(candidates: list[Json]) -> list[Table]:
    if not candidates:
        return []
    nats = "negative_log_likelihood"
    rows = tuple(
        (
            each["name"],
            number(each[nats]),
            bounds(each[f"{nats}_low"], each[f"{nats}_high"]),
            percent(each["accuracy"]),
            named_interval(each, "accuracy", "accuracy_support"),
            number(each["macro_f1"]),
            bounds(each["macro_f1_low"], each["macro_f1_high"]),
            number(each["held_out_votes"]),
            percent(each["unanimous_flips"]),
            each["note"] or "–",
        )
        for each in label_models_compared(candidates).to_dict("records")
    )
    columns = (
        "label model",
        "nats a gold row",
        "95% interval",
        "right",
        "95% interval",
        "macro-F1",
        "95% interval",
        "nats a held-out vote",
        "unanimous rows flipped",
        "note",
    )
    return [Table("The label models compared; fewer nats are better", columns, rows, (9,))]


def _quality(report: Report) -> Block:
    quality = report.label_quality()
    if quality.empty:
        return Paragraph(
            "No split has gold, so nobody knows how good these labels are. Label some dev rows."
        )
    rows = tuple(
        (
            row["split"],
            percent(row["coverage"]),
            percent(row["accuracy"]),
            interval(row["accuracy_low"], row["accuracy_high"], row["support"], "covered rows"),
            number(row["negative_log_likelihood"]),
        )
        for row in quality.to_dict("records")
    )
    columns = ("split", "coverage", "accuracy", "95% interval", "nats a covered row")
    return Table(
        "Soft labels against gold; dev set the LF accuracies, so it flatters", columns, rows
    )


def _shares(report: Report) -> Figure:
    shares = {visible(k): v for k, v in report.metrics["labels"]["class_shares"].items()}
    chart = charts.class_shares(shares, [visible(name) for name in report.classes])
    return figure(chart, "shares", "Share of each class in the soft labels")


def _confidences(report: Report) -> Figure:
    histogram = seen(report.summaries["labels"]["histogram"])
    chart = charts.confidences(histogram, [visible(name) for name in report.classes])
    return figure(chart, "sure", "Histogram of the confidence of labels")


def _calibration(report: Report) -> list[Block]:
    told = report.summaries["labels"]["calibration"]
    judged = next((split for split in ("valid", "dev") if split in told), None)
    if judged is None:
        return [Paragraph("No gold, so nobody knows whether confidence means anything.")]
    return calibration(told[judged], "label", judged, "labels")


def calibration(bins: list[Json], name: str, split: str, what: str) -> list[Block]:
    """Confidence against accuracy, as a chart and as a table."""
    shows = f"Accuracy of the {what} against their confidence"
    chart = figure(
        charts.reliability(pd.DataFrame(bins)),
        f"{name}_calibration",
        shows,
        caption=f"On {split}. On the dashed line, confidence is what it says.",
    )
    rows = tuple(
        (
            f"{row['low']:.0%} to {row['high']:.0%}",
            percent(row["confidence"]),
            percent(row["accuracy"]),
            named_interval(row, "accuracy", "accuracy_support"),
        )
        for row in bins
    )
    columns = ("confidence", "mean", "right", "95% interval")
    return [chart, Table(f"{shows}, on {split}", columns, rows)]
