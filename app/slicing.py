"""Slices by columns of the data: where the end model is worst, and the way to those rows."""

from collections.abc import Mapping

import pandas as pd
import shown
import streamlit as st

Slice = tuple[str, str | None]
Slices = Mapping[str, Slice]


def show(table: pd.DataFrame | None, overall: float) -> Slices:
    """The surely worst slice first; a click chooses it.

    Args:
        table: as `Report.column_slices` gives it.
        overall: accuracy on all rows.

    Returns:
        What can be chosen, by how it is called.
    """
    if table is None:
        st.info("An older weakft made this run, without such slices. Make a new one: `weakft run`.")
        return {}
    if table.empty:
        st.info("No column of the data that may be shown has 2 to 20 values, so there are none.")
        return {}
    pairs = list(zip(table["column"], _values(table), strict=True))
    names = [_called(*pair) for pair in pairs]

    def choose_clicked() -> None:
        clicked = st.session_state["slices"].selection.rows
        if clicked:
            st.session_state["slice"] = names[clicked[0]]

    st.dataframe(
        shown.per_cent(table, "accuracy").assign(
            value=[_value(value) for value in _values(table)],
            evidence=shown.intervals(table, "accuracy", "accuracy_support", "rows"),
            beside=[_against(low, high, overall) for low, high in _bounds(table)],
        ),
        key="slices",
        on_select=choose_clicked,
        selection_mode="single-row",
        hide_index=True,
        height="content" if len(table) < 8 else 300,
        alt="Accuracy of the end model for each value of the data's columns",
        column_order=["column", "value", "accuracy", "evidence", "beside"],
        column_config={
            "column": shown.text("column", 150),
            "value": shown.text("value", 180),
            "accuracy": shown.share("right"),
            "evidence": shown.text("95% interval", 190),
            "beside": shown.text("than all rows", 110, "Beyond the interval of the slice."),
        },
    )
    st.caption(
        "Ordered by the upper end of the interval, so that few rows alone put no slice on top. Of "
        "twenty slices one is beyond its interval by chance. Click one for its rows."
    )
    return dict(zip(names, pairs, strict=True))


def chosen(slices: Slices) -> Slice | None:
    """Ask for one of them."""
    if st.session_state.get("slice") not in slices:
        st.session_state.pop("slice", None)
    if not slices:
        return None
    name = st.selectbox(
        "Slice",
        list(slices),
        index=None,
        key="slice",
        placeholder="all rows",
        bind="query-params",
    )
    return slices.get(name) if name is not None else None


def _values(table: pd.DataFrame) -> list[str | None]:
    return [None if pd.isna(value) else value for value in table["value"]]


def _called(column: str, value: str | None) -> str:
    return f"{column}: {_value(value)}"


def _value(value: str | None) -> str:
    return "(missing)" if value is None else value


def _bounds(table: pd.DataFrame) -> list[tuple[float, float]]:
    return list(zip(table["accuracy_low"], table["accuracy_high"], strict=True))


def _against(low: float, high: float, overall: float) -> str:
    if high < overall:
        return "worse"
    return "better" if low > overall else ""
