"""The end model: how good it is on valid, how sure it may be, and where it is wrong."""

from collections.abc import Sequence

import pandas as pd

from weakft import charts
from weakft.config import Splits
from weakft.html_report.blocks import (
    Beside,
    Block,
    Cards,
    Heading,
    Paragraph,
    Section,
    Table,
    count,
    interval,
    named_interval,
    number,
    percent,
    score,
    seen,
)
from weakft.html_report.drawing import figure
from weakft.html_report.labels import calibration
from weakft.html_report.rivals import scores_table
from weakft.report import Report
from weakft.runs import Json
from weakft.tables.evidence import class_scores, ways_compared
from weakft.visible import visible

JUDGED: Splits = "valid"
WANTED = 0.9
LISTED_SLICES = 20
UNJUDGED = Paragraph(
    "Valid has no gold, so mistakes cannot be told. Label some rows: [data] valid."
)


def model(report: Report) -> Section:
    """How good the end model is on valid, and how sure it may be."""
    end_model = report.metrics["end_model"]
    gold, valid = end_model.get("gold", {}), end_model.get(JUDGED, {})
    trained = f"{end_model['train']['rows']:,}"
    blocks: list[Block] = [
        Cards(
            (
                ("Macro-F1 on valid", *score(valid.get("macro_f1"))),
                ("Accuracy on valid", *score(valid.get("accuracy"))),
                ("Trained on", trained, "training rows"),
                (
                    "Gold enters by",
                    gold.get("recipe", "none"),
                    count(gold.get("rows", 0), "gold rows"),
                ),
            )
        ),
        Heading("How gold entered"),
        Paragraph(gold.get("reason", "No gold was used.")),
        *_ways(gold.get("candidates") or []),
    ]
    return Section("model", "Model on valid", (*blocks, *(_judged(report) or [UNJUDGED])))


def _ways(candidates: Sequence[Json]) -> list[Table]:
    if not candidates:
        return []
    rows = tuple(
        (
            each["recipe"],
            number(each["macro_f1"]),
            percent(each["accuracy"]),
            named_interval(each, "accuracy", "accuracy_support"),
            number(each["negative_log_likelihood"]),
        )
        for each in ways_compared(candidates).to_dict("records")
    )
    columns = ("way", "macro-F1", "right", "95% interval", "nats a row")
    return [
        Table(
            "The ways to use gold that were compared, on gold rows not seen before", columns, rows
        )
    ]


def told_on_valid(report: Report) -> Json | None:
    """The sums over valid; None where it has no gold."""
    told: Json | None = report.summaries["model"].get(JUDGED)
    return told if JUDGED in report.metrics["end_model"] else None


def with_care(report: Report) -> list[Paragraph]:
    """How the scores on valid came to be, where that matters."""
    how = report.metrics["end_model"][JUDGED].get("how")
    return [Paragraph(f"Read these with care: {how}.")] if how else []


def _judged(report: Report) -> list[Block]:
    told = told_on_valid(report)
    if told is None:
        return []
    classes = [visible(name) for name in report.classes]
    cells = seen(report.confusion(JUDGED))
    many, large = (len(classes) > k for k in (charts.MANY_CLASSES, charts.MATRIX_CLASSES))
    confusion = figure(
        charts.confusion(cells, classes, None, None),
        "confusion",
        "Largest confusions of the end model" if large else "Confusion matrix of the end model",
        width=560 if large else charts.matrix_size(len(classes)),
        caption=f"Where it is wrong: {count(told['rows'])} of valid by gold and prediction"
        + (", the pairs of classes with the most mistakes." if large else "."),
    )
    chart, table = calibration(told["calibration"], "model", JUDGED, "end model's answers")
    board = seen(report.scoreboard(JUDGED))
    return [
        *with_care(report),
        *([scores_table(board, JUDGED)] if len(board) > 1 else []),
        Heading("Classes"),
        _classes(told),
        confusion,
        *([_confusions(cells)] if many else []),
        Heading("Is it as sure as it is right?"),
        Beside((chart, table)),
        Heading("Which answers need no reading?"),
        *_acceptance(told),
        Heading("Slices by votes and LFs"),
        *_slices(told),
        Heading("Slices by columns of the data"),
        _column_slices(report),
    ]


def _confusions(cells: pd.DataFrame) -> Table:
    of_gold = cells.groupby("gold")["rows"].sum()
    rows = tuple(
        (f"{each['gold']} → {each['predicted']}", f"{each['rows']:,} of {of_gold[each['gold']]:,}")
        for each in charts.largest_confusions(cells).to_dict("records")
    )
    columns = ("gold → predicted", "of its gold rows")
    return Table("The classes taken for each other most often", columns, rows)


def _classes(told: Json) -> Table:
    rows = tuple(
        (
            row["class"],
            percent(row["f1"]),
            named_interval(row, "f1", "f1_support"),
            percent(row["precision"]),
            named_interval(row, "precision", "precision_support"),
            percent(row["recall"]),
            named_interval(row, "recall", "recall_support"),
        )
        for row in class_scores(told).to_dict("records")
    )
    evidence = "95% interval"
    columns = ("class", "F1", evidence, "precision", evidence, "recall", evidence)
    return Table("Scores of each class on valid", columns, rows)


def _acceptance(told: Json) -> list[Block]:
    accept = pd.DataFrame(told["accept"])
    safe = accept[accept["precision_low"] >= WANTED]
    chart = figure(
        charts.acceptance(accept, WANTED),
        "acceptance",
        "Precision against the share accepted",
        width=560,
        caption="The interval is that of one threshold; a threshold picked from the curve is right "
        "a little less often than it says.",
    )
    if safe.empty:
        sentence = (
            f"No confidence is high enough to be sure of {WANTED:.0%}, given {count(told['rows'])}."
        )
        return [Paragraph(sentence), chart]
    best = safe.iloc[-1]
    evidence = interval(
        best["precision_low"], best["precision_high"], int(best["precision_support"])
    )
    cards = (
        ("Accept above", percent(best["threshold"]), f"confidence, to be {WANTED:.0%} right"),
        ("Rows accepted", percent(best["accepted"]), f"of {count(told['rows'])} of valid"),
        ("Right among them", percent(best["precision"]), evidence),
    )
    return [Cards(cards), chart]


def _slices(told: Json) -> list[Block]:
    table = seen(told["slices"]).sort_values("accuracy")
    rows = tuple(
        (
            row["slice"],
            percent(row["accuracy"]),
            named_interval(row, "accuracy", "accuracy_support"),
        )
        for row in table.to_dict("records")
    )
    shows = "Accuracy of the end model on slices of valid"
    chart = figure(charts.slices(table), "slices", shows, width=320)
    return [Beside((Table(shows, ("slice", "right", "95% interval"), rows), chart))]


def _column_slices(report: Report) -> Block:
    slices = report.column_slices(JUDGED)
    if slices is None:
        return Paragraph("An older weakft made this run, without such slices.")
    if slices.empty:
        return Paragraph("No column of the data that may be shown has 2 to 20 values.")
    rows = tuple(
        (
            row["column"],
            "(missing)" if pd.isna(row["value"]) else row["value"],
            percent(row["accuracy"]),
            named_interval(row, "accuracy", "accuracy_support"),
        )
        for row in slices[:LISTED_SLICES].to_dict("records")
    )
    caption = f"The {len(rows)} slices of {len(slices)} on which the model is surely worst"
    return Table(caption, ("column", "value", "right", "95% interval"), rows, (1,))
