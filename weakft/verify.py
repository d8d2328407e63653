"""Is a run folder what its manifest says? Every file, byte by byte."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from weakft.config import SPLITS
from weakft.errors import DataError
from weakft.files import sha256
from weakft.runs import SCHEMA, Json, RunFolder, read_json

SHOWN_DIGITS = 12  # of a hash
NEEDED: dict[str, type] = {
    "created": str,
    "project": str,
    "lfs": list,
    "data": dict,
    "seeds": dict,
    "versions": dict,
    "files": dict,
}
"""What a manifest must say, and as what, for a run to be shown."""


@dataclass(frozen=True)
class Problem:
    """One way in which a run folder is not what it should be.

    Attributes:
        path: of the file, relative to the run folder.
        what: what was wanted and what was found.
    """

    path: str
    what: str


def verify_run(folder: RunFolder) -> tuple[Problem, ...]:
    """What is wrong with a run folder; nothing, if it is as it was published.

    Args:
        folder: of a run, readable or not.

    Example:
        >>> verify_run(RunFolder(Path("/nowhere/a")))
        (Problem(path='manifest.json', what='wanted the manifest of run a, got no such file'),)
    """
    try:
        manifest = read_json(folder.manifest)
    except FileNotFoundError:
        return (_manifest(f"wanted the manifest of run {folder.id}, got no such file"),)
    except (OSError, ValueError) as error:
        return (_manifest(f"wanted a JSON object, got a file that cannot be read: {error}"),)
    if not isinstance(manifest, dict):
        return (_manifest(f"wanted a JSON object, got a {type(manifest).__name__}"),)
    files = manifest.get("files")
    if not isinstance(files, dict):
        return (*_head(folder, manifest), _manifest(f"files: wanted an object, got {files!r}"))
    listed = (problem for name, wanted in files.items() for problem in _file(folder, name, wanted))
    return (*_head(folder, manifest), *listed, *_unnamed(folder, files))


def manifest_of(folder: RunFolder) -> Json:
    """What a run was made of, with all that readers of runs rely on.

    Raises:
        DataError: something of it is not there, or is of another kind.
    """
    manifest = _with_files(folder)
    odd = [name for name, kind in NEEDED.items() if not isinstance(manifest.get(name), kind)]
    data = manifest["data"] if not odd else {}
    odd += [
        f"data, {split!r}"
        for split, about in data.items()
        if split not in SPLITS or not isinstance(about, dict) or "sha256" not in about
    ]
    if odd:
        raise damaged(folder, folder.manifest, f"{odd[0]} is not what it should be")
    return manifest


def intact(folder: RunFolder, path: Path) -> Path:
    """The path of one file of a run, once its content is known to be what was published.

    Raises:
        DataError: it is not.
    """
    name = path.relative_to(folder.path).as_posix()
    files = _with_files(folder)["files"]
    if name not in files:
        raise damaged(folder, path, "the manifest does not name it")
    for problem in _file(folder, name, files[name]):
        raise damaged(folder, path, problem.what)
    return path


def intact_model(folder: RunFolder) -> Path:
    """The folder of a run's end model, once its files are known to be what was published.

    Raises:
        DataError: one of them is not, or is not there.
    """
    model = folder.model.relative_to(folder.path)
    for name in _with_files(folder)["files"]:
        if PurePosixPath(name).is_relative_to(model.as_posix()):
            intact(folder, folder.path / name)
    return folder.model


def damaged(folder: RunFolder, path: Path, what: str) -> DataError:
    """Why a file of a run cannot be used, and what to do."""
    name = path.relative_to(folder.path).as_posix()
    return DataError(
        f"{name} of run {folder.id} is damaged: {what}. See all that is: "
        f"`weakft runs verify {folder.id}`. Put the file back from a copy, or make a new run with "
        "`weakft run`."
    )


def _with_files(folder: RunFolder) -> Json:
    try:
        manifest = read_json(folder.manifest)
    except (OSError, ValueError) as error:
        raise damaged(folder, folder.manifest, f"it cannot be read ({error})") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise damaged(folder, folder.manifest, "it names no files")
    return manifest


def _head(folder: RunFolder, manifest: Json) -> Iterator[Problem]:
    for key, wanted in (("schema", SCHEMA), ("id", folder.id)):
        if (found := manifest.get(key)) != wanted:
            yield _manifest(f"{key}: wanted {wanted!r}, got {found!r}")


def _file(folder: RunFolder, name: str, wanted: object) -> Iterator[Problem]:
    if not _stays_inside(name):
        yield _manifest(f"files: wanted paths inside the run, got {name!r}")
        return
    if not isinstance(wanted, dict) or not {"sha256", "bytes"} <= wanted.keys():
        yield _manifest(f"files, {name!r}: wanted sha256 and bytes, got {wanted!r}")
        return
    try:
        if difference := _difference(folder.path / name, wanted):
            yield Problem(name, difference)
    except OSError as error:
        yield Problem(name, f"wanted a file that can be read, got: {error}")


def _difference(path: Path, wanted: Mapping[str, Any]) -> str | None:
    if path.is_symlink() or not path.is_file():
        got = "something else of that name" if path.exists() or path.is_symlink() else "nothing"
        return f"wanted a file of {wanted['bytes']} bytes, got {got}"
    if (size := path.stat().st_size) != wanted["bytes"]:
        return f"wanted {wanted['bytes']} bytes, got {size}"
    if (digest := sha256(path)) != wanted["sha256"]:
        return f"wanted sha256 {_short(wanted['sha256'])}, got {_short(digest)}"
    return None


def _unnamed(folder: RunFolder, files: Mapping[str, Any]) -> Iterator[Problem]:
    for path in sorted(folder.path.rglob("*")):
        name = path.relative_to(folder.path).as_posix()
        if not (path.is_dir() and not path.is_symlink()) and name not in files:
            if path != folder.manifest:
                yield Problem(name, "wanted only files that the manifest names, got this one too")


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return name != "" and not path.is_absolute() and ".." not in path.parts


def _short(digest: object) -> str:
    return f"{str(digest)[:SHOWN_DIGITS]}..."


def _manifest(what: str) -> Problem:
    return Problem("manifest.json", what)
