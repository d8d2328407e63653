"""What a labeling function is.

A weakft LF *is* a `snorkel.labeling.LabelingFunction`: Snorkel's own LFs run here
unchanged, and ours run in Snorkel's appliers.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.labels import ABSTAIN

CellVotes = Callable[[Sequence[Any]], Sequence[int]]


class LabelingFunction(SnorkelLF):  # type: ignore[misc]  # snorkel has no types
    """A named rule that looks at one row and votes for a class or abstains.

    Args:
        name: how the LF is called in every table; name it for its evidence.
        f: row -> class index, ABSTAIN or None (None abstains).
        resources: keyword arguments passed to `f` on every call.
        pre: Snorkel preprocessors run on the row first.
        doc: one sentence on what the rule looks for.
        pure: whether the vote depends on the row alone. False for an LF that uses a clock, the
            network or randomness: it is then called on every row, each time.

    Example:
        >>> from types import SimpleNamespace
        >>> lf = LabelingFunction("mentions_refund", lambda x: 0 if "refund" in x.text else None)
        >>> lf(SimpleNamespace(text="I want a refund")), lf(SimpleNamespace(text="fine"))
        (0, -1)
    """

    def __init__(
        self,
        name: str,
        f: Callable[..., int | None],
        resources: Mapping[str, Any] | None = None,
        pre: Sequence[Any] | None = None,
        doc: str = "",
        pure: bool = True,
    ) -> None:
        super().__init__(name, f, resources, list(pre or []))
        self.pure = pure
        self.__doc__ = doc or f.__doc__ or ""

    def __call__(self, x: Any) -> int:  # noqa: ANN401  (any row view will do)
        """Vote on one row: a class index or ABSTAIN."""
        vote = super().__call__(x)
        return ABSTAIN if vote is None else vote


class ColumnLF(LabelingFunction):
    """An LF that reads one column and votes on many of its cells at once.

    Args:
        name: the LF's name.
        column: the column it reads.
        votes: n cells -> n votes, each from its own cell alone.
        doc: one sentence on what the rule looks for.

    Example:
        >>> from types import SimpleNamespace
        >>> lf = ColumnLF("short", "text", lambda cells: [0 if len(c) < 9 else -1 for c in cells])
        >>> lf(SimpleNamespace(text="Too bad")), lf.votes(["Too bad", "It works as it should"])
        (0, [0, -1])
    """

    def __init__(self, name: str, column: str, votes: CellVotes, doc: str = "") -> None:
        super().__init__(name, self._vote, doc=doc)
        self.column = column
        self.votes = votes

    def _vote(self, x: Any) -> int:  # noqa: ANN401
        return self.votes([getattr(x, self.column)])[0]


def labeling_function(
    name: str | Callable[..., int | None] | None = None,
    resources: Mapping[str, Any] | None = None,
    pre: Sequence[Any] | None = None,
    pure: bool = True,
) -> Any:  # noqa: ANN401  (a decorator, with or without parentheses)
    """Turn a function of one row into a labeling function (Ratner et al., 2016).

    Args:
        name: the LF's name; the function's own by default.
        resources: keyword arguments passed to the function on every call.
        pre: Snorkel preprocessors run on the row first.
        pure: False for a function that uses a clock, the network or randomness.

    Example:
        >>> from types import SimpleNamespace
        >>> @labeling_function()
        ... def asks_for_refund(x):
        ...     return 0 if "refund" in x.text.lower() else ABSTAIN
        >>> asks_for_refund(SimpleNamespace(text="Refund me!"))
        0
    """
    if callable(name):
        return LabelingFunction(name.__name__, name)

    def decorate(f: Callable[..., int | None]) -> LabelingFunction:
        return LabelingFunction(name or f.__name__, f, resources, pre, pure=pure)

    return decorate
