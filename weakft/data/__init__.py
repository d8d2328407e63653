"""Rows in and out: one reader for every format and command, one writer of CSV."""
