"""Labeling functions: the decorator, the declarative kinds, and loading them from files.

A weakft LF *is* a `snorkel.labeling.LabelingFunction`: Snorkel's own LFs run here
unchanged, and ours run in Snorkel's appliers.
"""

import functools
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.errors import ConfigError, LFError, LFImportError
from weakft.labels import ABSTAIN


class LabelingFunction(SnorkelLF):  # type: ignore[misc]  # snorkel has no types
    """A named rule that looks at one row and votes for a class or abstains.

    Args:
        name: how the LF is called in every table; name it for its evidence.
        f: row -> class index, ABSTAIN or None (None abstains).
        resources: keyword arguments passed to `f` on every call.
        pre: Snorkel preprocessors run on the row first.
        doc: one sentence on what the rule looks for.

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
    ) -> None:
        super().__init__(name, f, resources, list(pre or []))
        self.__doc__ = doc or f.__doc__ or ""

    def __call__(self, x: Any) -> int:  # noqa: ANN401  (any row view will do)
        """Vote on one row: a class index or ABSTAIN."""
        vote = super().__call__(x)
        return ABSTAIN if vote is None else vote


def labeling_function(
    name: str | Callable[..., int | None] | None = None,
    resources: Mapping[str, Any] | None = None,
    pre: Sequence[Any] | None = None,
) -> Any:  # noqa: ANN401  (a decorator, with or without parentheses)
    """Turn a function of one row into a labeling function (Ratner et al., 2016).

    Args:
        name: the LF's name; the function's own by default.
        resources: keyword arguments passed to the function on every call.
        pre: Snorkel preprocessors run on the row first.

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
        return LabelingFunction(name or f.__name__, f, resources, pre)

    return decorate


def regex_lf(
    name: str,
    pattern: str,
    label: int,
    *,
    column: str = "text",
    flags: int = 0,
    doc: str = "",
) -> LabelingFunction:
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
        search = re.compile(pattern, flags).search
    except re.error as error:
        raise LFError(f"LF {name!r}: {pattern!r} is no regular expression: {error}.") from error
    vote = functools.partial(_vote_on_match, search=search, label=int(label), column=column)
    return LabelingFunction(name, vote, doc=doc or f"Finds /{pattern}/ in `{column}`.")


def keyword_lf(
    name: str,
    keywords: Sequence[str],
    label: int,
    *,
    column: str = "text",
    ignore_case: bool = True,
    whole_words: bool = True,
    doc: str = "",
) -> LabelingFunction:
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
    longest_first = sorted(keywords, key=lambda word: (-len(word), word))
    pattern = "|".join(re.escape(word) for word in longest_first)
    if whole_words:
        pattern = rf"(?<!\w)(?:{pattern})(?!\w)"
    shown = ", ".join(list(keywords)[:5]) + (", ..." if len(keywords) > 5 else "")
    return regex_lf(
        name,
        pattern,
        label,
        column=column,
        flags=re.IGNORECASE if ignore_case else 0,
        doc=doc or f"Finds any of {len(keywords)} words: {shown}",
    )


def load_lfs(files: Sequence[Path], root: Path) -> list[SnorkelLF]:
    """Import LF files and collect their labeling functions in the order of definition.

    Args:
        files: Python files; each is run once, under its own module name.
        root: the project folder, importable while the files load.

    Raises:
        LFImportError: a file is missing, raises on import or defines no LF.
        LFError: two LFs share a name.
    """
    found: dict[str, tuple[SnorkelLF, Path]] = {}
    for file in files:
        lfs = list(_lfs_of(_import_file(file, root)))
        if not lfs:
            raise LFImportError(
                f"{file}: wanted at least one labeling function, found none. Decorate a "
                "function with @labeling_function(), or assign a keyword_lf(...) to a name."
            )
        for lf in lfs:
            if lf.name in found and found[lf.name][0] is not lf:
                raise LFError(
                    f"LF name {lf.name!r} is taken twice: {found[lf.name][1]} and {file}. "
                    "Rename one of the two."
                )
            found.setdefault(lf.name, (lf, file))
    return [lf for lf, _ in found.values()]


def check_lfs(lfs: Sequence[SnorkelLF]) -> None:
    """Refuse an empty list, things that are no LFs, and names used twice.

    Raises:
        ConfigError: the list is empty.
        LFError: an element is no LF or a name is taken twice.
    """
    if not lfs:
        raise ConfigError(
            "Wanted at least one labeling function, got none. Name a file in "
            '[labeling] modules = ["labeling/my_lfs.py"] of weakft.toml.'
        )
    seen: set[str] = set()
    for lf in lfs:
        if not isinstance(lf, SnorkelLF):
            raise LFError(
                f"Wanted a labeling function, got {type(lf).__name__}: {lf!r}. "
                "Decorate the function with @labeling_function()."
            )
        if not isinstance(lf.name, str) or lf.name in ("", "id"):
            raise LFError(f"LF name {lf.name!r}: wanted a non-empty string other than 'id'.")
        if lf.name in seen:
            raise LFError(f"LF name {lf.name!r} is taken twice. Rename one of the two.")
        seen.add(lf.name)


def _vote_on_match(
    x: Any,  # noqa: ANN401
    *,
    search: Callable[[str], Any],
    label: int,
    column: str,
) -> int:
    return label if search(getattr(x, column)) else ABSTAIN


def _lfs_of(module: ModuleType) -> Iterator[SnorkelLF]:
    seen: set[int] = set()
    for value in vars(module).values():
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, SnorkelLF) and id(item) not in seen:
                seen.add(id(item))
                yield item


def _import_file(file: Path, root: Path) -> ModuleType:
    if not file.is_file():
        raise LFImportError(f"{file}: no such LF file. [labeling] modules names it in weakft.toml.")
    name = "weakft_lfs_" + re.sub(
        r"\W", "_", str(file.relative_to(root) if file.is_relative_to(root) else file.name)
    )
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise LFImportError(f"{file}: wanted a Python file ending in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with _importable(root, file.parent):
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            del sys.modules[name]
            raise LFImportError(
                f"{file} does not import: {type(error).__name__}: {error} ({_place(error)}). "
                "Fix it, then run `weakft check`."
            ) from error
    return module


def _place(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "importlib" not in frame.filename]
    where = [frame for frame in own if frame.filename != __file__] or own
    return f"{where[-1].filename}:{where[-1].lineno}"


@contextmanager
def _importable(*folders: Path) -> Iterator[None]:
    before = list(sys.path)
    sys.path[:0] = [str(folder) for folder in folders]
    try:
        yield
    finally:
        sys.path[:] = before
