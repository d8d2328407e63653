"""What a run is made from, by hash: settings, data, LF files, labels given by hand."""

import hashlib
import json
from pathlib import Path

from weakft.config import SPLITS
from weakft.project import Project
from weakft.runs import Json, sha256

MODULES = (".py",)
WORD_LISTS = (".txt", ".csv", ".tsv", ".json")


def inputs_digest(project: Project, made_from: Json) -> str:
    """One hash of all that decides a run: settings, data, LF files, labels given by hand."""
    settings = project.config.model_dump(mode="json", exclude={"app", "mlflow", "retrain"})
    content = json.dumps({**made_from, "settings": settings}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def input_hashes(project: Project) -> Json:
    """The LF files, data files and reviewed rows a run is made from, with their sha256.

    With LF files go the modules and word lists beside them. What is missing is left out: reading
    it will say so.
    """
    root, data = project.root, project.config.data
    files = {name: getattr(data, name) for name in SPLITS if getattr(data, name)}
    reviewed = project.review.path
    hashes: Json = {
        "lf_files": {str(f.relative_to(root)): sha256(f) for f in _lf_files(project)},
        "data": {
            name: {"file": f, "sha256": sha256(root / f)}
            for name, f in files.items()
            if (root / f).is_file()
        },
    }
    if reviewed.exists():
        hashes["review"] = {"file": data.review, "sha256": sha256(reviewed)}
    return hashes


def _lf_files(project: Project) -> list[Path]:
    files = {file for file in project.lf_files if file.is_file()}
    for folder in {file.parent for file in files}:
        kinds = MODULES if folder == project.root else (*MODULES, *WORD_LISTS)
        files |= {file for file in folder.iterdir() if file.suffix in kinds and file.is_file()}
    return sorted(files)
