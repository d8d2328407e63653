"""Files that lie in the package and are filled in when a project gets them."""

import re
from collections.abc import Mapping
from importlib.resources import files

import tomli_w

PLACE = re.compile(r"@([A-Z_]+)@")


def filled(name: str, values: Mapping[str, str] | None = None) -> str:
    """A template with `@NAME@` replaced by the value of that name.

    Args:
        name: path of the template, below `templates/`.
        values: by name; each place must have one.

    Example:
        >>> filled("gitignore.in").splitlines()[1]
        'runs/'
    """
    text = template_bytes(name).decode()
    known = values or {}
    return PLACE.sub(lambda place: known[place[1]], text)


def template_bytes(name: str) -> bytes:
    """A file below `templates/` as it is."""
    return files("weakft.scaffold").joinpath("templates", *name.split("/")).read_bytes()


def toml_string(value: str) -> str:
    r"""A string as TOML writes it.

    Example:
        >>> print(toml_string('say "hi"'))
        "say \"hi\""
    """
    return tomli_w.dumps({"key": value}).removeprefix("key = ").rstrip("\n")
