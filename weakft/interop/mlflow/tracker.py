"""One MLflow server, or file: what stands there of a project's runs, and what is added."""

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from weakft.interop.mlflow.facts import Facts
from weakft.interop.mlflow.model import WEIGHTS, files_of, write_mlflow_files
from weakft.runs import write_json
from weakft.verify import intact_model

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel
    from mlflow.entities.model_registry import ModelVersion

RUN_ID = "weakft.run_id"
STATUS = "weakft.status"
COMPLETE = "FINISHED"
ALWAYS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
UNLESS_SET = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
FIRST_CALL = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}  # seconds


@dataclass(frozen=True)
class Place:
    """Where runs are logged to.

    Attributes:
        uri: a server, or an SQLite file.
        experiment: name of the one that holds the runs; made when it is missing.
        model: name of the registered model.
        artifacts: where the files of a new experiment go; None: the server decides.
    """

    uri: str
    experiment: str
    model: str
    artifacts: str | None


class Tracker:
    """A project's runs in MLflow, found by their weakft run id.

    Args:
        place: where.

    Raises:
        MlflowException: it cannot be reached, within about 20 seconds.
    """

    def __init__(self, place: Place) -> None:
        from mlflow import MlflowClient

        self.place = place
        self.client = MlflowClient(place.uri, registry_uri=place.uri)
        with _environment(unless_set=FIRST_CALL):
            found = self.client.get_experiment_by_name(place.experiment)
        self.experiment: str = (
            self.client.create_experiment(place.experiment, place.artifacts)
            if found is None
            else found.experiment_id
        )

    def log(self, facts: Facts) -> str:
        """Log a run with its model; one that is there as a whole stays as it is.

        Returns:
            Its id in MLflow. What an interrupted call logged is completed.
        """
        query = f"tags.`{RUN_ID}` = '{facts.run.id}'"
        found = self.client.search_runs([self.experiment], query, max_results=1)
        if found and found[0].info.status == COMPLETE:
            return str(found[0].info.run_id)
        run_id = found[0].info.run_id if found else self._begin(facts)
        self._describe(facts, run_id)
        if facts.run.model.is_dir() and facts.run.id not in self.versions():
            self._register(facts, run_id)
        self.client.set_terminated(run_id, COMPLETE, facts.ended)
        return run_id

    def versions(self) -> dict[str, "ModelVersion"]:
        """The registered model's versions, by weakft run id."""
        found: list[ModelVersion] = []
        token = None
        while token != "":
            page = self.client.search_model_versions(
                f"name = '{self.place.model}'", page_token=token
            )
            found += page
            token = page.token or ""
        return {version.tags[RUN_ID]: version for version in found if RUN_ID in version.tags}

    def point(self, aliases: Mapping[str, str]) -> None:
        """Let each alias name the version of a weakft run; one that does already is left alone."""
        versions = self.versions()
        held = self.client.get_registered_model(self.place.model).aliases
        for alias, run_id in aliases.items():
            version = str(versions[run_id].version)
            if str(held.get(alias)) != version:
                self.client.set_registered_model_alias(self.place.model, alias, version)

    def tell_status(self, by_run: Mapping[str, str]) -> None:
        """Tag the versions of these weakft runs, and their runs in MLflow, where that is news."""
        for run_id, version in self.versions().items():
            status = by_run.get(run_id)
            if status is not None and version.tags.get(STATUS) != status:
                self.client.set_tag(version.run_id, STATUS, status)
                self.client.set_model_version_tag(
                    self.place.model, str(version.version), STATUS, status
                )

    def _begin(self, facts: Facts) -> str:
        tags = {RUN_ID: facts.run.id, "weakft.version": facts.manifest["versions"]["weakft"]}
        run = self.client.create_run(self.experiment, facts.began, tags, facts.run.id)
        return str(run.info.run_id)

    def _describe(self, facts: Facts, run_id: str) -> None:
        from mlflow.entities import Metric, Param

        metrics = [Metric(name, n, facts.ended, 0) for name, n in facts.numbers().items()]
        params = [Param(name, text) for name, text in facts.params().items()]
        self.client.log_batch(run_id, metrics, params)
        with tempfile.TemporaryDirectory() as folder:
            write_json(Path(folder) / "metrics.json", facts.metrics)
            write_json(Path(folder) / "manifest.json", facts.manifest)
            (Path(folder) / "model_card.md").write_text(facts.card, encoding="utf-8")
            self.client.log_artifacts(run_id, folder)

    def _register(self, facts: Facts, run_id: str) -> None:
        model = self._logged_model(facts, run_id)
        with tempfile.TemporaryDirectory() as folder:
            write_mlflow_files(facts, Path(folder), model.model_id)
            self.client.log_model_artifacts(model.model_id, folder)
        for file in files_of(intact_model(facts.run)):
            self.client.log_model_artifact(model.model_id, str(file), WEIGHTS)
        self.client.finalize_logged_model(model.model_id, "READY")
        name = self.place.model
        if not self.client.search_registered_models(f"name = '{name}'"):
            self.client.create_registered_model(name)
        self.client.create_model_version(
            name,
            model.artifact_location,
            run_id,
            tags={RUN_ID: facts.run.id},
            description=facts.headline,
            model_id=model.model_id,
        )

    def _logged_model(self, facts: Facts, run_id: str) -> "LoggedModel":
        """The model of a run in MLflow, also where an interrupted call made it."""
        query = f"source_run_id = '{run_id}'"
        if begun := self.client.search_logged_models([self.experiment], query):
            return begun[0]
        return self.client.create_logged_model(
            self.experiment, self.place.model, run_id, tags={RUN_ID: facts.run.id}
        )


@contextmanager
def quiet_mlflow() -> Iterator[None]:
    """MLflow for the block: no telemetry, no remarks that ask for nothing, and not too patient."""
    log = logging.getLogger("mlflow")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), _environment(ALWAYS, UNLESS_SET):
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)


@contextmanager
def _environment(
    always: Mapping[str, str] | None = None, unless_set: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Variables of this process for the block; what people set of `unless_set` stays."""
    added = {name: value for name, value in (unless_set or {}).items() if name not in os.environ}
    added |= always or {}
    before = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
