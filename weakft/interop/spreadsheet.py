"""Tables as CSV that a spreadsheet takes for text and numbers, and nothing else."""

from pathlib import Path

import pandas as pd

FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table; texts that begin like a formula get an apostrophe, numbers 6 digits."""
    table.map(harmless).to_csv(path, index=False, float_format="%.6f")


def harmless(cell: object) -> object:
    """The cell itself, or, where a spreadsheet would compute it, behind an apostrophe.

    Example:
        >>> harmless("=1+1"), harmless("fine"), harmless(-1.5)
        ("'=1+1", 'fine', -1.5)
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell
