"""MLflow, a real server: each run once, aliases as here, and never at the run's expense."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.conftest import write_project
from tests.test_images import network, new_model
from tests.test_retrain import OPEN_GATE, QUICK, edit_lf, opened
from weakft.cli.main import app
from weakft.config import Config
from weakft.errors import ConfigError
from weakft.interop.mlflow import log_run, tell, telling
from weakft.interop.mlflow.facts import Facts
from weakft.interop.mlflow.model import write_mlflow_files
from weakft.interop.mlflow.telling import place_of
from weakft.interop.mlflow.tracker import Tracker, quiet_mlflow
from weakft.pipeline import run as run_pipeline
from weakft.project import Project
from weakft.retrain import retrain
from weakft.runs import RunFolder, read_json

START_SECONDS = 120
IMAGES = Config.model_validate(
    {"project": {"classes": ["dark", "light"], "task": "image"}, "data": {"train": "train.csv"}}
)
SCORE = {"value": 0.5, "low": 0.25, "high": 0.75, "support": 4}
METRICS = {
    "labels": {"chosen": "majority_vote", "covered": 3, "rows": 4},
    "end_model": {"test": {"macro_f1": SCORE, "accuracy": SCORE}},
}
MANIFEST = {
    "created": "2026-01-02T03:04:05+00:00",
    "lfs": ["holes"],
    "lf_files": {},
    "data": {},
    "versions": {"weakft": "0", "python": "3.11.7", "transformers": "5.0", "torch": "2.9+cpu"},
}
TEXT = b"the phone is"  # in some row of every split
LOST = "gone-1"  # given a label by hand, and in train no more: a warning names it


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
        uri: its address.
        folder: its files.
        blank: its database as it was before the first run.
    """

    uri: str
    folder: Path
    blank: Path


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`mlflow server` with an SQLite database, for all tests here."""
    if find_spec("mlflow") is None:
        pytest.skip("mlflow is not installed: pip install 'weakft[mlflow]'")
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    database, log = folder / "server.db", folder / "server.log"
    options = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    options += ["--backend-store-uri", f"sqlite:///{database}"]
    options += ["--artifacts-destination", str(folder / "artifacts")]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with log.open("wb") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *options],
            env={**os.environ, **quiet},
            cwd=folder,
            stdout=told,
            stderr=told,
            start_new_session=True,
        )
    try:
        uri = f"http://127.0.0.1:{port}"
        wait_for(f"{uri}/health", process, log)
        copy_database(database, folder / "blank.db")
        yield Server(uri, folder, folder / "blank.db")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"mlflow server does not answer: {log.read_text()}")


def copy_database(source: Path, target: Path) -> None:
    read, written = sqlite3.connect(source), sqlite3.connect(target)
    read.backup(written)
    read.close()
    written.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A project with two runs, none of them in service; a warning of theirs names a row."""
    root = write_project(tmp_path_factory.mktemp("made") / "a project", tiny_model)
    project = opened(root)
    project.review.give(LOST, "good", "ann")
    run_pipeline(project)
    edit_lf(root)
    run_pipeline(project)
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(made, tmp_path / "a project", symlinks=True)


@pytest.fixture
def there(server: Server, request: pytest.FixtureRequest) -> list[str]:
    """Settings that lead to an experiment and a model of this test alone."""
    name = request.node.name
    return [f'mlflow.uri="{server.uri}"', f'mlflow.experiment="{name}"', f'mlflow.model="{name}"']


def called(root: Path, settings: list[str], *words: str, code: int = 0) -> dict[str, Any]:
    more = [part for setting in settings for part in ("--set", setting)]
    result = CliRunner().invoke(app, [*words, "--project", str(root), "--json", *more])
    assert result.exit_code == code, (result.output, result.exception)
    said: dict[str, Any] = json.loads(result.stdout)
    return said


@dataclass(frozen=True)
class Shelf:
    """What MLflow has of a project, as its own client tells it."""

    project: Project

    @property
    def tracker(self) -> Tracker:
        return Tracker(place_of(self.project))

    def runs(self) -> list[Any]:
        with quiet_mlflow():
            tracker = self.tracker
            return list(tracker.client.search_runs([tracker.experiment]))

    def aliases(self) -> dict[str, str]:
        """The weakft run behind each alias."""
        with quiet_mlflow():
            tracker = self.tracker
            model = tracker.client.get_registered_model(tracker.place.model)
            by_version = {str(v.version): run_id for run_id, v in tracker.versions().items()}
            return {alias: by_version[str(v)] for alias, v in model.aliases.items()}

    def statuses(self) -> dict[str, str]:
        """By weakft run; a run and its model agree on it."""
        with quiet_mlflow():
            versions = self.tracker.versions()
        of_models = {run_id: v.tags["weakft.status"] for run_id, v in versions.items()}
        of_runs = {
            run.data.tags["weakft.run_id"]: run.data.tags["weakft.status"] for run in self.runs()
        }
        assert of_models == of_runs
        return of_models

    def everything(self) -> str:
        """All that a change would show in, times included."""
        with quiet_mlflow():
            tracker = self.tracker
            client, name = tracker.client, tracker.place.model
            runs = client.search_runs([tracker.experiment])
            models = client.search_logged_models([tracker.experiment])
            told = [run.to_dictionary() for run in runs]
            told += [[file.path for file in client.list_artifacts(r.info.run_id)] for r in runs]
            told += [model.to_dictionary() for model in models]
            told += [vars(client.get_registered_model(name))]
            told += [vars(version) for version in client.search_model_versions(f"name='{name}'")]
            return repr(told)

    def downloaded(self, alias: str, folder: Path) -> Path:
        """The model an alias names, as people get it who have only the server's address."""
        import mlflow

        place = place_of(self.project)
        with quiet_mlflow(), pytest.MonkeyPatch.context() as patched:
            patched.setenv("MLFLOW_TRACKING_URI", place.uri)
            found = mlflow.artifacts.download_artifacts(
                f"models:/{place.model}@{alias}", dst_path=str(folder)
            )
        return Path(found)


def test_a_run_is_logged_with_its_numbers(root: Path, there: list[str]) -> None:
    shelf = Shelf(opened(root, *there))
    said = called(root, [*QUICK, *there], "run")
    (run,) = shelf.runs()
    assert said["mlflow"]["run_id"] == run.info.run_id
    assert said["mlflow"]["aliases"] == {"candidate": said["run_id"]}
    assert (run.info.status, run.info.run_name) == ("FINISHED", said["run_id"])
    folder = shelf.project.runs.open(said["run_id"])
    metrics, manifest = folder.read_metrics(), read_json(folder.manifest)
    numbers = run.data.metrics
    for name, score in (
        ("test/macro_f1", metrics["end_model"]["test"]["macro_f1"]),
        (
            "rivals/majority_vote/test/accuracy",
            metrics["rivals"]["majority_vote"]["test"]["accuracy"],
        ),
        ("labels/valid/accuracy", metrics["labels"]["valid"]["accuracy"]),
    ):
        ends = [numbers[name], numbers[f"{name}_low"], numbers[f"{name}_high"]]
        assert ends == [score["value"], score["low"], score["high"]]
    assert numbers["seconds/train"] == metrics["timings"]["train"]
    took = (run.info.end_time - run.info.start_time) / 1000
    assert took == pytest.approx(sum(metrics["timings"].values()), abs=0.002)
    params = run.data.params
    assert params["label_model"] == metrics["labels"]["chosen"]
    assert (params["strategy"], params["seed"], params["lfs"]) == ("full", "0", "4")
    assert params["train_sha256"] == manifest["data"]["train"]["sha256"]
    assert params["inputs"] == manifest["inputs"]
    with quiet_mlflow():
        files = shelf.tracker.client.list_artifacts(run.info.run_id)
    assert {file.path for file in files} == {"metrics.json", "manifest.json", "model_card.md"}


def test_logging_a_run_again_changes_nothing(root: Path, there: list[str]) -> None:
    project = opened(root, *there)
    called(root, there, "runs", "promote", "latest")
    before = Shelf(project).everything()
    again = called(root, there, "export", "mlflow", "latest")
    assert Shelf(project).everything() == before
    assert again["run_id"] == project.runs.ids()[-1]
    assert len(Shelf(project).runs()) == 1


def test_aliases_follow_promotions_and_rollbacks(root: Path, there: list[str]) -> None:
    project = opened(root, *there)
    shelf, (first, second) = Shelf(project), project.runs.ids()
    called(root, there, "runs", "promote", first)
    assert shelf.aliases() == {"candidate": first, "current": first}
    called(root, there, "runs", "promote", second)
    assert shelf.aliases() == {"candidate": second, "current": second}
    assert shelf.statuses() == {first: "retired", second: "in service"}
    called(root, there, "runs", "rollback")
    assert shelf.aliases() == {"candidate": second, "current": first}
    assert shelf.statuses() == {first: "in service", second: "retired"}


def test_an_older_run_logged_late_is_no_candidate(root: Path, there: list[str]) -> None:
    shelf = Shelf(opened(root, *there))
    first, second = shelf.project.runs.ids()
    called(root, there, "export", "mlflow")
    assert called(root, there, "export", "mlflow", first)["mlflow"]["version"] == "2"
    assert shelf.aliases() == {"candidate": second}


def test_a_refused_candidate_is_logged_beside_the_run_in_service(
    root: Path, there: list[str]
) -> None:
    project = opened(root)
    _, first = project.runs.ids()
    project.registry.promote(first, "ann")
    edited = root / "labeling" / "tiny.py"
    edited.write_text(edited.read_text().replace('["great", "love"]', '["great"]'))
    shut = [*QUICK, *OPEN_GATE, "retrain.max_coverage_drop=0", *there]
    said = called(root, shut, "retrain", code=5)
    shelf = Shelf(opened(root, *there))
    assert shelf.aliases() == {"candidate": said["run_id"], "current": first}
    assert shelf.statuses() == {first: "in service", said["run_id"]: "refused"}
    assert called(root, shut, "retrain")["mlflow"] == said["mlflow"]


def test_the_model_in_service_loads_and_says_the_same(
    root: Path, there: list[str], tmp_path: Path
) -> None:
    import mlflow
    from transformers import pipeline

    project = opened(root, *there)
    called(root, there, "runs", "promote", "latest")
    folder = Shelf(project).downloaded("current", tmp_path)
    rows = pd.read_parquet(root / "data" / "test.parquet")
    wanted = pd.read_parquet(project.registry.open("current").predictions("test"))
    wanted = wanted.set_index("id").loc[rows["id"], "p_good"].to_list()
    texts = rows["text"].to_list()
    with quiet_mlflow():
        loaded = mlflow.transformers.load_model(str(folder))
        served = mlflow.pyfunc.load_model(str(folder)).predict(texts)
    for classifier in (loaded, pipeline("text-classification", model=str(folder / "model"))):
        scores = [{s["label"]: s["score"] for s in row} for row in classifier(texts, top_k=None)]
        assert [score["good"] for score in scores] == pytest.approx(wanted, abs=1e-5)
    assert served["label"].to_list() == ["good" if p > 0.5 else "bad" for p in wanted]
    assert not [file for file in folder.rglob("*") if file.suffix in (".pkl", ".bin", ".pt")]


def test_a_model_of_images_loads_too(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    picture, run = tmp_path / "dark.png", RunFolder(tmp_path / "run-1")
    Image.new("RGB", (16, 16), (20, 20, 20)).save(picture)
    model = new_model(network("ResNet", tmp_path / "network"))
    model.save(run.model)
    facts = Facts(run, IMAGES, MANIFEST, METRICS)
    target = tmp_path / "target"
    target.mkdir()
    with quiet_mlflow():
        write_mlflow_files(facts, target, "m-1")
        shutil.copytree(run.model, target / "model")
        scores = mlflow.transformers.load_model(str(target))(str(picture))
    said = {score["label"]: score["score"] for score in scores}
    wanted = model.predict_proba([str(picture)])[0]
    assert [said["dark"], said["light"]] == pytest.approx(wanted.tolist(), abs=1e-5)
    assert "macro-F1" in (target / "README.md").read_text()


def test_no_row_reaches_mlflow(root: Path, there: list[str], server: Server) -> None:
    project = opened(root, *there)
    (_,) = [w for w in project.runs.open().read_metrics()["warnings"] if LOST in w]
    assert called(root, [*there, 'privacy.hidden=["id"]'], "export", "mlflow")["mlflow"]["version"]
    with quiet_mlflow():
        (version,) = Shelf(project).tracker.versions().values()
    logged = [
        file.read_bytes()
        for file in (server.folder / "artifacts").rglob("*")
        if file.is_file() and ({version.run_id, Path(version.source).parent.name} & {*file.parts})
    ]
    assert len(logged) >= 10
    assert TEXT in (root / "data" / "test.parquet").read_bytes()
    assert not any(TEXT in content or LOST.encode() in content for content in logged)
    assert any(b"macro_f1" in content for content in logged)


def test_what_was_cut_short_is_completed(
    root: Path, there: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = opened(root, *there)
    shelf, run = Shelf(project), project.runs.open()
    with quiet_mlflow():
        client = type(shelf.tracker.client)
    for step in ("log_artifacts", "finalize_logged_model", "create_model_version"):
        with monkeypatch.context() as cut:
            cut.setattr(client, step, lambda *_, **__: 1 / 0)
            (warning,) = tell(project, run.id).warnings
        assert "ZeroDivisionError" in warning
    logged = log_run(project, run)
    assert [found.info.run_id for found in shelf.runs()] == [logged.run_id]
    assert [found.info.status for found in shelf.runs()] == ["FINISHED"]
    with quiet_mlflow():
        tracker = shelf.tracker
        assert len(tracker.client.search_logged_models([tracker.experiment])) == 1
    assert logged.version == "1"


@pytest.mark.usefixtures("server")
def test_a_server_that_is_down_costs_a_warning_and_nothing_else(root: Path) -> None:
    down = [f'mlflow.uri="http://127.0.0.1:{free_port()}"']
    said = called(root, [*QUICK, *down], "run")
    assert said["status"] == "completed"
    assert "mlflow" not in said
    assert said["warnings"][-1].endswith(f"`weakft export mlflow {said['run_id']}`.")
    assert "127.0.0.1" in said["warnings"][-1]
    moved = called(root, down, "runs", "promote", said["run_id"])
    assert (moved["status"], len(moved["warnings"])) == ("completed", 1)
    assert opened(root).registry.current() == said["run_id"]
    shown = CliRunner().invoke(
        app, ["runs", "promote", "latest", "--project", str(root), "--set", *down]
    )
    assert shown.exit_code == 0
    assert "Log it later" in " ".join(shown.stdout.split())
    refused = called(root, down, "export", "mlflow", code=2)
    assert "Is the server up" in refused["error"]["message"]


def test_a_file_in_the_project_serves_as_well(
    root: Path, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    shutil.copyfile(server.blank, root / "mlflow.db")
    said = called(root, ['mlflow.uri="local"'], "runs", "promote", "latest")
    shelf = Shelf(opened(root, 'mlflow.uri="sqlite:///mlflow.db"'))
    assert shelf.aliases() == {"candidate": said["run_id"], "current": said["run_id"]}
    assert (shelf.downloaded("current", tmp_path) / "MLmodel").is_file()
    assert list((root / "mlartifacts").rglob("metrics.json"))
    assert not list(elsewhere.iterdir())


def test_nothing_is_said_to_mlflow_unless_it_is_asked_for(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "log_run", lambda *_: pytest.fail("MLflow was told"))
    assert "mlflow" not in called(root, [], "runs", "promote", "latest")
    refused = called(root, [], "export", "mlflow", code=2)
    assert "[mlflow] uri is not set" in refused["error"]["message"]


def test_without_the_package_a_warning_says_how_to_get_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "find_spec", lambda _: None)
    said = called(root, ['mlflow.uri="local"'], "runs", "promote", "latest")
    assert "pip install 'weakft[mlflow]'" in said["warnings"][0]
    assert not (root / "mlflow.db").exists()


def test_turning_mlflow_on_makes_no_new_candidate(root: Path) -> None:
    retrain(opened(root))
    assert retrain(opened(root, 'mlflow.uri="local"')).status == "unchanged"


def test_the_name_of_a_project_is_made_fit_for_a_model(make_project: Callable[..., Path]) -> None:
    project = Project.open(make_project(), ['mlflow.uri="local"', "project.name=\"a/b: 'c'\""])
    place = place_of(project)
    assert (place.experiment, place.model) == ("a/b: 'c'", "a-b- -c-")
    with pytest.raises(ConfigError, match="uri is not set"):
        place_of(Project.open(project.root))
