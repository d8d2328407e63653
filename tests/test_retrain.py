"""Retraining: once for the same inputs, through the gate, and on from where it was interrupted."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import weakft.retrain
from tests.conftest import tiny_rows, write_project
from tests.faults import flipped, truncated
from weakft.cli.main import app
from weakft.errors import DataError, LockedError
from weakft.files import sha256
from weakft.pipeline import candidate
from weakft.project import Project
from weakft.retrain import retrain

QUICK = [
    "train.num_train_epochs=1",
    'train.gold="none"',
    'evaluate.rivals=["majority_vote"]',
]
CHECKED = [*QUICK, 'retrain.first="check"']
OPEN_GATE = [
    "retrain.margin=1",
    "retrain.class_margin=1",
    "retrain.max_label_flips=1",
    "retrain.max_coverage_drop=1",
    "retrain.max_drifted_lfs=1",
]


def opened(root: Path, *changes: str) -> Project:
    return Project.open(root, [*QUICK, *changes])


def edit_lf(root: Path) -> None:
    """Praises loses a word: other votes, another candidate."""
    file = root / "labeling" / "tiny.py"
    file.write_text(file.read_text().replace('["great", "love", "perfect"]', '["great", "love"]'))


def calls_of(monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> list[str]:
    """Grows with each call of a function, which does what it did before."""
    calls: list[str] = []
    real: Callable[..., object] = getattr(module, name)

    def counted(*arguments: object, **more: object) -> object:
        calls.append(name)
        return real(*arguments, **more)

    monkeypatch.setattr(module, name, counted)
    return calls


def test_the_first_run_goes_into_service_and_nothing_is_to_do_then(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = retrain(opened(project))
    assert first.status == "promoted"
    assert opened(project).registry.current() == first.run_id
    card = (opened(project).runs.open(first.run_id).model / "README.md").read_text()
    assert card.startswith('---\nlibrary_name: "transformers"\npipeline_tag: "text-classification"')
    assert "| end model, test | 0." in card or "| end model, test | 1." in card
    assert "sha256 `" in card
    votes = calls_of(monkeypatch, candidate, "vote")
    again = retrain(opened(project))
    assert (again.status, again.run_id, again.current) == ("unchanged", first.run_id, first.run_id)
    assert votes == []
    assert len(opened(project).runs.ids()) == 1
    settings = [part for each in QUICK for part in ("--set", each)]
    assert_nothing_heavy_is_imported("retrain", "--project", str(project), *settings)


def assert_nothing_heavy_is_imported(*command: str) -> None:
    script = f"""
import sys
from weakft.cli.main import app
try:
    app({list(command)!r})
except SystemExit as end:
    assert end.code == 0
heavy = {{"torch", "transformers", "snorkel", "sklearn", "scipy.stats"}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_monitoring_system_reads_how_it_went(project: Path) -> None:
    retrain(opened(project))
    lines = (project / "runs" / "weakft.prom").read_text().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values['weakft_last_status{status="promoted"}'] == "1.0"
    assert values['weakft_last_status{status="refused"}'] == "0.0"
    assert 0 <= float(values['weakft_macro_f1{split="test"}']) <= 1
    assert float(values["weakft_coverage"]) == 1.0
    retrain(opened(project))
    assert 'status="unchanged"} 1.0' in (project / "runs" / "weakft.prom").read_text()


def test_settings_of_the_gate_or_the_app_make_no_new_candidate(project: Path) -> None:
    retrain(opened(project))
    assert retrain(opened(project, "retrain.margin=0.2")).status == "unchanged"
    assert retrain(opened(project, "train.seed=1")).status != "unchanged"


def test_a_candidate_that_passes_is_promoted(project: Path) -> None:
    first = retrain(opened(project))
    edit_lf(project)
    second = retrain(opened(project, *OPEN_GATE))
    assert second.status == "promoted"
    assert second.run_id != first.run_id
    assert opened(project).registry.current() == second.run_id
    moves = opened(project).registry.history()
    assert [move.run_id for move in moves] == [first.run_id, second.run_id]
    assert {move.by for move in moves} == {"weakft retrain"}


def test_a_candidate_that_fails_leaves_the_model_in_service_and_is_judged_once(
    project: Path,
) -> None:
    first = retrain(opened(project))
    edit_lf(project)
    changes = [*OPEN_GATE, "retrain.max_coverage_drop=0"]
    arguments = [part for change in [*QUICK, *changes] for part in ("--set", change)]
    result = CliRunner().invoke(app, ["retrain", "--project", str(project), "--json", *arguments])
    assert result.exit_code == 5
    said = json.loads(result.stdout)
    assert said["status"] == "refused"
    assert said["current"] == first.run_id
    assert len(said["reasons"]) == 1
    assert said["reasons"][0].startswith("Coverage goes from")
    assert opened(project).registry.current() == first.run_id
    assert retrain(opened(project, *changes)).status == "unchanged"


@pytest.mark.parametrize(("gold", "looks"), [("auto", 1), ("valid", 0)])
def test_judging_on_test_is_a_look_at_it(gold: str, looks: int, project: Path) -> None:
    """The first run is judged by nothing; an unchanged night looks at nothing."""
    retrain(opened(project))
    edit_lf(project)
    changes = [*OPEN_GATE, f'retrain.gold="{gold}"']
    second = retrain(opened(project, *changes))
    retrain(opened(project, *changes))
    test = sha256(project / str(opened(project).config.data.test))
    seen = opened(project).looks.at_test(test)
    assert [(look.run_id, look.by) for look in seen] == [(second.run_id, "weakft retrain")] * looks


def test_a_refused_candidate_is_judged_again_by_another_gate_without_training(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    retrain(opened(project))
    edit_lf(project)
    refused = retrain(opened(project, *OPEN_GATE, "retrain.max_coverage_drop=0"))
    assert refused.status == "refused"
    fits = calls_of(monkeypatch, candidate, "fit")
    assert retrain(opened(project, *OPEN_GATE)).status == "promoted"
    assert fits == []


def test_a_rollback_holds_although_nothing_changed(project: Path) -> None:
    first = retrain(opened(project))
    edit_lf(project)
    assert retrain(opened(project, *OPEN_GATE)).status == "promoted"
    opened(project).registry.rollback("me")
    assert retrain(opened(project, *OPEN_GATE, "retrain.margin=0.5")).status == "unchanged"
    assert opened(project).registry.current() == first.run_id


@pytest.mark.parametrize("broken", ["folder gone", "classes"])
def test_what_cannot_be_compared_is_refused_with_a_remedy(
    project: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    first = retrain(opened(project))
    run = opened(project).runs.open(first.run_id)
    edit_lf(project)
    fits = calls_of(monkeypatch, candidate, "fit")
    if broken == "folder gone":
        shutil.rmtree(run.path)
        wanted = "runs promote"
    else:
        toml = project / "weakft.toml"
        toml.write_text(toml.read_text().replace('["bad", "good"]', '["bad", "fine"]'))
        wanted = r"tells \['bad', 'good'\] apart"
    with pytest.raises(DataError, match=wanted):
        retrain(opened(project))
    assert fits == []


def test_a_first_run_below_the_vote_is_refused_unless_asked_for(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One epoch of a tiny model against LFs that know every word."""
    arguments = [part for change in CHECKED for part in ("--set", change)]
    result = CliRunner().invoke(app, ["retrain", "--project", str(project), "--json", *arguments])
    assert result.exit_code == 5
    said = json.loads(result.stdout)
    assert (said["status"], said["current"]) == ("refused", None)
    assert "majority vote" in said["reasons"][-1] and "runs promote latest" in said["reasons"][-1]
    opened_project = opened(project)
    assert opened_project.registry.current() is None
    assert opened_project.registry.statuses() == {said["run_id"]: "refused"}
    test = sha256(project / str(opened_project.config.data.test))
    assert [look.run_id for look in opened_project.looks.at_test(test)] == [said["run_id"]]
    shown = CliRunner().invoke(app, ["retrain", "--project", str(project), *arguments])
    assert (shown.exit_code, "refused; none is in service" in shown.output) == (0, True)
    with (project / "runs" / "judgements.jsonl").open("ab") as ledger:
        ledger.write(b'{"run_id": "torn')
    fits = calls_of(monkeypatch, candidate, "fit")
    asked = retrain(opened(project))
    assert (asked.status, asked.current, fits) == ("promoted", said["run_id"], [])


@pytest.mark.parametrize("damage", [flipped, truncated])
@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("votes/train.parquet", "vote"),
        ("soft_labels.parquet", "label"),
        ("model/model.safetensors", "fit"),
        ("predictions/test.parquet", "fit"),
        ("metrics.json", "evaluate"),
        ("stages.json", "vote"),
    ],
)
def test_a_stage_whose_files_were_damaged_is_done_again(
    name: str,
    first: str,
    damage: Callable[[Path], None],
    crashed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And all that follow on it; what numbers there were is kept with the marks."""
    project = tmp_path / "project"
    shutil.copytree(crashed, project, symlinks=True)
    damage(project / "runs" / ".retrain" / name)
    calls: list[str] = []
    for stage in ("vote", "label", "fit", "evaluate"):

        def stop(*_: object, stage: str = stage) -> None:
            calls.append(stage)
            raise Stopped

        monkeypatch.setattr(candidate, stage, stop)
    with pytest.raises(Stopped):
        retrain(opened(project))
    assert calls == [first]


class Stopped(Exception):
    """Far enough."""


def _stop() -> None:
    raise Stopped


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """A project whose first retraining crashed when it was to evaluate."""
    root = write_project(tmp_path_factory.mktemp("crashed") / "project", tiny_model)
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(candidate, "evaluate", lambda *_: _stop())
        with pytest.raises(Stopped):
            retrain(opened(root))
    return root


def test_completed_stages_are_not_repeated_after_a_crash(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(candidate, "evaluate", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            retrain(opened(project))
    assert opened(project).runs.ids() == []
    assert opened(project).registry.current() is None
    votes = calls_of(monkeypatch, candidate, "vote")
    fits = calls_of(monkeypatch, candidate, "fit")
    assert retrain(opened(project)).status == "promoted"
    assert votes == fits == []


def test_a_crash_before_the_promotion_is_made_good(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(weakft.retrain, "_judged", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            retrain(opened(project))
    assert len(opened(project).runs.ids()) == 1
    fits = calls_of(monkeypatch, candidate, "fit")
    assert retrain(opened(project)).status == "promoted"
    assert fits == []
    assert len(opened(project).runs.ids()) == 1


def test_stages_of_other_inputs_are_discarded(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(candidate, "evaluate", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            retrain(opened(project))
    edit_lf(project)
    votes = calls_of(monkeypatch, candidate, "vote")
    assert retrain(opened(project)).status == "promoted"
    assert votes == ["vote"]


def test_inputs_that_change_meanwhile_are_refused(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = candidate.evaluate

    def slow(*arguments: object) -> object:
        edit_lf(project)
        return real(*arguments)

    monkeypatch.setattr(candidate, "evaluate", slow)
    with pytest.raises(DataError, match="changed meanwhile"):
        retrain(opened(project))
    assert opened(project).runs.ids() == []


def test_another_weakft_at_work_is_left_alone(project: Path) -> None:
    with opened(project).runs.lock(), pytest.raises(LockedError):
        retrain(opened(project))


def test_drift_in_new_rows_is_named(project: Path) -> None:
    retrain(opened(project))
    rows = pd.read_parquet(project / "data" / "train.parquet")
    more = tiny_rows("later", 400).drop(columns="label")
    more["text"] = [f"later {row} the phone is" for row in range(len(more))]
    pd.concat([rows, more]).to_parquet(project / "data" / "train.parquet", index=False)
    outcome = retrain(opened(project, *OPEN_GATE))
    assert outcome.new_rows == 400
    told = [str(drift) for drift in outcome.drifts]
    assert any(line.startswith("LF praises fires on 0.0% instead of") for line in told)
    assert any(line.startswith("LFs cover 0.0% instead of") for line in told)


def test_a_warm_start_goes_on_from_the_model_in_service(project: Path) -> None:
    first = retrain(opened(project))
    edit_lf(project)
    outcome = retrain(opened(project, 'retrain.start="warm"', *OPEN_GATE))
    run = opened(project).runs.open(outcome.run_id)
    assert outcome.status == "promoted"
    assert first.run_id in run.config.read_text() or outcome.run_id != first.run_id
    assert np.isfinite(run.read_metrics()["end_model"]["train"]["seconds"])
