"""What `weakft retrain` judges: a run of today's inputs, gone on with where a crash left it."""

import shutil

from weakft.config import Config
from weakft.dataset import read_dataset
from weakft.labels import SoftLabels
from weakft.narration import Narrator
from weakft.pipeline.evaluating import evaluate
from weakft.pipeline.fitting import fit
from weakft.pipeline.labelling import label
from weakft.pipeline.stagewise import intact_stages, read_stamp, stage_inputs, stamped
from weakft.pipeline.story import finish, refuse_moved_inputs
from weakft.pipeline.voting import load_votes, vote, votes_are
from weakft.project import Project
from weakft.report import Report
from weakft.runs import Json, RunFolder

UNFINISHED = ".retrain"


def make_candidate(project: Project, made_from: Json, narrator: Narrator) -> RunFolder:
    """A published run of today's inputs; stages that an interrupted call completed are kept."""
    started = _warm(project)
    folder = RunFolder(project.runs.root / UNFINISHED)
    _discard_if_stale(project, folder)
    done = intact_stages(folder)
    folder.make_folders()
    narrator.stage("read")
    data = read_dataset(project.config, project.root)
    narrator.stage("apply")
    if made_from.get("untraced") and "apply" in done:
        if not votes_are(project, data, folder, narrator):
            shutil.rmtree(folder.path)
            folder.make_folders()
            done = type(done)()
    if "apply" not in done:
        with stamped(project, folder, "apply"):
            vote(project, data, folder, narrator)
    votes = {name: load_votes(folder, name) for name in data.splits}
    narrator.stage("label")
    if "label" not in done:
        with stamped(project, folder, "label"):
            label(project, data, votes, folder, narrator)
    narrator.stage("train")
    if "train" not in done:
        soft = SoftLabels.load(folder.soft_labels, project.config.classes)
        with stamped(project, folder, "train"):
            fit(started, data, soft, folder, narrator)
    narrator.stage("evaluate")
    if "evaluate" not in done:
        with stamped(project, folder, "evaluate"):
            evaluate(project, data, votes, folder, narrator)
    refuse_moved_inputs(project, made_from)
    narrator.stage("publish")
    timings = {name: stage["seconds"] for name, stage in read_stamp(folder).items()}
    metrics = read_stamp(folder)["evaluate"]["metrics"]
    return finish(project, data, votes, folder, metrics, timings, made_from)[0]


def _warm(project: Project) -> Project:
    """The project with the model in service to start from, where `[retrain] start` asks for it.

    Its labels stay as voted: embeddings of a model that has learned them would only repeat them.
    """
    current = project.registry.current()
    if project.config.retrain.start == "scratch" or current is None:
        return project
    report = Report(project, project.runs.open(current))
    if report.classes != project.config.classes:
        return project
    update = {"model": str(report.run.model), "relabel": False}
    train = project.config.train.model_copy(update=update)
    config: Config = project.config.model_copy(update={"train": train})
    return Project(project.root, config)


def _discard_if_stale(project: Project, folder: RunFolder) -> None:
    done = read_stamp(folder)
    if any(done[stage]["made_from"] != stage_inputs(project, stage) for stage in done):
        shutil.rmtree(folder.path)
