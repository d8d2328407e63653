"""The end model's mistakes on valid, and what the LFs said of those rows."""

import pandas as pd

from weakft import charts
from weakft.html_report.blocks import (
    NO_EVIDENCE,
    Beside,
    Block,
    Figure,
    Heading,
    Paragraph,
    Section,
    Table,
    score,
)
from weakft.html_report.drawing import figure
from weakft.html_report.examples import STATES, Examples
from weakft.html_report.model import JUDGED, UNJUDGED, told_on_valid, with_care
from weakft.intervals import jeffreys
from weakft.report import Report
from weakft.runs import Json


def errors(report: Report, examples: int) -> Section:
    """The mistakes on valid, and what the LFs said of those rows."""
    told = told_on_valid(report)
    blocks: list[Block] = [UNJUDGED]
    if told is not None:
        rows = Examples(report, JUDGED, examples)
        mistakes = rows.mistakes()
        columns = ("id", "text", "gold", "predicted", "confidence", "loss", "LFs", "LF votes")
        table = rows.cells(mistakes, "The mistakes of largest loss", columns)
        blocks = [
            *with_care(report),
            Beside((_states(told), _states_chart(told))),
            Heading("LFs to blame"),
            *_blame(told),
            Heading("Mistakes"),
            Paragraph("The model makes no mistake on valid.") if mistakes.empty else table,
        ]
    return Section("errors", "Errors on valid", tuple(blocks))


def _states(told: Json) -> Table:
    rows = []
    for state in told["states"]:
        wrong = jeffreys(state["wrong"], state["rows"])
        share, evidence = score(wrong.as_dict() if wrong else None)
        rows.append((STATES[state["state"]], f"{state['wrong']:,}", share, evidence or NO_EVIDENCE))
    columns = ("the LFs", "wrong", "share", "95% interval")
    return Table("The model's mistakes by what the LFs say", columns, tuple(rows))


def _states_chart(told: Json) -> Figure:
    chart = charts.mistakes_by_state(pd.DataFrame(told["states"]), STATES)
    return figure(chart, "states", "Right and wrong rows by what the LFs say of them", width=320)


def _blame(told: Json) -> list[Block]:
    if not told["blame"]:
        return [Paragraph("No LF votes on a row that the model gets wrong.")]
    rows = tuple(
        (row["lf"], f"{row['like_the_model']:,}", f"{row['right']:,}") for row in told["blame"]
    )
    columns = ("LF", "wrong like the model", "right against it")
    caption = f"Votes on the {sum(state['wrong'] for state in told['states']):,} mistakes"
    return [
        Table(caption, columns, rows),
        Paragraph("Votes on the same rows that the model is wrong on: a trace, not a proof.", True),
    ]
