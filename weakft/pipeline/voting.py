"""Stage 1: every labeling function votes on every row."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.apply import Streamed, apply_lfs, apply_parquet
from weakft.config import Splits
from weakft.data.quoting import Quoting
from weakft.dataset import Dataset, Split
from weakft.errors import ConfigError, DataError
from weakft.inputs import load_project_lfs
from weakft.labels import Fault, LabelMatrix
from weakft.narration import Narrator
from weakft.project import Project
from weakft.runs import RunFolder, read_json, write_json

Votes = dict[Splits, LabelMatrix]


def vote(project: Project, data: Dataset, folder: RunFolder, narrator: Narrator) -> Votes:
    """Apply the project's LFs to every split, or read ready-made votes; write `votes/`.

    Raises:
        LFError: LFs do not load, vote for no class, or raise too often.
        DataError: ready-made votes do not fit the rows.
        ConfigError: `[labeling]` names neither LF files nor votes.
    """
    votes = cast_votes(project, data, narrator)
    for name, matrix in votes.items():
        matrix.save(folder.votes(name))
    faults = {str(name): [vars(f) for f in L.faults] for name, L in votes.items()}
    write_json(folder.faults, faults)
    write_json(folder.lf_seconds, {str(name): list(L.seconds) for name, L in votes.items()})
    return votes


def load_votes(folder: RunFolder, split: Splits) -> LabelMatrix:
    """The votes that `vote` wrote, faults and costs included."""
    faults = tuple(Fault(**fault) for fault in read_json(folder.faults).get(split, []))
    seconds = tuple(read_json(folder.lf_seconds).get(split, []))
    return replace(LabelMatrix.load(folder.votes(split)), faults=faults, seconds=seconds)


def cast_votes(project: Project, data: Dataset, narrator: Narrator) -> Votes:
    """The votes on every split, checked; nothing is written."""
    labeling = project.config.labeling
    if labeling.votes:
        quoting = Quoting(project.config.privacy.hidden, project.config.data.id)
        cardinality = len(project.config.classes)
        return _read_votes(project.root / labeling.votes, data, cardinality, quoting)
    lfs = _project_lfs(project, narrator)
    votes: Votes = {}
    for name, split in data.splits.items():
        votes[name] = apply_lfs(
            lfs,
            split.frame,
            cache=project.vote_cache,
            what=name,
            narrator=narrator,
            **_terms(project),
        )
    return votes


def votes_are(project: Project, data: Dataset, folder: RunFolder, narrator: Narrator) -> bool:
    """Whether the LFs still vote as a folder says; of all that do not change, by the cache."""
    votes = cast_votes(project, data, narrator)
    return all(
        folder.votes(name).exists() and _are_same(matrix, LabelMatrix.load(folder.votes(name)))
        for name, matrix in votes.items()
    )


def _are_same(one: LabelMatrix, other: LabelMatrix) -> bool:
    named = one.ids == other.ids and one.lf_names == other.lf_names
    return named and np.array_equal(one.values, other.values)


def vote_on_file(project: Project, source: Path, target: Path, narrator: Narrator) -> Streamed:
    """Apply the project's LFs to a Parquet file of any size, chunk by chunk, into another.

    Raises:
        LFError: LFs do not load, vote for no class, or raise too often.
        DataError: the file is refused, or the target cannot be written.
        ConfigError: `[labeling]` names no LF files.
    """
    return apply_parquet(
        _project_lfs(project, narrator),
        source,
        target,
        hidden=[project.config.data.label],
        narrator=narrator,
        **_terms(project),
    )


def all_faults(votes: Mapping[Splits, LabelMatrix]) -> list[Fault]:
    """The faults of all splits, the first traceback of each LF, counts added."""
    merged: dict[str, Fault] = {}
    for matrix in votes.values():
        for fault in matrix.faults:
            first = merged.get(fault.lf_name, fault)
            count = fault.count + (merged[fault.lf_name].count if fault.lf_name in merged else 0)
            merged[fault.lf_name] = replace(first, count=count)
    return list(merged.values())


def _project_lfs(project: Project, narrator: Narrator) -> list[SnorkelLF]:
    if not project.config.labeling.modules:
        raise ConfigError(
            "No labeling function: [labeling] of weakft.toml names neither modules = "
            '["labeling/my_lfs.py"] nor votes = "a folder".'
        )
    return load_project_lfs(project, warn=narrator.say)


def _terms(project: Project) -> dict[str, Any]:
    """How the project wants its LFs applied."""
    config = project.config
    return {
        "workers": config.apply.workers,
        "engine": config.apply.engine,
        "scheduler": config.apply.scheduler,
        "cardinality": len(config.classes),
        "id_column": config.data.id,
        "text_column": config.data.text,
        "time_limit": config.apply.time_limit,
        "unquoted": config.hidden_from_all_but_lfs,
        "max_fault_rate": config.labeling.max_fault_rate,
    }


def _read_votes(folder: Path, data: Dataset, cardinality: int, quoting: Quoting) -> Votes:
    votes: Votes = {}
    hide_ids = quoting.id_column in quoting.hidden
    for name, split in data.splits.items():
        path = folder / f"{name}.parquet"
        if not path.is_file():
            raise DataError(
                f"{path}: no such file. [labeling] votes names a folder with one per split."
            )
        votes[name] = _aligned(LabelMatrix.load(path, hide_ids=hide_ids), split, path, quoting)
        values = votes[name].values
        if values.size and values.max() >= cardinality:
            raise DataError(f"{path}: votes lie in -1..{cardinality - 1}, got {values.max()}.")
        if votes[name].lf_names != votes["train"].lf_names:
            raise DataError(f"{path}: its LFs differ from those of train.parquet.")
    return votes


def _aligned(L: LabelMatrix, split: Split, path: Path, quoting: Quoting) -> LabelMatrix:
    position = {row_id: row for row, row_id in enumerate(L.ids)}
    missing = [row for row, row_id in enumerate(split.ids) if row_id not in position]
    if missing:
        first = quoting.row(split.ids[missing[0]], missing[0])
        raise DataError(
            f"{path}: {len(missing)} rows of {split.name} have no votes, first {first}."
        )
    return L.take(np.array([position[row_id] for row_id in split.ids], dtype=np.intp))
