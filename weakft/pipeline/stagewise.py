"""The same stages one at a time: each reads what the one before left in `runs/.work`."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from weakft.config import Splits
from weakft.dataset import Dataset, read_dataset
from weakft.errors import ConfigError
from weakft.inputs import input_hashes
from weakft.labels import LabelMatrix, SoftLabels
from weakft.narration import Narrator
from weakft.pipeline.evaluating import evaluate as evaluate_stage
from weakft.pipeline.labelling import label as label_stage
from weakft.pipeline.story import finish
from weakft.pipeline.voting import load_votes, vote
from weakft.project import Project
from weakft.ranks import led
from weakft.runs import Json, RunFolder, read_json, write_json

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
    done = read_stamp(work)
    for earlier in list(SECTIONS)[: list(SECTIONS).index(stage)]:
        if earlier not in done:
            raise ConfigError(f"Nothing from `weakft {earlier}` in {work.path}: run that first.")
        if done[earlier]["made_from"] != stage_inputs(project, earlier):
            raise ConfigError(
                f"Settings, data or LFs changed since `weakft {earlier}` wrote {work.path}: "
                "run that again."
            )
    data = read_dataset(project.config, project.root)
    return work, data, {name: load_votes(work, name) for name in data.splits}


def stage_inputs(project: Project, stage: str) -> Json:
    """What a stage is made from: the settings it depends on and, for votes, the files' hashes."""
    settings = project.config.model_dump(mode="json", include=set(SECTIONS[stage]))
    return {**settings, **(input_hashes(project) if stage == "apply" else {})}


def _replace_work(project: Project, staged: RunFolder) -> RunFolder:
    work = project.runs.work
    shutil.rmtree(work.path, ignore_errors=True)
    staged.path.rename(work.path)
    return work


@contextmanager
def stamped(project: Project, folder: RunFolder, stage: str) -> Iterator[None]:
    """Stamp the stage when it is complete; what came after it before is void from now on."""
    order = list(SECTIONS)
    done = {name: read_stamp(folder)[name] for name in order[: order.index(stage)]}
    write_json(folder.path / STAMP, done)
    start = time.perf_counter()
    yield
    seconds = round(time.perf_counter() - start, 3)
    stamp = {"seconds": seconds, "made_from": stage_inputs(project, stage)}
    write_json(folder.path / STAMP, {**done, stage: stamp})


def read_stamp(folder: RunFolder) -> Json:
    """The stages that are complete in a folder, with what they were made from."""
    stamp = folder.path / STAMP
    return read_json(stamp) if stamp.exists() else {}
