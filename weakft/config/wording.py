"""What is wrong with a setting, in words."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from weakft.config.upgrade import REMOVED, REMOVED_VALUES
from weakft.redaction import redacted_argument
from weakft.visible import listed

MOST_SHOWN = 20  # of a list


def explained(error: ValidationError, whole: type[BaseModel], file: Path) -> str:
    """Every wrong setting: its key, what was wanted, what was found, the nearest known key.

    Args:
        error: what pydantic has against it.
        whole: the settings that were to be made.
        file: they come from.
    """
    problems = [_problem(dict(detail), whole) for detail in error.errors()]
    return f"{file}: " + " ".join(problems)


def _problem(detail: dict[str, Any], whole: type[BaseModel]) -> str:
    path = [str(part) for part in detail["loc"]]
    where = ".".join(path)
    if where in REMOVED:
        return f"{where!r} is no longer a setting: {REMOVED[where]}."
    if (instead := REMOVED_VALUES.get((where, str(detail["input"])))) is not None:
        return f"{where!r}: {detail['input']!r} is no longer there: {instead}."
    if detail["type"] == "extra_forbidden":
        known = list(_section_at(whole, path[:-1]).model_fields)
        near = difflib.get_close_matches(path[-1], known, n=1)
        advice = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}."
        return f"Unknown key {where!r}; {advice}"
    if detail["type"] == "missing":
        return f"{where!r} is required."
    wanted = detail["msg"].removeprefix("Value error, ")
    return f"{where!r}: {wanted}, got {_shown(detail['input'])}."


def _shown(value: Any) -> str:  # noqa: ANN401
    """A setting as it was found, without passwords."""
    if isinstance(value, str):
        return repr(redacted_argument(value))
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_shown(each)}' for key, each in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{listed([_shown(each) for each in value], MOST_SHOWN)}]"
    return repr(value)


def _section_at(whole: type[BaseModel], path: Sequence[str]) -> type[BaseModel]:
    section = whole
    for part in path:
        annotation = section.model_fields[part].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            section = annotation
    return section
