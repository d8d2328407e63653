"""Retraining one can leave alone: make a candidate, judge it, promote it or keep what there is.

After a crash at any point the old state holds or the new one, and the next call goes on from the
last complete stage. The same inputs are judged once: then there is nothing to do.
"""

from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import ArrowException

from weakft.dataset import read_dataset
from weakft.drift import Batch, Drift, find_drift
from weakft.errors import DataError, WeakftError
from weakft.gate import Verdict, check_first, judge
from weakft.inputs import input_hashes, inputs_digest
from weakft.live import told_live
from weakft.monitoring import write_metrics
from weakft.narration import SILENCE, Narrator
from weakft.project import Project
from weakft.report import Report
from weakft.run_diff import compare_runs
from weakft.runs import Json, RunFolder
from weakft.verify import verify_run

BY = "weakft retrain"

Status = Literal["unchanged", "promoted", "refused"]


@dataclass(frozen=True)
class Retrained:
    """What came of it.

    Attributes:
        status: nothing to do, the candidate is in service now, or it was refused.
        run_id: the candidate; the run with the same inputs, if nothing was to do.
        current: the run in service after it.
        verdict: of the gate; None where nothing was judged.
        drifts: what differs in the rows that are new.
        new_rows: how many training rows the run in service had not seen.
    """

    status: Status
    run_id: str
    current: str | None
    verdict: Verdict | None = None
    drifts: tuple[Drift, ...] = ()
    new_rows: int = 0

    def as_dict(self) -> Json:
        """Plain values for JSON."""
        checks = [] if self.verdict is None else [asdict(check) for check in self.verdict.checks]
        return {
            "status": self.status,
            "run_id": self.run_id,
            "current": self.current,
            "checks": checks,
            "reasons": [] if self.verdict is None else self.verdict.reasons,
            "newly_wrong": [] if self.verdict is None else list(self.verdict.newly_wrong),
            "drift": [{**asdict(drift), "says": str(drift)} for drift in self.drifts],
            "new_rows": self.new_rows,
        }


def retrain(project: Project, narrator: Narrator = SILENCE) -> Retrained:
    """Run, judge, promote or keep.

    Raises:
        LockedError: another process holds the project.
        WeakftError: as for `weakft.pipeline.run`; the run in service stays what it is.
    """
    with project.runs.lock():
        outcome = _outcome(project, narrator)
        metrics = {}
        if outcome.current is not None:
            metrics = project.runs.open(outcome.current).read_metrics()
        with suppress(OSError):  # what is in service matters more than the telling of it
            write_metrics(project.runs.root, outcome.as_dict(), metrics)
    return outcome


def _outcome(project: Project, narrator: Narrator) -> Retrained:
    made_from = input_hashes(project)
    digest = inputs_digest(project, made_from)
    candidate, judgements = _run_made_from(project, digest), project.registry.judgements
    if candidate is not None and made_from.get("untraced") and not _votes_are(project, candidate):
        candidate = None
    if damage := judgements.damage():
        narrator.say(damage)
    if candidate is not None and judgements.judged(candidate.id, project.config.retrain):
        return Retrained("unchanged", candidate.id, project.registry.current())
    _refuse_unfit_current(project)
    if candidate is None:
        from weakft.pipeline.candidate import make_candidate  # imports torch and snorkel

        with told_live(project.runs.root, narrator) as told:
            candidate = make_candidate(project, made_from, told)
    narrator.stage("judge")
    return _judged(project, candidate)


def _run_made_from(project: Project, digest: str) -> RunFolder | None:
    """The newest run, if these inputs made it."""
    ids = project.runs.ids()
    if not ids:
        return None
    newest = project.runs.open(ids[-1])
    return newest if Report(project, newest).manifest.get("inputs") == digest else None


def _votes_are(project: Project, run: RunFolder) -> bool:
    """Whether the LFs, which may rest on more than is known, still vote as in a run."""
    from weakft.pipeline.voting import votes_are  # imports snorkel

    data = read_dataset(project.config, project.root)
    return votes_are(project, data, run, SILENCE)


def _refuse_unfit_current(project: Project) -> None:
    """Before anything is trained that could not be judged."""
    current = project.registry.current()
    if current is None:
        return
    remedy = "Put another run into service: `weakft runs list`, `weakft runs promote RUN`."
    try:
        report = Report(project, project.runs.open(current))
        classes = report.classes
    except WeakftError as error:
        raise DataError(
            f"The run in service, {current}, is missing from {project.runs.root} or damaged, so no "
            f"candidate can be compared with it ({error}). {remedy}"
        ) from error
    if problems := verify_run(report.run):
        raise DataError(
            f"The run in service, {current}, is not what it was when it was published: "
            f"{problems[0].path}: {problems[0].what}. A comparison with it means nothing. {remedy}"
        )
    if classes != project.config.classes:
        raise DataError(
            f"The run in service, {current}, tells {list(classes)} apart, and [project] classes "
            f"are {list(project.config.classes)}: they cannot be compared. Make a run with `weakft "
            "run`, look at it, and put it into service with `weakft runs promote RUN`."
        )


def _judged(project: Project, candidate: RunFolder) -> Retrained:
    current = project.registry.current()
    if current == candidate.id:
        outcome = Retrained("promoted", candidate.id, candidate.id)
    else:
        outcome = _compared(project, current, candidate)
    if outcome.status == "promoted":
        why = "the first run in service" if current is None else "passed the gate"
        project.registry.promote(candidate.id, BY, why)
    project.registry.judgements.add(outcome.as_dict(), project.config.retrain)
    return outcome


def _compared(project: Project, current: str | None, candidate: RunFolder) -> Retrained:
    """With the run in service; where there is none, with what any run has to be."""
    new = Report(project, candidate)
    drifts: list[Drift] = []
    new_rows = 0
    try:
        if current is None:
            verdict = check_first(new, project.config.retrain)
        else:
            old = Report(project, project.runs.open(current))
            drifts, new_rows = _drift(old, new, project)
            verdict = judge(old, new, compare_runs(old, new), drifts, project.config.retrain)
    except (KeyError, ValueError, OSError, ArrowException) as error:
        if isinstance(error, WeakftError):
            raise
        compared = f"Run {candidate.id}" if current is None else f"Runs {current}, {candidate.id}"
        raise DataError(
            f"{compared} cannot be judged; something in it is damaged ({type(error).__name__}: "
            f"{error}). See `weakft runs verify --all`; put another run into service with `weakft "
            "runs promote RUN`."
        ) from error
    if verdict.split == "test":
        project.looks.add(candidate.id, new.manifest["data"]["test"]["sha256"], BY)
    status: Status = "promoted" if verdict.passed else "refused"
    in_service = candidate.id if verdict.passed else current
    return Retrained(status, candidate.id, in_service, verdict, tuple(drifts), new_rows)


def _drift(old: Report, new: Report, project: Project) -> tuple[list[Drift], int]:
    """Of the rows that are new against all rows of the run in service, by the LFs both have."""
    before, after = old.votes("train"), new.votes("train")
    seen = set(before.ids)
    fresh = np.array([row_id not in seen for row_id in after.ids])
    if not old.run.summaries.exists():  # an older weakft made it
        return [], int(fresh.sum())
    names = [name for name in after.lf_names if name in before.lf_names]
    hidden = any("text" in report.hidden for report in (old, new))
    columns = [[L.lf_names.index(name) for name in names] for L in (before, after)]
    batches = [
        Batch(L.values[:, chosen], report.table("train").column("label"), _lengths(report, hidden))
        for L, chosen, report in zip((before, after), columns, (old, new), strict=True)
    ]
    arrived = Batch(*(part[fresh] for part in vars(batches[1]).values()))
    found = find_drift(
        batches[0],
        arrived,
        names,
        new.classes,
        false_alarms=project.config.retrain.false_alarms,
    )
    return found, int(fresh.sum())


def _lengths(report: Report, hidden: bool) -> Any:  # noqa: ANN401
    """Characters of each text; all alike where texts are hidden."""
    if hidden:
        return np.zeros(len(report.table("train")), dtype=np.int64)
    texts = pq.read_table(report.run.rows("train"), columns=["text"]).column("text")
    return pc.utf8_length(texts).to_numpy()
