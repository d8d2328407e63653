"""The end model: how good it is on valid, how sure it may be, and where it is wrong."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from weakft import charts
from weakft.config import Splits
from weakft.html_report.blocks import (
    NO_EVIDENCE,
    Beside,
    Block,
    Cards,
    Heading,
    Paragraph,
    Section,
    Table,
    count,
    give_or_take,
    interval,
    named_interval,
    number,
    percent,
    score,
    seen,
)
from weakft.html_report.drawing import figure
from weakft.html_report.labels import calibration
from weakft.report import Report
from weakft.runs import Json
from weakft.visible import visible

JUDGED: Splits = "valid"
WANTED = 0.9
RESAMPLES = 1000
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
            percent(each.get("accuracy")),
            interval(*give_or_take(each.get("accuracy"), each.get("standard_error")), each["rows"]),
            number(each.get("negative_log_likelihood")),
        )
        for each in candidates
    )
    columns = ("way", "right", "95% interval", "nats a row")
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
    confusion = figure(
        charts.confusion(cells, classes, None, None),
        "confusion",
        "Confusion matrix of the end model",
        width=max(300, 44 * len(classes)),
        caption=f"Where it is wrong: {count(told['rows'])} of valid by gold and prediction.",
    )
    chart, table = calibration(told["calibration"], "model", JUDGED, "end model's answers")
    return [
        *with_care(report),
        Heading("Classes"),
        _classes(told),
        confusion,
        Heading("Is it as sure as it is right?"),
        Beside((chart, table)),
        Heading("Which answers need no reading?"),
        *_acceptance(told),
        Heading("Slices"),
        *_slices(told),
    ]


def _classes(told: Json) -> Table:
    f1_low, f1_high = _f1_bounds(np.array(told["confusion"]))
    rows = []
    for k, row in enumerate(told["classes"]):
        support = row["recall_support"]
        is_met = row["precision_support"] + support > 0
        rows.append(
            (
                row["class"],
                percent(row["f1"] if is_met else None),
                interval(f1_low[k], f1_high[k], support) if is_met else NO_EVIDENCE,
                percent(row["precision"]),
                named_interval(row, "precision", "precision_support"),
                percent(row["recall"]),
                named_interval(row, "recall", "recall_support"),
            )
        )
    evidence = "95% interval"
    columns = ("class", "F1", evidence, "precision", evidence, "recall", evidence)
    return Table("Scores of each class on valid", columns, tuple(rows))


def _f1_bounds(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The percentile bootstrap over rows, drawn as tables of counts."""
    k, n = len(confusion), int(confusion.sum())
    rng = np.random.default_rng(0)
    draws = rng.multinomial(n, confusion.ravel() / n, size=RESAMPLES).reshape(-1, k, k)
    hits = np.diagonal(draws, axis1=1, axis2=2)
    f1 = 2 * hits / np.maximum(draws.sum(axis=1) + draws.sum(axis=2), 1)
    low, high = np.quantile(f1, [0.025, 0.975], axis=0)
    return low, high


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
