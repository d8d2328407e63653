"""The same stages one at a time: each reads what the one before left in `runs/.work`."""

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from weakft.config import Splits
from weakft.dataset import Dataset, read_dataset
from weakft.errors import ConfigError, DataError
from weakft.inputs import LATE_INPUTS, input_hashes
from weakft.labels import LabelMatrix, SoftLabels
from weakft.narration import Narrator
from weakft.pipeline.evaluating import evaluate as evaluate_stage
from weakft.pipeline.labelling import label as label_stage
from weakft.pipeline.story import finish
from weakft.pipeline.voting import load_votes, vote
from weakft.project import Project
from weakft.ranks import led
from weakft.runs import Json, RunFolder, inventory, read_json, write_json

STAMP = "stages.json"
SECTIONS = {
    "apply": ("project", "data", "labeling"),
    "label": ("label_model", "evaluate"),
    "train": ("train",),
    "evaluate": (),
}
"""Each stage in its order, with the sections of weakft.toml it depends on."""


def apply(project: Project, narrator: Narrator) -> tuple[RunFolder, dict[Splits, LabelMatrix]]:
    """Start over: votes on every split."""
    data = read_dataset(project.config, project.root)
    with project.runs.lock(), project.runs.staging() as staged:
        with stamped(project, staged, "apply"):
            votes = vote(project, data, staged, narrator)
        work = _replace_work(project, staged)
    return work, votes


def label(project: Project, narrator: Narrator) -> tuple[RunFolder, Json]:
    """Soft labels from the votes of `apply`."""
    with project.runs.lock():
        work, data, votes = _resume(project, "label")
        with stamped(project, work, "label"):
            label_stage(project, data, votes, work, narrator)
    return work, work.read_metrics()


def train(project: Project, narrator: Narrator) -> tuple[RunFolder, Json]:
    """The end model from the soft labels of `label`."""
    from weakft.pipeline.fitting import fit  # imports torch

    with led(project.runs.lock):
        work, data, _ = _resume(project, "train")
        soft = SoftLabels.load(work.soft_labels, project.config.classes)
        with led(lambda: stamped(project, work, "train")):
            fit(project, data, soft, work, narrator)
    return work, work.read_metrics()


def evaluate(project: Project, narrator: Narrator) -> tuple[RunFolder, Json]:
    """Scores of what `train` left, published as a run."""
    with project.runs.lock(), project.runs.staging() as staged:
        work, data, votes = _resume(project, "evaluate")
        shutil.copytree(work.path, staged.path, dirs_exist_ok=True)
        with stamped(project, staged, "evaluate"):
            metrics = evaluate_stage(project, data, votes, staged, narrator)
        timings = {name: stage["seconds"] for name, stage in read_stamp(staged).items()}
        (staged.path / STAMP).unlink()
        return finish(project, data, votes, staged, metrics, timings)


def _resume(project: Project, stage: str) -> tuple[RunFolder, Dataset, dict[Splits, LabelMatrix]]:
    """What the stages before left, if all of it was made from today's inputs."""
    work = project.runs.work
    done, intact = read_stamp(work), intact_stages(work)
    for earlier in list(SECTIONS)[: list(SECTIONS).index(stage)]:
        if earlier not in done:
            raise ConfigError(f"Nothing from `weakft {earlier}` in {work.path}: run that first.")
        if earlier not in intact:
            raise ConfigError(
                f"What `weakft {earlier}` wrote to {work.path} is damaged: run that again."
            )
        if done[earlier]["made_from"] != stage_inputs(project, earlier):
            raise ConfigError(
                f"Settings, data or LFs changed since `weakft {earlier}` wrote {work.path}: "
                "run that again."
            )
    data = read_dataset(project.config, project.root)
    return work, data, {name: load_votes(work, name) for name in data.splits}


def stage_inputs(project: Project, stage: str) -> Json:
    """What a stage is made from: the settings it depends on, and hashes of what it reads."""
    settings = project.config.model_dump(mode="json", include=set(SECTIONS[stage]))
    hashes = input_hashes(project)
    if stage == "apply":
        return {**settings, **{k: h for k, h in hashes.items() if k not in LATE_INPUTS}}
    late = ("model",) if stage == "train" else ("train_gold",)
    return {**settings, **{f"{k}_content": hashes[k] for k in late if k in hashes}}


def _replace_work(project: Project, staged: RunFolder) -> RunFolder:
    work = project.runs.work
    shutil.rmtree(work.path, ignore_errors=True)
    staged.path.rename(work.path)
    return work


@contextmanager
def stamped(project: Project, folder: RunFolder, stage: str) -> Iterator[None]:
    """Stamp the stage when it is complete; what came after it before is void from now on.

    Raises:
        DataError: what it is made from changed meanwhile, so nobody knows which of it was read.
    """
    order = list(SECTIONS)
    done = {name: read_stamp(folder)[name] for name in order[: order.index(stage)]}
    _write_stamp(folder, done)
    if done:
        folder.write_metrics(done[order[order.index(stage) - 1]]["metrics"])
    made_from, start = stage_inputs(project, stage), time.perf_counter()
    yield
    if stage_inputs(project, stage) != made_from:
        raise DataError(
            f"Data, LFs or other inputs changed while `{stage}` ran, so nobody knows which of "
            "them it saw. Nothing of it is used; run it again."
        )
    seconds = round(time.perf_counter() - start, 3)
    known = _files(done)
    changed = {name: about for name, about in _found(folder).items() if known.get(name) != about}
    stamp = {
        "seconds": seconds,
        "made_from": made_from,
        "files": changed,
        "metrics": folder.read_metrics(),
    }
    _write_stamp(folder, {**done, stage: stamp})


def read_stamp(folder: RunFolder) -> Json:
    """The stages that are complete in a folder, with what they were made from; none if damaged."""
    try:
        return checked_stamp(folder)
    except ValueError:
        return {}


def checked_stamp(folder: RunFolder) -> Json:
    """The stages that are complete in a folder.

    Raises:
        ValueError: the file that says so is damaged.
    """
    stamp = folder.path / STAMP
    if not stamp.exists():
        return {}
    content = read_json(stamp)
    stages: Json = content.get("stages", {}) if isinstance(content, dict) else {}
    if content != _stamp_of(stages):
        raise ValueError("its checksum is another")
    return stages


def intact_stages(folder: RunFolder) -> list[str]:
    """The stages that are complete in a folder, up to the first of whose files one is damaged."""
    done, found = read_stamp(folder), _found(folder)
    wanted = _files(done)
    damaged = {name for name, about in wanted.items() if found.get(name) != about}
    intact = []
    for stage in [name for name in SECTIONS if name in done]:
        if damaged & done[stage]["files"].keys():
            break
        intact.append(stage)
    return intact


def _files(done: Json) -> Json:
    """What the files that these stages wrote are, in the end."""
    return {name: about for stage in done.values() for name, about in stage["files"].items()}


def _found(folder: RunFolder) -> Json:
    """What is there; metrics are in the stamp."""
    found = inventory(folder.path)
    return {
        name: about for name, about in found.items() if name not in (STAMP, folder.metrics.name)
    }


def _write_stamp(folder: RunFolder, stages: Json) -> None:
    write_json(folder.path / STAMP, _stamp_of(stages))


def _stamp_of(stages: Json) -> Json:
    content = json.dumps(stages, sort_keys=True)
    return {"stages": stages, "sha256": hashlib.sha256(content.encode()).hexdigest()}
