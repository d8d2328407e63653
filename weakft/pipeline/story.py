"""The story of one run, from rules of thumb to a scored classifier."""

import importlib.metadata
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import tomli_w

import weakft
from weakft.dataset import Dataset, read_dataset
from weakft.errors import DataError
from weakft.inputs import input_hashes, inputs_digest
from weakft.labels import LabelMatrix
from weakft.live import told_live
from weakft.model_card import model_card
from weakft.narration import SILENCE, Narrator
from weakft.pipeline.evaluating import evaluate
from weakft.pipeline.labelling import label
from weakft.pipeline.voting import vote
from weakft.project import Project
from weakft.ranks import led, shared
from weakft.runs import Json, RunFolder
from weakft.tables import write_tables

RECORDED_PACKAGES = ("snorkel", "torch", "transformers", "numpy", "pandas", "scikit-learn")


@dataclass
class Stopwatch:
    """Seconds spent in each stage.

    Attributes:
        narrator: told of each stage that begins.
        timings: by stage.
    """

    narrator: Narrator = SILENCE
    timings: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block under this name."""
        self.narrator.stage(name)
        start = time.perf_counter()
        yield
        self.timings[name] = round(time.perf_counter() - start, 3)


def run(project: Project, narrator: Narrator = SILENCE) -> tuple[RunFolder, Json]:
    """Read, vote, label, train, evaluate, publish.

    Returns:
        The published run folder and the object that `weakft run --json` prints.

    Raises:
        WeakftError: see the stages; nothing is left behind then.
    """
    from weakft.pipeline.fitting import fit  # imports torch
    from weakft.training.strategies import strategy_of

    strategy_of(project.config.train)  # an unknown one is refused before the LFs have voted
    with (
        led(project.runs.lock),
        led(project.runs.staging) as folder,
        told_live(project.runs.root, narrator) as narrator,
    ):
        clock = Stopwatch(narrator)
        made_from = input_hashes(project)
        with clock.stage("read"):
            data = read_dataset(project.config, project.root)
        with clock.stage("apply"):
            votes = shared(lambda: vote(project, data, folder, narrator))
            shared(lambda: refuse_moved_inputs(project, made_from))
        with clock.stage("label"):
            soft = shared(lambda: label(project, data, votes, folder, narrator))
        with clock.stage("train"):
            fit(project, data, soft, folder, narrator)
        with clock.stage("evaluate"):
            metrics = shared(lambda: evaluate(project, data, votes, folder, narrator))
        narrator.stage("publish")
        return shared(
            lambda: finish(project, data, votes, folder, metrics, clock.timings, made_from)
        )


def refuse_moved_inputs(project: Project, made_from: Json) -> None:
    """Refuse to go on with inputs that are not what they were.

    Raises:
        DataError: something changed.
    """
    if input_hashes(project) != made_from:
        raise DataError(
            "Data, LFs, what they read, or labels given by hand changed meanwhile, so nobody knows "
            "which of them was seen. Nothing was published; run the same command again."
        )


def finish(
    project: Project,
    data: Dataset,
    votes: Mapping[Any, LabelMatrix],
    folder: RunFolder,
    metrics: Json,
    timings: Mapping[str, float],
    made_from: Json | None = None,
) -> tuple[RunFolder, Json]:
    """Complete a staged run with its config and manifest, and publish it.

    `made_from` holds the `input_hashes` taken before anything was read; None: take them now.
    """
    write_config(project, folder)
    warnings = [*data.warnings, *metrics["labels"]["warnings"], *metrics["end_model"]["warnings"]]
    told = {**metrics, "timings": dict(timings), "warnings": warnings}
    head = manifest_head(project, votes["train"], made_from)
    folder.write_metrics(told)
    write_tables(project.root, project.config, data, folder)
    if folder.model.is_dir():
        (folder.model / "README.md").write_text(model_card(project.config, told, head))
    published = project.runs.publish(folder, head)
    summary = {
        "schema": 1,
        "status": "completed",
        "run_id": published.id,
        "run_dir": str(published.path),
        "metrics": metrics,
        "timings": dict(timings),
        "warnings": warnings,
    }
    return published, summary


def write_config(project: Project, folder: RunFolder) -> None:
    """The settings in force, defaults and overrides included, as TOML."""
    settings = project.config.model_dump(exclude_none=True, mode="json")
    folder.config.write_text(tomli_w.dumps(settings), encoding="utf-8")


def manifest_head(project: Project, L: LabelMatrix, made_from: Json | None = None) -> Json:
    """What a run was made of: data and LF hashes, versions, seeds."""
    config = project.config
    made_from = input_hashes(project) if made_from is None else made_from
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "project": config.project.name,
        "classes": list(config.classes),
        "lfs": list(L.lf_names),
        **made_from,
        "inputs": inputs_digest(project, made_from),
        "seeds": {"label_model": config.label_model.seed, "train": config.train.seed},
        "versions": {
            "weakft": weakft.__version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in RECORDED_PACKAGES},
        },
    }
