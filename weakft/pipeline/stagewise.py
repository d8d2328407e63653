"""The same stages one at a time: each reads what the one before left in `runs/.work`."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from weakft.config import Splits
from weakft.dataset import Dataset, read_dataset
from weakft.errors import ConfigError
from weakft.labels import LabelMatrix, SoftLabels
from weakft.narration import Narrator
from weakft.pipeline.evaluating import evaluate as evaluate_stage
from weakft.pipeline.labelling import label as label_stage
from weakft.pipeline.story import finish, manifest_head
from weakft.pipeline.voting import vote
from weakft.project import Project
from weakft.runs import Json, RunFolder, read_json, write_json

STAMP = "stages.json"


def apply(project: Project, narrator: Narrator) -> tuple[RunFolder, dict[Splits, LabelMatrix]]:
    """Start over: votes on every split."""
    data = read_dataset(project.config, project.root)
    with project.runs.lock(), project.runs.staging() as staged:
        with _timed(staged, "apply"):
            votes = vote(project, data, staged, narrator)
        _stamp(staged, inputs=_inputs(project, votes["train"]))
        work = _replace_work(project, staged)
    return work, votes


def label(project: Project, narrator: Narrator) -> tuple[RunFolder, Json]:
    """Soft labels from the votes of `apply`."""
    work, data, votes = _resume(project, needs="apply")
    with project.runs.lock(), _timed(work, "label"):
        label_stage(project, data, votes, work, narrator)
    return work, work.read_metrics()


def train(project: Project, narrator: Narrator) -> tuple[RunFolder, Json]:
    """The end model from the soft labels of `label`."""
    from weakft.pipeline.fitting import fit  # imports torch

    work, data, _ = _resume(project, needs="label")
    soft = SoftLabels.load(work.soft_labels, project.config.classes)
    with project.runs.lock(), _timed(work, "train"):
        fit(project, data, soft, work, narrator)
    return work, work.read_metrics()


def evaluate(project: Project, narrator: Narrator) -> tuple[RunFolder, Json]:
    """Scores of what `train` left, published as a run."""
    work, data, votes = _resume(project, needs="train")
    with project.runs.lock(), project.runs.staging() as staged:
        shutil.copytree(work.path, staged.path, dirs_exist_ok=True)
        with _timed(staged, "evaluate"):
            metrics = evaluate_stage(project, data, votes, staged, narrator)
        timings = read_json(staged.path / STAMP)["timings"]
        (staged.path / STAMP).unlink()
        return finish(project, data, votes, staged, metrics, timings)


def _resume(project: Project, needs: str) -> tuple[RunFolder, Dataset, dict[Splits, LabelMatrix]]:
    work = project.runs.work
    stamp = read_json(work.path / STAMP) if (work.path / STAMP).exists() else {"timings": {}}
    if needs not in stamp["timings"]:
        raise ConfigError(f"Nothing from `weakft {needs}` in {work.path}: run that first.")
    data = read_dataset(project.config, project.root)
    votes = {name: LabelMatrix.load(work.votes(name)) for name in data.splits}
    if stamp["inputs"] != _inputs(project, votes["train"]):
        raise ConfigError(
            f"Data, LFs or classes changed since the votes in {work.path} were cast: "
            "run `weakft apply` again."
        )
    return work, data, votes


def _inputs(project: Project, L: LabelMatrix) -> Json:
    head = manifest_head(project, L)
    return {key: head[key] for key in ("classes", "lfs", "lf_files", "data")}


def _replace_work(project: Project, staged: RunFolder) -> RunFolder:
    work = project.runs.work
    shutil.rmtree(work.path, ignore_errors=True)
    staged.path.rename(work.path)
    return work


@contextmanager
def _timed(folder: RunFolder, stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    stamp = folder.path / STAMP
    content = read_json(stamp) if stamp.exists() else {"timings": {}}
    content["timings"][stage] = round(time.perf_counter() - start, 3)
    write_json(stamp, content)


def _stamp(folder: RunFolder, **entries: Json) -> None:
    write_json(folder.path / STAMP, {**read_json(folder.path / STAMP), **entries})
