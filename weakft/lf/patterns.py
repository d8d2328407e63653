"""LFs that look for a regular expression or for words."""

import re
from collections.abc import Sequence
from typing import Any

from weakft.errors import LFError
from weakft.labels import ABSTAIN
from weakft.lf.function import ColumnLF


class PatternLF(ColumnLF):
    """An LF that votes `label` where `pattern` is found anywhere in a column.

    The applier looks for the patterns of all such LFs in one scan (`weakft.apply.scan`) and
    asks `pattern` itself about the rows that may match.

    Attributes:
        pattern: the compiled regular expression, searched.
        label: class index 0 .. k-1.
    """

    def __init__(
        self, name: str, pattern: re.Pattern[str], label: int, column: str, doc: str = ""
    ) -> None:
        super().__init__(name, column, self._search, doc)
        self.pattern = pattern
        self.label = label

    def _search(self, cells: Sequence[Any]) -> list[int]:
        search, label = self.pattern.search, self.label
        return [label if search(cell) else ABSTAIN for cell in cells]


def regex_lf(
    name: str,
    pattern: str,
    label: int,
    *,
    column: str = "text",
    flags: int = 0,
    doc: str = "",
) -> PatternLF:
    r"""An LF that votes `label` where the pattern is found anywhere in the column.

    Args:
        name: the LF's name.
        pattern: a regular expression of Python's `re`, searched (not matched from the start).
        label: class index 0 .. k-1.
        column: the text column it reads.
        flags: flags of `re.compile`, e.g. `re.IGNORECASE`.
        doc: one sentence on what the rule looks for.

    Raises:
        LFError: the pattern does not compile.

    Example:
        >>> from types import SimpleNamespace
        >>> lf = regex_lf("mentions_price", r"[$€]\s?[0-9]+", 1)
        >>> lf(SimpleNamespace(text="only $5")), lf(SimpleNamespace(text="free"))
        (1, -1)
    """
    try:
        compiled = re.compile(pattern, flags)
    except (re.error, TypeError, ValueError) as error:
        raise LFError(f"LF {name!r}: {pattern!r} is no regular expression: {error}.") from error
    return PatternLF(name, compiled, int(label), column, doc or f"Finds /{pattern}/ in `{column}`.")


def keyword_lf(
    name: str,
    keywords: Sequence[str],
    label: int,
    *,
    column: str = "text",
    ignore_case: bool = True,
    whole_words: bool = True,
    doc: str = "",
) -> PatternLF:
    """An LF that votes `label` where any of the words or phrases stands in the column.

    Args:
        name: the LF's name.
        keywords: words or phrases, at least one, none empty.
        label: class index 0 .. k-1.
        column: the text column it reads.
        ignore_case: "Great" counts for "great".
        whole_words: "great" does not count inside "greatly".
        doc: one sentence on what the rule looks for.

    Raises:
        LFError: no keyword, an empty one, or a single string instead of a list.

    Example:
        >>> from types import SimpleNamespace
        >>> lf = keyword_lf("praises", ["great", "works well"], 1)
        >>> [lf(SimpleNamespace(text=t)) for t in ("Works well!", "greatly")]
        [1, -1]
    """
    if isinstance(keywords, str) or not all(isinstance(k, str) and k for k in keywords):
        raise LFError(f"LF {name!r}: keywords are a list of non-empty strings, got {keywords!r}.")
    if not keywords:
        raise LFError(f"LF {name!r}: wanted at least one keyword, got an empty list.")
    shown = ", ".join(list(keywords)[:5]) + (", ..." if len(keywords) > 5 else "")
    return regex_lf(
        name,
        any_of(keywords, whole_words=whole_words),
        label,
        column=column,
        flags=re.IGNORECASE if ignore_case else 0,
        doc=doc or f"Finds any of {len(keywords)} words: {shown}",
    )


def any_of(words: Sequence[str], *, whole_words: bool) -> str:
    r"""A regular expression for any of the words, the longest first.

    Example:
        >>> any_of(["no", "no way"], whole_words=True)
        '(?<!\\w)(?:no\\ way|no)(?!\\w)'
    """
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    alternatives = "|".join(re.escape(word) for word in longest_first)
    return rf"(?<!\w)(?:{alternatives})(?!\w)" if whole_words else alternatives
