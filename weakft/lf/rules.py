r"""Rules in a file: one pattern a line, no Python needed.

    class     pattern            options
    spam      (free|win) .*now   ignore_case
    spam      don't miss         words, normalize, column=subject
    ham       \bsee you\b        ignore_case, name=says_goodbye

Columns are separated by tabs; the first line is the header; `#` starts a comment line.
"""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

from weakft.errors import LFImportError
from weakft.lf.patterns import PatternLF, keyword_lf, regex_lf
from weakft.text_files import NotUTF8, read_text

HEADER = ("class", "pattern", "options")
SWITCHES = ("ignore_case", "words", "normalize")
SLUG_LENGTH = 40


def load_rules(path: Path, classes: Sequence[str]) -> list[PatternLF]:
    """The LFs of a rules file, in its order.

    Args:
        path: a TSV file of UTF-8 text with the columns class, pattern and maybe options.
            Options, separated by commas: `ignore_case`; `words` (the pattern is no regular
            expression but words to be found as they stand); `normalize` (as `keyword_lf` and
            `regex_lf` have it); `column=NAME` (default `text`); `name=NAME` (default: made from
            the pattern).
        classes: k class names; a rule may also name a class by its position.

    Raises:
        LFImportError: the file cannot be read; an unknown class or option, with its line.
        LFError: a pattern does not compile.
    """
    rules: list[PatternLF] = []
    taken: set[str] = set()
    for line, row in _rows(path):
        place = f"{path}, line {line}"
        options = _options(row[2] if len(row) > 2 else "", place)
        name = options.get("name") or _free_name(path.stem, row[1], taken)
        taken.add(name)
        label = _label(row[0], classes, place)
        column, normalize = options.get("column", "text"), "normalize" in options
        rules.append(
            keyword_lf(
                name,
                [row[1]],
                label,
                column=column,
                ignore_case="ignore_case" in options,
                normalize=normalize,
            )
            if "words" in options
            else regex_lf(
                name,
                row[1],
                label,
                column=column,
                flags=re.IGNORECASE if "ignore_case" in options else 0,
                normalize=normalize,
            )
        )
    return rules


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    try:
        lines = io.StringIO(read_text(path))
        reader = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        rows = [(reader.line_num, row) for row in reader if row and row[0][:1] != "#"]
    except NotUTF8 as error:
        raise LFImportError(f"{path}: {error}") from error
    except (OSError, csv.Error) as error:
        raise LFImportError(f"{path} cannot be read as UTF-8 text: {error}.") from error
    if not rows or tuple(rows[0][1]) not in (HEADER, HEADER[:2]):
        got = rows[0][1] if rows else "nothing"
        raise LFImportError(f"{path}: wanted the header {' TAB '.join(HEADER)}, got {got}.")
    for line, row in rows[1:]:
        if len(row) not in (2, 3) or not row[1]:
            raise LFImportError(f"{path}, line {line}: wanted class, pattern, options, got {row}.")
    return rows[1:]


def _options(text: str, place: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for option in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = option.partition("=")
        if (key in SWITCHES and not equals) or (key in ("column", "name") and value):
            options[key] = value
        else:
            raise LFImportError(
                f"{place}: unknown option {option!r}; known are {', '.join(SWITCHES)}, "
                "column=NAME and name=NAME."
            )
    return options


def _label(name: str, classes: Sequence[str], place: str) -> int:
    if name in classes:
        return list(classes).index(name)
    if name.isdecimal() and int(name) < len(classes):
        return int(name)
    raise LFImportError(f"{place}: unknown class {name!r}; classes are {', '.join(classes)}.")


def _free_name(stem: str, pattern: str, taken: set[str]) -> str:
    slug = re.sub(r"\W+", "_", re.sub(r"\\\w", "_", pattern)).strip("_")[:SLUG_LENGTH].strip("_")
    name = f"{stem}_{slug or 'rule'}"
    numbered = (f"{name}_{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(n for n in numbered if n not in taken)
