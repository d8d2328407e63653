"""The engine: the code of weakft, and the packages, that votes depend on."""

import functools
import hashlib
from importlib import metadata
from pathlib import Path

VOTING = (
    "weakft.apply.cache",
    "weakft.apply.chunk",
    "weakft.apply.cuts",
    "weakft.apply.kept",
    "weakft.apply.patience",
    "weakft.apply.prepared",
    "weakft.apply.rows",
    "weakft.apply.scan",
    "weakft.apply.superset",
    "weakft.data.cells",
    "weakft.engine",
    "weakft.files",
    "weakft.images",
    "weakft.interrupts",
    "weakft.labels",
    "weakft.lf",
    "weakft.lf.collecting",
    "weakft.lf.fingerprint",
    "weakft.lf.function",
    "weakft.lf.loading",
    "weakft.lf.lookup",
    "weakft.lf.names",
    "weakft.lf.normalization",
    "weakft.lf.origins",
    "weakft.lf.patterns",
    "weakft.lf.rules",
    "weakft.lf.scores",
    "weakft.lf.watch",
    "weakft.lf.words",
    "weakft.text_files",
)
"""Modules that decide how an LF votes, or under which key its votes are kept."""
WITHOUT_EFFECT = (
    "weakft.apply.budget",
    "weakft.apply.shown",
    "weakft.apply.table",
    "weakft.data.quoting",
    "weakft.errors",
    "weakft.narration",
    "weakft.visible",
)
"""Modules that the others import and that change no vote."""
PACKAGES = ("snorkel", "google-re2")
"""Packages that call LFs and scan texts."""


@functools.cache
def engine() -> str:
    """A hash of that code and of the versions of those packages."""
    content = hashlib.blake2b()
    for module in VOTING:
        content.update(source_of_module(module).read_bytes())
    content.update(repr([_version(package) for package in PACKAGES]).encode())
    return content.hexdigest()


def source_of_module(module: str) -> Path:
    """The file of one of weakft's modules."""
    place = Path(__file__).parent.joinpath(*module.split(".")[1:])
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
