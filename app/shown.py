"""How things look on every page: numbers with their evidence, rows as plain cells, refusals.

Texts, LF and class names come from data, and data may be hostile: they are shown by
`st.dataframe` and `st.text`, which know no Markdown, and nowhere else.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from weakft.errors import WeakftError

NO_EVIDENCE = "no evidence"
CLASS_COLUMNS = ("label", "gold", "predicted", "vote")
WIDTHS = {"id": 84, "text": 380, "others": 200, **dict.fromkeys(CLASS_COLUMNS, 92)}


def plain(text: object) -> str:
    r"""Text as it is, where Streamlit expects Markdown.

    Example:
        >>> plain("a_b *c*")
        'a\\_b \\*c\\*'
    """
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~:$])", r"\\\1", str(text))


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


def intervals(table: pd.DataFrame, name: str, support: str, unit: str) -> list[str]:
    """`interval` for each row of a table with columns <name>_low and <name>_high."""
    bounds = zip(table[f"{name}_low"], table[f"{name}_high"], table[support], strict=True)
    return [interval(low, high, rows, unit) for low, high, rows in bounds]


def share(label: str, explanation: str | None = None) -> Any:  # noqa: ANN401  (Streamlit keeps its type to itself)
    """A column of `per_cent` numbers."""
    return st.column_config.NumberColumn(label, format="%.1f%%", help=explanation, width=76)


def per_cent(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Shares in [0, 1] times 100: Streamlit's own format "percent" cuts off, it does not round."""
    return table.assign(**{name: table[name] * 100 for name in columns})


def facts(rows: Sequence[Mapping[str, Any]], alt: str) -> None:
    """A small table of whatever was recorded."""
    st.dataframe(pd.DataFrame(rows), hide_index=True, placeholder="–", alt=alt)


def rows(table: pd.DataFrame, columns: Sequence[str], alt: str) -> None:
    """Rows of data as plain cells, two lines each, with their number above."""
    st.text(f"{len(table):,} rows" if len(table) != 1 else "1 row")
    if table.empty:
        return
    config: dict[str, Any] = {
        name: st.column_config.TextColumn(name, width=width) for name, width in WIDTHS.items()
    }
    st.dataframe(
        per_cent(table[list(columns)], *{"confidence"}.intersection(columns)),
        hide_index=True,
        column_config=config | {"confidence": share("confidence")},
        row_height=66,
        placeholder="",
        alt=alt,
    )


def refusal(error: WeakftError) -> None:
    """Why something cannot be shown, in the library's words."""
    st.error("This cannot be shown.", icon=":material/error:")
    st.text(str(error))
