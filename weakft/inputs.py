"""What a run is made from, by hash: settings, data, LFs and what they rest on, hand labels.

What LFs rest on is seen as they are loaded and followed from there (`weakft.lf.tracing`). Where
nothing but files can have had a part in it, the files are noted in `.weakft/`, and as long as
none of them changes no LF has to be loaded to know that nothing changed.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from weakft.config import SPLITS
from weakft.dataset import image_files
from weakft.engine import engine
from weakft.files import sha256, swapping
from weakft.project import Project
from weakft.runs import Json

if TYPE_CHECKING:
    from snorkel.labeling import LabelingFunction as SnorkelLF

NOTES = "lf_inputs.json"
MISSING = "missing"
LATE_INPUTS = ("train_gold", "model")
"""Inputs that no vote rests on."""


@dataclass(frozen=True)
class _Loaded:
    """LFs, with what they rested on when they were loaded."""

    lfs: "list[SnorkelLF]"
    hashes: Json
    files: Mapping[str, str]
    folders: Mapping[str, list[str]]


_loaded: dict[str, _Loaded] = {}
"""The last ones of each project, in this process."""


def inputs_digest(project: Project, made_from: Json) -> str:
    """One hash of all that decides a run: settings, data, LFs, labels given by hand."""
    settings = project.config.model_dump(mode="json", exclude={"app", "mlflow", "retrain"})
    content = json.dumps({**made_from, "settings": settings}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def input_hashes(project: Project) -> Json:
    """Everything that a run is made from, with its sha256.

    `lf_files` are the LF files, all that lies in their folders, and every module, word list or
    other file that the LFs were seen to rest on; `lf_digest` is a hash of what the LFs hold,
    whatever they made it of; `untraced` says of which LFs the votes may rest on more, and why.
    Data that is missing is left out: reading it will say so.

    Raises:
        LFImportError: the LFs do not load.
    """
    root, config = project.root, project.config
    hashes: Json = {"lf_files": {}}
    if config.labeling.votes:
        folder = Path(config.labeling.votes)
        ready = {name: folder / f"{name}.parquet" for name in SPLITS if getattr(config.data, name)}
        hashes["votes"] = {n: sha256(root / f) for n, f in ready.items() if (root / f).is_file()}
    elif config.labeling.modules:
        hashes |= _hashes_of_lfs(project)
    hashes["data"] = dict(_data(project))
    if config.evaluate.train_gold and (root / config.evaluate.train_gold).is_file():
        file = config.evaluate.train_gold
        hashes["train_gold"] = {"file": file, "sha256": sha256(root / file)}
    for folder in (Path(config.train.model), root / config.train.model):
        if folder.is_dir():
            hashes["model"] = {"file": config.train.model, "sha256": _of_folder(folder)}
            break
    if project.review.path.exists():
        hashes["review"] = {"file": config.data.review, "sha256": sha256(project.review.path)}
    return hashes


def load_project_lfs(
    project: Project, warn: Callable[[str], None] = lambda message: None
) -> "list[SnorkelLF]":
    """The LFs of a project as its files are now; `input_hashes` is of these from now on.

    `warn` is called with a sentence about LFs that a file makes and that are not used.

    Raises:
        LFImportError: a file is missing, raises on import or defines no LF.
        LFError: two LFs share a name.
    """
    return _load(project, warn).lfs


def _hashes_of_lfs(project: Project) -> Json:
    known, noted = _loaded.get(_key(project)), _noted(project)
    if known is not None and _is_as_it_was(known.files, known.folders):
        hashes = known.hashes
    elif noted is not None and _is_as_it_was(noted["files"], {}):
        hashes = noted["hashes"]
    else:
        hashes = _load(project).hashes
    near = {_name(project, file): sha256(file) for file in _near_lfs(project)}
    return {**hashes, "lf_files": dict(sorted({**near, **hashes["lf_files"]}.items()))}


def _load(project: Project, warn: Callable[[str], None] = lambda message: None) -> _Loaded:
    from weakft.lf.tracing import trace_lfs  # imports snorkel

    traced = trace_lfs(project.lf_files, project.root, project.config.classes, warn)
    files = _states(traced.files)
    folders = _listings(traced.folders)
    hashes: Json = {
        "lf_files": {_name(project, Path(file)): state for file, state in files.items()},
        "lf_digest": traced.digest,
        "packages": dict(sorted(traced.packages.items())),
    }
    if traced.untraced:
        hashes["untraced"] = traced.untraced
    loaded = _loaded[_key(project)] = _Loaded(traced.lfs, hashes, files, folders)
    _note(project, loaded if traced.closed else None)
    return loaded


def _key(project: Project) -> str:
    """What, beside files, LFs are loaded by."""
    config = project.config
    settings = [config.labeling.modules, config.classes, engine(), sys.version]
    return json.dumps([str(project.root), *settings])


def _noted(project: Project) -> Json | None:
    """The note that LFs rest on files alone, if there is one of these LF files."""
    try:
        noted: Json = json.loads((project.root / ".weakft" / NOTES).read_bytes())
        return noted if noted["key"] == _key(project) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note(project: Project, loaded: _Loaded | None) -> None:
    file = project.root / ".weakft" / NOTES
    with suppress(OSError):  # next time they are loaded again
        if loaded is None:
            file.unlink(missing_ok=True)
            return
        content = {"key": _key(project), "files": loaded.files, "hashes": loaded.hashes}
        file.parent.mkdir(exist_ok=True)
        with swapping(file) as draft:
            draft.write_text(json.dumps(content), encoding="utf-8")


def _is_as_it_was(files: Mapping[str, str], folders: Mapping[str, list[str]]) -> bool:
    same = _states(map(Path, files)) == files
    return same and _listings(map(Path, folders)) == folders


def _states(files: Iterable[Path]) -> dict[str, str]:
    return {str(file): sha256(file) if file.is_file() else MISSING for file in sorted(files)}


def _listings(folders: Iterable[Path]) -> dict[str, list[str]]:
    return {str(f): sorted(os.listdir(f)) if f.is_dir() else [] for f in sorted(folders)}


def _name(project: Project, file: Path) -> str:
    root = project.root
    return str(file.relative_to(root) if file.is_relative_to(root) else file)


def _near_lfs(project: Project) -> set[Path]:
    """What lies where LFs look first: their folders, and the modules of the project's own."""
    found = {file for file in project.root.glob("*.py") if file.is_file()}
    for folder in {file.parent for file in project.lf_files} - {project.root}:
        found |= {file for file in folder.rglob("*") if file.is_file() and _counts(folder, file)}
    return found


def _counts(folder: Path, file: Path) -> bool:
    parts = file.relative_to(folder).parts
    return "__pycache__" not in parts and not any(part.startswith(".") for part in parts)


def _data(project: Project) -> Iterable[tuple[str, Json]]:
    root, config = project.root, project.config
    for name in SPLITS:
        file = getattr(config.data, name)
        if file and (root / file).is_file():
            about: dict[str, Any] = {"file": file, "sha256": sha256(root / file)}
            if config.project.task == "image":
                about["images"] = _together(image_files(root / file, config.data.image))
            yield name, about


def _of_folder(folder: Path) -> str:
    return _together(file for file in sorted(folder.rglob("*")) if file.is_file())


def _together(files: Iterable[Path]) -> str:
    content = hashlib.sha256()
    for file in files:
        content.update(f"{file.name} {sha256(file) if file.is_file() else MISSING}\n".encode())
    return content.hexdigest()
