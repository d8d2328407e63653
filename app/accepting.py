"""Answers sure enough to go unread: a threshold picked on valid, judged on valid or test."""

from collections.abc import Mapping
from typing import Any

import loading
import pandas as pd
import shown
import streamlit as st

from weakft import charts
from weakft.config import Splits
from weakft.report import Report
from weakft.tables.estimates import named_share


def show(report: Report, split: Splits) -> None:
    """Ask for a precision; show which answers have it, and how right those are on this split."""
    models = report.summaries["model"]
    picked_on: Splits = "valid" if "valid" in models else split
    wanted = st.slider(
        "Precision wanted",
        0.5,
        0.99,
        0.9,
        0.01,
        format="percent",
        key="precision",
        bind="query-params",
        width=320,
    )
    best = _threshold(models[picked_on], wanted)
    if best is None:
        st.info(
            f"No confidence is high enough to be sure of {wanted:.0%}, given "
            f"{models[picked_on]['rows']} rows of {picked_on}."
        )
    else:
        judged = best if split == picked_on else _judged(report, split, best["threshold"])
        of_rows = f"of {models[split]['rows']:,} on {split}"
        shown.kpis(
            [
                ("Accept from", f"{best['threshold']:.1%}", f"confidence, picked on {picked_on}"),
                ("Rows accepted", f"{judged['accepted']:.1%}", of_rows),
                (f"Right among them, on {split}", *_precision(judged)),
            ]
        )
    accept = pd.DataFrame(models[split]["accept"])
    shown.chart(charts.acceptance, accept, wanted, alt="Precision against the share accepted")
    st.caption(
        f"Picked is the lowest confidence on {picked_on} from which on the whole 95% interval of "
        "the precision is at or above the one wanted; it holds for the run shown alone. "
        "`weakft predict` writes the confidence of each answer beside it. "
        + (
            "On the rows it was picked on, precision is a little flattered."
            if picked_on == split
            else f"The rows of {split} had no part in it, so precision here is honest."
        )
    )


def _threshold(told: Mapping[str, Any], wanted: float) -> "pd.Series[Any] | None":
    accept = pd.DataFrame(told["accept"])
    safe = accept[accept["precision_low"] >= wanted]
    return None if safe.empty else safe.iloc[-1]


def _judged(report: Report, split: Splits, threshold: float) -> Mapping[str, Any]:
    """What a threshold that was picked elsewhere does on this split."""
    table = loading.rows_of(report, split)
    gold, predicted = table.column("gold"), table.column("predicted")
    known = (gold >= 0) & (predicted >= 0)
    accepted = known & (table.column("confidence") >= threshold)
    right = accepted & (gold == predicted)
    share = named_share("precision", int(right.sum()), int(accepted.sum()))
    return {"accepted": accepted.sum() / known.sum(), **share}


def _precision(judged: Mapping[str, Any]) -> tuple[str, str]:
    if not judged["precision_support"]:
        return "–", shown.NO_EVIDENCE
    low, high = judged["precision_low"], judged["precision_high"]
    support = int(judged["precision_support"])
    return f"{judged['precision']:.1%}", shown.interval(low, high, support, "rows")
