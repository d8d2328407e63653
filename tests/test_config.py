"""Settings: four sources, one precedence, helpful refusals."""

import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from tests.conftest import CONFIG
from weakft.config import Config, TrainConfig, TrainerConfig, find_project
from weakft.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weakft.toml"
    path.write_text(CONFIG)
    return path


def test_precedence_is_default_file_environment_set(file: Path) -> None:
    def rate(**sources: object) -> float:
        return Config.load(file, **{"environ": {}, **sources}).train.learning_rate  # type: ignore[arg-type]

    environ = {"WEAKFT_TRAIN__LEARNING_RATE": "2e-4"}
    assert TrainConfig().learning_rate == 1e-4
    assert rate() == 1e-3
    assert rate(environ=environ) == 2e-4
    assert rate(environ=environ, overrides=["train.learning_rate=3e-5"]) == 3e-5


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.learning_rat=1", "'train.learning_rat'; did you mean 'learning_rate'"),
        ("trian.seed=1", "did you mean 'train'"),
        ("train.confidence_weights=true", "no longer a setting: rows always weigh as much"),
        ("label_model.name=flying_squid", "'flying_squid' is no longer there: .*one_coin"),
        ("train.loss=bootstrapping", "no longer a setting: soft cross-entropy did as well"),
        ("train.self_training=1", r"no longer a setting: .*\(train.relabel\) did better"),
        ("label_model.class_balance=[0.5, 0.4, 0.1]", "wanted 2 positive shares.*bad, good"),
        ("label_model.class_balance=[0.5, 0.4]", "sum to 1"),
        ("train.xyz=1", "known keys: .*num_train_epochs"),
        ("train.learning_rate=fast", "'train.learning_rate'.*'fast'"),
        ("train.learning_rate=-1", "greater than 0"),
        ("train.gold=some", "'auto', 'continue'"),
        ('project.classes=["one"]', "wanted 2 to"),
        ('project.classes=["a", "a"]', "distinct"),
        ("mlflow.uri=mlruns", 'wanted "local", sqlite:///FILE or the address of a server'),
        ("mlflow.uri=https://ann:secret@host", "Take it out and set MLFLOW_TRACKING_USERNAME"),
        ("mlflow.model=a/b", "a registered model's name has no /"),
        ("nonsense", "section.key=value"),
        ("project.name.first=1", "not a section"),
    ],
)
def test_wrong_settings_are_refused(file: Path, override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Config.load(file, [override], environ={})


def test_a_run_of_an_earlier_version_is_read_without_what_is_gone(file: Path) -> None:
    gone = '[label_model]\nname = "flying_squid"\nseed = 3\n[train]\nloss = "bootstrapping"\n'
    text = re.sub(r"\[(label_model|train)\][^[]*", "", file.read_text()) + gone
    file.write_text(text + "ema = 0.0\nseed = 7\n")
    config = Config.stored(file)
    assert (config.train.seed, config.label_model.name, config.label_model.seed) == (7, "auto", 3)
    with pytest.raises(ConfigError, match="no longer a setting"):
        Config.load(file, environ={})


@pytest.mark.parametrize("uri", ["", "local", "sqlite:///m.db", "http://host:5000", "https://host"])
def test_addresses_of_mlflow_are_taken(file: Path, uri: str) -> None:
    assert Config.load(file, [f'mlflow.uri="{uri}"'], environ={}).mlflow.uri == uri


def test_a_password_is_not_said_again(file: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        Config.load(file, ["mlflow.uri=https://ann:secret@host"], environ={})
    assert "secret" not in str(refused.value)


def test_no_toml_and_no_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        Config.load(tmp_path / "weakft.toml")
    (tmp_path / "weakft.toml").write_text("[project\n")
    with pytest.raises(ConfigError, match="no TOML"):
        Config.load(tmp_path / "weakft.toml")
    (tmp_path / "weakft.toml").write_text("[data]\ntrain = 'x'\n")
    with pytest.raises(ConfigError, match="'project' is required"):
        Config.load(tmp_path / "weakft.toml", environ={})


def test_the_nearest_project_upwards_is_found(make_project: Callable[..., Path]) -> None:
    root = make_project()
    assert find_project(root / "data") == root
    with pytest.raises(ConfigError, match="--project DIR"):
        find_project(root.parent)


def test_the_names_of_train_are_those_of_training_arguments() -> None:
    from transformers import TrainingArguments

    theirs = {field.name for field in fields(TrainingArguments)}
    passed_on = set(TrainerConfig.model_fields)
    assert passed_on <= theirs
    assert not (set(TrainConfig.model_fields) - passed_on) & theirs
