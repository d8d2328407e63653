"""How things look on every page: numbers with their evidence, rows as plain cells, refusals.

Texts, LF and class names come from data, and data may be hostile: they are shown by
`st.dataframe` and `st.text`, which know no Markdown, and nowhere else.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pandas as pd
import streamlit as st
from altair import data_transformers

from weakft import charts
from weakft.data.csv_files import write_csv
from weakft.errors import WeakftError
from weakft.label_models.base import Explanation
from weakft.redaction import redacted
from weakft.visible import visible

NO_EVIDENCE = "no evidence"
AS_SURE_AS_RIGHT = 0.03

data_transformers.disable_max_rows()  # Altair refuses more than 5000: the cells of 71 classes


def plain(text: object) -> str:
    r"""Text as it is, where Streamlit expects Markdown.

    Example:
        >>> plain("a_b *c*")
        'a\\_b \\*c\\*'
    """
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~:$])", r"\\\1", visible(str(text)))


def safe_csv(table: pd.DataFrame) -> bytes:
    r"""A table as CSV in which no cell is a formula to a spreadsheet.

    Example:
        >>> safe_csv(pd.DataFrame({"text": ["=1+1", "fine"]}))
        b"text\n'=1+1\nfine\n"
    """
    file = BytesIO()
    write_csv(table, file)
    return file.getvalue()


def kpis(values: Sequence[tuple[str, str, str]]) -> None:
    """A row of cards: what, how much, and of what or within which interval."""
    with st.container(horizontal=True):
        for label, value, evidence in values:
            st.metric(
                label,
                plain(value),
                delta=plain(evidence) or None,
                delta_color="off",
                delta_arrow="off",
                border=True,
            )


def chart(
    make: Callable[..., charts.Chart], *arguments: object, alt: str, **options: object
) -> None:
    """Draw what one of `weakft.charts` makes of its arguments.

    Its specification is kept: to make and check one costs more than all else of a rerun.
    """
    st.vega_lite_chart(_specification(make.__name__, *arguments), alt=alt, **options)


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs={Explanation: repr})
def _specification(name: str, *arguments: object) -> dict[str, Any]:
    return getattr(charts, name)(*arguments).to_dict()


def links(pages: Sequence[tuple[str, str, Mapping[str, str]]]) -> None:
    """Ways to the rows behind the numbers above: words, page, and what is chosen there."""
    with st.container(horizontal=True):
        for words, page, chosen in pages:
            st.page_link(
                f"app_pages/{page}.py",
                label=words,
                icon=":material/arrow_forward:",
                query_params={"run": st.session_state["run"], **chosen},
            )


def when(run_id: str) -> str:
    """When a run was made, in UTC: what people call it by.

    Example:
        >>> when("20261126-204937033-55f8")
        '2026-11-26 20:49:37'
    """
    return (
        f"{datetime.strptime(run_id[:15], '%Y%m%d-%H%M%S').replace(tzinfo=UTC):%Y-%m-%d %H:%M:%S}"
    )


def score(value: Mapping[str, Any] | None) -> tuple[str, str]:
    """A score and its evidence, for `kpis`."""
    if not value:
        return "–", NO_EVIDENCE
    return f"{value['value']:.1%}", interval(value["low"], value["high"], value["support"], "rows")


def interval(low: float, high: float, support: int, unit: str) -> str:
    """The evidence for a share: its 95% interval and how many it was counted on."""
    if not support:
        return NO_EVIDENCE
    return (
        f"{low:.0%} to {high:.0%}, {support:,} {unit.removesuffix('s') if support == 1 else unit}"
    )


def calibration_verdict(bins: Sequence[Mapping[str, Any]]) -> str:
    """How far confidence and accuracy lie apart, and which way.

    Args:
        bins: as `weakft.tables.summaries.calibration` gives them.

    Example:
        >>> bins = [{"confidence": 0.9, "accuracy": 0.8, "accuracy_support": 10}]
        >>> calibration_verdict(bins)
        'Surer than it is right: 90% sure on average, 80% right. Over all bins they are 10% apart.'
    """
    rows = sum(each["accuracy_support"] for each in bins)
    sure = sum(each["confidence"] * each["accuracy_support"] for each in bins) / rows
    right = sum(each["accuracy"] * each["accuracy_support"] for each in bins) / rows
    error = sum(
        abs(each["confidence"] - each["accuracy"]) * each["accuracy_support"] for each in bins
    )
    if abs(sure - right) < AS_SURE_AS_RIGHT:
        verdict = "As sure as it is right"
    else:
        verdict = "Surer than it is right" if sure > right else "Less sure than it is right"
    return (
        f"{verdict}: {sure:.0%} sure on average, {right:.0%} right. Over all bins they are "
        f"{error / rows:.0%} apart."
    )


def intervals(table: pd.DataFrame, name: str, support: str, unit: str) -> list[str]:
    """`interval` for each row of a table with columns <name>_low and <name>_high."""
    bounds = zip(table[f"{name}_low"], table[f"{name}_high"], table[support], strict=True)
    return [interval(low, high, rows, unit) for low, high, rows in bounds]


def bounds(table: pd.DataFrame, name: str, *, signed: bool = True) -> list[str]:
    """The 95% interval of what is no share, for each row of a table; signed: of a difference."""
    form = "+.3f" if signed else ".3f"
    ends = zip(table[f"{name}_low"], table[f"{name}_high"], strict=True)
    return [NO_EVIDENCE if pd.isna(low) else f"{low:{form}} to {high:{form}}" for low, high in ends]


def share(label: str, explanation: str | None = None, width: int = 76) -> Any:  # noqa: ANN401  (Streamlit keeps its type to itself)
    """A column of `per_cent` numbers."""
    return st.column_config.NumberColumn(label, format="%.1f%%", help=explanation, width=width)


def text(label: str, width: int, explanation: str | None = None) -> Any:  # noqa: ANN401
    """A column of plain text."""
    return st.column_config.TextColumn(label, width=width, help=explanation)


def per_cent(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Shares in [0, 1] times 100: Streamlit's own format "percent" cuts off, it does not round."""
    return table.assign(**{name: table[name] * 100 for name in columns})


def scoreboard(board: pd.DataFrame, split: str) -> None:
    """The end model and its rivals on one split, as `Report.scoreboard` gives them."""
    st.dataframe(
        per_cent(board, "macro_f1", "accuracy").assign(
            f1_evidence=intervals(board, "macro_f1", "rows", "rows"),
            accuracy_evidence=intervals(board, "accuracy", "rows", "rows"),
        ),
        hide_index=True,
        alt=f"Scores of the end model and its rivals on {split}",
        column_order=["model", "macro_f1", "f1_evidence", "accuracy", "accuracy_evidence"],
        column_config={
            "model": text("model", 270),
            "macro_f1": share("macro-F1"),
            "f1_evidence": text("95% interval", 180),
            "accuracy": share("accuracy"),
            "accuracy_evidence": text("95% interval", 180),
        },
    )


def facts(rows: Sequence[Mapping[str, Any]], alt: str) -> None:
    """A small table of whatever was recorded."""
    st.dataframe(pd.DataFrame(rows), hide_index=True, placeholder="–", alt=alt)


def left_out(errors: Sequence[WeakftError]) -> None:
    """What is missing above, and why, in the library's words."""
    for error in errors:
        st.text(f"⚠ Left out: {visible(str(error))}")


def refusal(error: WeakftError) -> None:
    """Why something cannot be shown, in the library's words."""
    st.error("This cannot be shown.", icon=":material/error:")
    st.text(visible(redacted(str(error))))
