"""What a labeling function is.

A weakft LF *is* a `snorkel.labeling.LabelingFunction`: Snorkel's own LFs run here
unchanged, and ours run in Snorkel's appliers.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Self

from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.labels import ABSTAIN

CellVotes = Callable[[Sequence[Any]], Sequence[int]]
Row = str | Mapping[str, Any]  # a text, or the cells an LF reads by column
Expected = Mapping[Any, int] | Iterable[tuple[Row, int]]


@dataclass(frozen=True)
class Example:
    """A row and the vote that an LF is meant to cast on it.

    Attributes:
        row: a text, or the cells the LF reads by column.
        vote: class index or ABSTAIN.
    """

    row: Row
    vote: int


@dataclass
class Creations:
    """The LFs that are made while files are imported, kept or not.

    Attributes:
        lfs: (name of the LF, name of the module whose import made it).
    """

    lfs: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    @contextmanager
    def recorded(cls) -> Iterator["Creations"]:
        """Record what is made in the body."""
        current = cls()
        token = _creations.set(current)
        try:
            yield current
        finally:
            _creations.reset(token)

    def add(self, name: str) -> None:
        """Record an LF under the module that is being imported at this moment."""
        frame = sys._getframe(1)
        while frame.f_code.co_name != "<module>" and frame.f_back is not None:
            frame = frame.f_back
        self.lfs.append((name, frame.f_globals.get("__name__", "")))

    def names_in(self, module: ModuleType) -> list[str]:
        """Names of the LFs that the import of this module itself made, each once."""
        return list(dict.fromkeys(lf for lf, maker in self.lfs if maker == module.__name__))


_creations: ContextVar[Creations | None] = ContextVar("creations", default=None)


class LabelingFunction(SnorkelLF):  # type: ignore[misc]  # snorkel has no types
    """A named rule that looks at one row and votes for a class or abstains.

    Args:
        name: how the LF is called in every table; name it for its evidence.
        f: row -> class index, ABSTAIN or None (None abstains).
        resources: keyword arguments passed to `f` on every call.
        pre: Snorkel preprocessors run on the row first.
        doc: one sentence on what the rule looks for.
        pure: whether the vote depends on the row alone. False for an LF that uses a clock, the
            network or randomness: it is then called on every row, each time. True vouches for
            what it calls, where weakft cannot know; by default weakft finds out.

    Attributes:
        examples: what it is meant to vote; see `expecting`.

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
        pure: bool | None = None,
    ) -> None:
        super().__init__(name, f, resources, list(pre or []))
        self.pure = pure
        self.examples: tuple[Example, ...] = ()
        self.__doc__ = doc or f.__doc__ or ""
        if (creations := _creations.get()) is not None:
            creations.add(name)

    def __call__(self, x: Any) -> int:  # noqa: ANN401  (any row view will do)
        """Vote on one row: a class index or ABSTAIN."""
        vote = super().__call__(x)
        return ABSTAIN if vote is None else vote

    def expecting(self, examples: Expected = (), abstains: Iterable[Row] = ()) -> Self:
        """Say what the LF is meant to vote; `weakft check` and pytest hold it to that.

        Args:
            examples: votes by text, or (row, vote) pairs where a row is a text or, for LFs that
                read other columns, a mapping of cells.
            abstains: rows on which it is meant to abstain.

        Returns:
            The LF itself.

        Example:
            >>> from weakft import keyword_lf
            >>> lf = keyword_lf("praises", ["great"], 1)
            >>> lf.expecting({"Great!": 1}, abstains=["greatly"]).examples[1]
            Example(row='greatly', vote=-1)
        """
        pairs = examples.items() if isinstance(examples, Mapping) else examples
        told = [Example(row, int(vote)) for row, vote in pairs]
        self.examples += (*told, *(Example(row, ABSTAIN) for row in abstains))
        return self


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
    pure: bool | None = None,
    examples: Expected = (),
    abstains: Iterable[Row] = (),
) -> Any:  # noqa: ANN401  (a decorator, with or without parentheses)
    """Turn a function of one row into a labeling function (Ratner et al., 2016).

    Args:
        name: the LF's name; the function's own by default.
        resources: keyword arguments passed to the function on every call.
        pre: Snorkel preprocessors run on the row first.
        pure: False for a function that uses a clock, the network or randomness; True vouches
            that it uses none, where weakft cannot know.
        examples: what it is meant to vote; see `LabelingFunction.expecting`.
        abstains: rows on which it is meant to abstain.

    Example:
        >>> from types import SimpleNamespace
        >>> @labeling_function(examples={"Refund me!": 0}, abstains=["It is fun."])
        ... def asks_for_refund(x):
        ...     return 0 if "refund" in x.text.lower() else ABSTAIN
        >>> asks_for_refund(SimpleNamespace(text="Refund me!"))
        0
    """
    if callable(name):
        return LabelingFunction(name.__name__, name)

    def decorate(f: Callable[..., int | None]) -> LabelingFunction:
        lf = LabelingFunction(name or f.__name__, f, resources, pre, pure=pure)
        return lf.expecting(examples, abstains)

    return decorate
