"""Telling MLflow of a run: once, with the aliases as they are, and never at the run's expense."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec

from weakft.errors import ConfigError, WeakftError
from weakft.interop.mlflow.facts import read_facts
from weakft.interop.mlflow.tracker import Place, Tracker, quiet_mlflow
from weakft.locks import locked
from weakft.project import Project
from weakft.redaction import redacted
from weakft.registry import CURRENT
from weakft.runs import RunFolder

CANDIDATE = "candidate"
LOCAL = "mlflow.db"
SQLITE = "sqlite:///"
LOCK = ".mlflow.lock"
SHOWN_OF_A_REASON = 300


@dataclass(frozen=True)
class Logged:
    """Where a run stands in MLflow.

    Attributes:
        uri: the server, or the SQLite file.
        run_id: its id there.
        model: name of the registered model.
        version: the model's; None for a run without a model.
        aliases: the weakft run each alias names now.
    """

    uri: str
    run_id: str
    model: str
    version: str | None
    aliases: dict[str, str]


@dataclass(frozen=True)
class Told:
    """What came of telling MLflow.

    Attributes:
        logged: where the run stands; None where it does not, or where no MLflow is wanted.
        warnings: why not, and what to do.
    """

    logged: Logged | None = None
    warnings: list[str] = field(default_factory=list)


def tell(project: Project, run_id: str) -> Told:
    """Log a published run and move the aliases, if `[mlflow] uri` is set.

    The run is what it is without MLflow: whatever goes wrong becomes a warning.

    Args:
        project: of the run, with the settings of today.
        run_id: of the run.
    """
    if not project.config.mlflow.uri:
        return Told()
    try:
        return Told(log_run(project, project.runs.open(run_id)))
    except Exception as error:
        reason = str(error) if isinstance(error, WeakftError) else _reason(error)
        said = f"Run {run_id} is not in MLflow, or not as it should be. {reason}"
        remedy = f"Nothing here depends on it. Log it later: `weakft export mlflow {run_id}`."
        return Told(warnings=[f"{said} {remedy}"])


def log_run(project: Project, run: RunFolder) -> Logged:
    """Log a run and its model, and let the aliases name what they name here.

    `current` is the run in service, which is logged too if it is missing; `candidate` is the
    newest run of all that are logged. A run that is there already is left as it is.

    Args:
        project: of the run, with the settings of today.
        run: a published one.

    Raises:
        ConfigError: `[mlflow] uri` or the package mlflow is missing, or the server cannot be
            reached or refuses.
        LockedError: another process has been logging for long.
    """
    place = place_of(project)
    if find_spec("mlflow") is None:
        raise ConfigError(
            "MLflow wants the package mlflow, which is not installed: pip install 'weakft[mlflow]'."
        )
    lock = locked(project.runs.root / LOCK, "logging to MLflow")
    with lock, quiet_mlflow(), _explained(place):
        return _logged(project, run, Tracker(place))


def _logged(project: Project, run: RunFolder, tracker: Tracker) -> Logged:
    current, place = project.registry.current(), tracker.place
    hidden = frozenset(project.config.privacy.hidden)
    if current is not None and current != run.id:
        tracker.log(read_facts(project.runs.open(current), hidden))
    logged = tracker.log(read_facts(run, hidden))
    versions = tracker.versions()
    aliases = {CANDIDATE: max(versions)} if versions else {}
    if current in versions:
        aliases[CURRENT] = current
    if aliases:
        tracker.point(aliases)
    tracker.tell_status(_statuses(project, versions))
    version = str(versions[run.id].version) if run.id in versions else None
    return Logged(place.uri, logged, place.model, version, aliases)


def place_of(project: Project) -> Place:
    """Where `[mlflow]` wants the runs of a project.

    Raises:
        ConfigError: it does not say.
    """
    settings, name = project.config.mlflow, project.config.project.name
    if not settings.uri:
        raise ConfigError(
            "[mlflow] uri is not set, so there is nowhere to log to. Set it in weakft.toml to "
            '"local" (mlflow.db in the project) or to a server\'s address: http://127.0.0.1:5000.'
        )
    uri, artifacts = settings.uri, None
    if uri == "local" or uri.startswith(SQLITE):
        file = project.root / (LOCAL if uri == "local" else uri.removeprefix(SQLITE))
        uri, artifacts = f"{SQLITE}{file}", (file.parent / "mlartifacts").as_uri()
    model = settings.model or re.sub(r"[/:'\"]", "-", name)
    return Place(uri, settings.experiment or name, model, artifacts)


def _statuses(project: Project, run_ids: Iterable[str]) -> Mapping[str, str]:
    """How this project sees each of its runs; runs of others are left out."""
    served = {move.run_id for move in project.registry.history()}
    return project.registry.statuses({*project.runs.ids(), *served} & {*run_ids})


@contextmanager
def _explained(place: Place) -> Iterator[None]:
    """Errors of MLflow, of its database and of the network, in our words."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise ConfigError(
            f"MLflow at {place.uri} does not take the run: {_reason(error)} Is the server up, and "
            "is [mlflow] uri its address?"
        ) from error


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ["no reason given"]
    shown = redacted(lines[0])[:SHOWN_OF_A_REASON].rstrip(".")
    return f"{type(error).__name__}: {shown}."
