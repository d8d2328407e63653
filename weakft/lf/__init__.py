"""Labeling functions: the decorator, the declarative kinds, and loading them from files."""

from weakft.lf.function import ColumnLF, Example, LabelingFunction, labeling_function
from weakft.lf.loading import LFSource, check_lfs, importable_for, load_lfs, source_of
from weakft.lf.lookup import lookup_lf
from weakft.lf.patterns import PatternLF, keyword_lf, regex_lf
from weakft.lf.rules import load_rules
from weakft.lf.scores import model_lf, threshold_lf

__all__ = [
    "ColumnLF",
    "Example",
    "LFSource",
    "LabelingFunction",
    "PatternLF",
    "check_lfs",
    "importable_for",
    "keyword_lf",
    "labeling_function",
    "load_lfs",
    "load_rules",
    "lookup_lf",
    "model_lf",
    "regex_lf",
    "source_of",
    "threshold_lf",
]
