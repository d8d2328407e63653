"""LFs that look for a regular expression or for words."""

import re
from collections.abc import Sequence
from typing import Any

from weakft.errors import LFError
from weakft.labels import ABSTAIN
from weakft.lf.function import ColumnLF
from weakft.lf.normalization import Normalization
from weakft.lf.words import any_of


class PatternLF(ColumnLF):
    """An LF that votes `label` where `pattern` is found anywhere in a column.

    The applier looks for the patterns of all such LFs in one scan (`weakft.apply.scan`) and
    asks `pattern` itself about the rows that may match.

    Attributes:
        pattern: the compiled regular expression, searched.
        label: class index 0 .. k-1.
        normalization: what each cell goes through before the search; None: nothing.
    """

    def __init__(
        self,
        name: str,
        pattern: re.Pattern[str],
        label: int,
        column: str,
        doc: str = "",
        normalization: Normalization | None = None,
    ) -> None:
        super().__init__(name, column, self._search, doc)
        self.pattern = pattern
        self.label = label
        self.normalization = normalization

    def normalized(self) -> "PatternLF":
        """The same LF with `normalize=True`."""
        return PatternLF(
            self.name, self.pattern, self.label, self.column, self.__doc__ or "", Normalization()
        )

    def _search(self, cells: Sequence[Any]) -> list[int]:
        search, label = self.pattern.search, self.label
        if self.normalization is not None:
            cells = [self.normalization(cell) for cell in cells]
        return [label if search(cell) else ABSTAIN for cell in cells]


class KeywordLF(PatternLF):
    """A pattern LF made of words; see `keyword_lf`."""

    def __init__(
        self,
        name: str,
        keywords: Sequence[str],
        label: int,
        *,
        column: str = "text",
        ignore_case: bool = True,
        whole_words: bool = True,
        normalize: bool = False,
        doc: str = "",
    ) -> None:
        self.keywords = tuple(keywords)
        self.ignore_case = ignore_case
        self.whole_words = whole_words
        normalization = Normalization(casefold=ignore_case) if normalize else None
        words = [normalization(word) for word in keywords] if normalization else list(keywords)
        if not all(words):
            raise LFError(f"LF {name!r}: a keyword holds no character that shows: {keywords!r}.")
        pattern = any_of(words, whole_words=whole_words)
        compiled = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
        super().__init__(name, compiled, label, column, doc, normalization)

    def normalized(self) -> "KeywordLF":
        """The same LF with `normalize=True`."""
        return KeywordLF(
            self.name,
            self.keywords,
            self.label,
            column=self.column,
            ignore_case=self.ignore_case,
            whole_words=self.whole_words,
            normalize=True,
            doc=self.__doc__ or "",
        )


def regex_lf(
    name: str,
    pattern: str,
    label: int,
    *,
    column: str = "text",
    flags: int = 0,
    normalize: bool = False,
    doc: str = "",
) -> PatternLF:
    r"""An LF that votes `label` where the pattern is found anywhere in the column.

    Args:
        name: the LF's name.
        pattern: a regular expression of Python's `re`, searched (not matched from the start).
        label: class index 0 .. k-1.
        column: the text column it reads.
        flags: flags of `re.compile`, e.g. `re.IGNORECASE`.
        normalize: search the normal form of each text (`weakft.lf.normalization`), where an
            apostrophe is always `'`, a space one plain space, and an accented letter one
            character. The pattern stays as it is written.
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
    doc = doc or f"Finds /{pattern}/ in `{column}`."
    normalization = Normalization() if normalize else None
    return PatternLF(name, compiled, int(label), column, doc, normalization)


def keyword_lf(
    name: str,
    keywords: Sequence[str],
    label: int,
    *,
    column: str = "text",
    ignore_case: bool = True,
    whole_words: bool = True,
    normalize: bool = False,
    doc: str = "",
) -> KeywordLF:
    """An LF that votes `label` where any of the words or phrases stands in the column.

    Args:
        name: the LF's name.
        keywords: words or phrases, at least one, none empty.
        label: class index 0 .. k-1.
        column: the text column it reads.
        ignore_case: "Great" counts for "great".
        whole_words: "great" does not count inside "greatly". Where a script has no spaces
            (Chinese, Japanese, Thai, ...) keywords count anywhere, in Korean at the start of a
            word; see `weakft.lf.words`.
        normalize: compare normal forms (`weakft.lf.normalization`): "don't" counts for
            "don’t" and "don&#39;t", "café" however it is encoded, "money back" with any white
            space, "strasse" for "straße". Without it keywords count as they are spelled;
            `weakft check` tells where that makes a difference.
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
    return KeywordLF(
        name,
        keywords,
        int(label),
        column=column,
        ignore_case=ignore_case,
        whole_words=whole_words,
        normalize=normalize,
        doc=doc or f"Finds any of {len(keywords)} words: {shown}",
    )
