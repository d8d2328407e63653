"""The rows behind a number: a page of plain cells, with their count, the way on, and a download."""

from collections.abc import Mapping, Sequence

import loading
import pandas as pd
import shown
import streamlit as st

from weakft import charts
from weakft.config import Splits
from weakft.errors import WeakftError
from weakft.labels import ABSTAIN
from weakft.report import Report
from weakft.tables import RowTable, Sought

DEFAULT = ("text", "label", "label_confidence", "gold", "LF votes", "id")
MOST_DOWNLOADED = 10_000
ORDERS = {
    "as in the file": ("row", False),
    "least sure label": ("label_confidence", True),
    "least sure model": ("confidence", True),
    "surest model": ("confidence", False),
    "largest loss": ("loss", False),
}


def show(
    report: Report,
    split: Splits,
    sought: Sought,
    *,
    key: str,
    columns: Sequence[str] = DEFAULT,
    beside: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """A page of the rows sought; under it, why the row that is clicked has its label.

    What cannot be shown is refused in the library's words, in place of the rows.

    Args:
        report: of the run.
        split: whose rows.
        sought: which of them.
        key: of this table among those of the page.
        columns: of `weakft.tables.Page`, in the order shown.
        beside: further columns, by their title what stands there for each row id.
    """
    try:
        _show(report, split, sought, key, columns, beside or {})
    except WeakftError as error:
        shown.refusal(error)


def _show(
    report: Report,
    split: Splits,
    sought: Sought,
    key: str,
    columns: Sequence[str],
    beside: Mapping[str, Mapping[str, str]],
) -> None:
    table = loading.rows_of(report, split)
    positions = table.positions(sought)
    if not len(positions):
        st.info("No such rows.", icon=":material/check:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        size = 50
        pages = -(-len(positions) // size)
        st.text(f"{len(positions):,} rows" if len(positions) != 1 else "1 row", width="content")
        number = st.pagination(pages, key=f"{key}_page_{len(positions)}") - 1 if pages > 1 else 0
        if pages > 1:
            st.caption(f"page {number + 1} of {pages:,}", width="content")
        _download(table, positions[:MOST_DOWNLOADED], f"{report.run.id}-{split}", key)
    shown_now = positions[number * size : (number + 1) * size]
    rows = table.rows(shown_now)
    for title, by_id in beside.items():
        rows[title] = [by_id.get(row_id) for row_id in table.ids(shown_now)]
    clicked = _cells(rows, columns, key)
    if clicked is None:
        st.caption("Click a row for its whole text and what each vote adds to its label.")
        return
    st.text(shown.visible(rows["text"][clicked]))
    votes = table.votes[shown_now[clicked]]
    if (votes == ABSTAIN).all():
        st.info("No LF votes on this row, so there is nothing that its label came from.")
        return
    shown.chart(
        charts.explanation,
        report.explain(votes),
        report.classes,
        alt="What each vote adds to the label of the row",
    )


def _cells(rows: pd.DataFrame, columns: Sequence[str], key: str) -> int | None:
    cells = shown.per_cent(rows, "label_confidence", "confidence").loc[:, list(columns)]
    cells["text"] = [shown.visible(text) for text in cells["text"]]
    chosen = st.dataframe(
        cells,
        key=f"{key}_rows",
        on_select="rerun",
        selection_mode="single-row",
        hide_index=True,
        row_height=64,
        height="content" if len(cells) < 8 else 560,
        placeholder="",
        alt="Rows of the data",
        column_config={
            "id": shown.text("id", 80),
            "text": shown.text("text", 276),
            "label": shown.text("label", 90, "Class of the soft label."),
            "label_confidence": shown.share("label sure", "Probability of the soft label.", 84),
            "gold": shown.text("gold", 90),
            "predicted": shown.text("predicted", 90, "Class by the end model."),
            "confidence": shown.share(
                "model sure", "The end model's probability of its class.", 90
            ),
            "loss": st.column_config.NumberColumn(
                "loss", format="%.2f", width=64, help="Negative log-probability of gold, in nats."
            ),
            "votes": st.column_config.NumberColumn("votes", width=60),
            "state": shown.text(
                "LFs",
                90,
                "none: no LF votes. agreed: on one class, the gold one where there is "
                "gold. wrong: on one class, and gold is another. conflicted: on several.",
            ),
            "LF votes": shown.text("LF votes", 220),
        },
    )
    clicked = chosen["selection"]["rows"]
    return clicked[0] if clicked and clicked[0] < len(cells) else None


def _download(table: RowTable, positions: object, name: str, key: str) -> None:
    st.download_button(
        "CSV",
        lambda: shown.safe_csv(table.rows(positions)),
        file_name=f"{name}.csv",
        mime="text/csv",
        key=f"{key}_csv",
        icon=":material/download:",
        type="tertiary",
        help=f"The first {MOST_DOWNLOADED:,} of these rows; cells that a spreadsheet would take "
        "for a formula begin with an apostrophe.",
        on_click="ignore",
    )


def order(key: str, default: str, options: Sequence[str] = tuple(ORDERS)) -> tuple[str, bool]:
    """Ask in which order; a column of `Sought` and whether ascending."""
    chosen = st.selectbox(
        "Order", options, index=list(options).index(default), key=key, bind="query-params"
    )
    return ORDERS[chosen]
