"""What a run leaves for those who look at it: rows a page at a time, and sums over all of them."""

from weakft.tables.columns import STATES
from weakft.tables.rows import RowTable
from weakft.tables.sought import Page, Sought
from weakft.tables.summaries import summaries
from weakft.tables.writing import write_tables

__all__ = ["STATES", "Page", "RowTable", "Sought", "summaries", "write_tables"]
