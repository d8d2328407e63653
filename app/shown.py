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

Column = st.column_config.Column
NO_EVIDENCE = "no evidence"
WIDTHS = {"text": 460, "others": 260, "traceback": 600}


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
    return f"{low:.0%} to {high:.0%}, {support:,} {unit}" if support else NO_EVIDENCE


def intervals(table: pd.DataFrame, name: str, support: str, unit: str) -> list[str]:
    """`interval` for each row of a table with columns <name>_low and <name>_high."""
    columns = [f"{name}_low", f"{name}_high", support]
    return [interval(*row, unit) for row in table[columns].itertuples(index=False)]


def share(label: str, explanation: str | None = None) -> Column:
    """A column of shares in [0, 1], shown as per cent."""
    return st.column_config.NumberColumn(label, format="percent", help=explanation, width=88)


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
        table[list(columns)],
        hide_index=True,
        column_config=config | {"confidence": share("confidence")},
        row_height=56,
        placeholder="",
        alt=alt,
    )


def refusal(error: WeakftError) -> None:
    """Why something cannot be shown, in the library's words."""
    st.error("This cannot be shown.", icon=":material/error:")
    st.text(str(error))
