"""Losses and scores reach the tracker that `train.report_to` names, a training by its title."""

from pathlib import Path

import pytest
import torch

from tests.training.test_finetune import SETTINGS, gold_rows, new_model
from weakft.errors import ConfigError
from weakft.interop.mlflow.tracker import quiet_mlflow
from weakft.training import fine_tune

TITLE = "Judging, fold 1 of 2: only"
TEN_STEPS = SETTINGS.model_copy(
    update={"num_train_epochs": 2, "per_device_train_batch_size": 5}  # of 24 rows
)


def train(tiny_model: Path, place: str, cache: Path | None = None) -> torch.Tensor:
    settings = TEN_STEPS.model_copy(update={"report_to": place})
    rows = gold_rows()
    tuned = fine_tune(new_model(tiny_model), rows, settings, valid=rows, title=TITLE, cache=cache)
    return torch.cat([p.detach().flatten() for p in tuned.model.model.parameters()])


def test_tensorboard_gets_a_folder_for_each_training_and_changes_nothing(
    tiny_model: Path, tmp_path: Path
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reported = train(tiny_model, "tensorboard", tmp_path)
    assert torch.equal(reported, train(tiny_model, "none"))
    (folder,) = (tmp_path / "tensorboard").iterdir()
    assert folder.name.endswith(TITLE)
    found = EventAccumulator(str(folder)).Reload()
    steps = {tag: [event.step for event in found.Scalars(tag)] for tag in found.Tags()["scalars"]}
    assert steps["train/loss"] == [5, 10]
    assert steps["eval/macro_f1"] == [5, 10]


def test_mlflow_gets_a_run_for_each_training(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    with quiet_mlflow():
        train(tiny_model, "mlflow")
        (run,) = mlflow.search_runs(output_format="list", search_all_experiments=True)
    mlflow.set_tracking_uri(None)
    assert run.info.run_name == TITLE
    assert {"loss", "eval_macro_f1"} <= set(run.data.metrics)


@pytest.mark.parametrize("place", ["wandb", "trackio"])
def test_a_tracker_that_is_not_installed_is_named(
    place: str, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("weakft.training.reporting.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=f"report_to = '{place}' .*pip install {place}"):
        train(tiny_model, place)
