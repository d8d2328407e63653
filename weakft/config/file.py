"""weakft.toml -> typed settings; unknown keys are refused with a "did you mean".

Precedence: defaults < weakft.toml < WEAKFT_TRAIN__LEARNING_RATE < --set train.learning_rate=2e-5.
"""

import os
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from weakft.config.sections import (
    AppConfig,
    ApplyConfig,
    DataConfig,
    EvaluateConfig,
    LabelingConfig,
    LabelModelConfig,
    MlflowConfig,
    PrivacyConfig,
    ProjectConfig,
    RetrainConfig,
    Section,
)
from weakft.config.train import TrainConfig
from weakft.config.upgrade import upgraded
from weakft.config.wording import explained
from weakft.errors import ConfigError
from weakft.redaction import holds_secret, redacted_argument
from weakft.text_files import read_text

FILE_NAME = "weakft.toml"
ENV_PREFIX = "WEAKFT_"
MLFLOW_INSTEAD = (
    " and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, in "
    "the environment"
)


class Config(Section):
    """The whole of weakft.toml, checked."""

    project: ProjectConfig
    data: DataConfig
    labeling: LabelingConfig = LabelingConfig()
    apply: ApplyConfig = ApplyConfig()
    label_model: LabelModelConfig = LabelModelConfig()
    train: TrainConfig = TrainConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    retrain: RetrainConfig = RetrainConfig()
    mlflow: MlflowConfig = MlflowConfig()
    app: AppConfig = AppConfig()
    privacy: PrivacyConfig = PrivacyConfig()

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names; votes are their positions."""
        return self.project.classes

    @property
    def hidden_from_all_but_lfs(self) -> tuple[str, ...]:
        """Columns that `[privacy]` hides, save the gold label, which LFs do not see either."""
        return tuple(name for name in self.privacy.hidden if name != self.data.label)

    def shown_as(self, columns: Collection[str]) -> frozenset[str]:
        """Which of id, text and gold these columns of the data are."""
        data = self.data
        names = {data.id: "id", data.text: "text", data.image: "text", data.label: "gold"}
        return frozenset(name for column, name in names.items() if column in columns)

    @classmethod
    def load(
        cls,
        file: Path,
        overrides: Sequence[str] = (),
        environ: Mapping[str, str] = os.environ,
    ) -> Self:
        """Read weakft.toml, then the environment, then `section.key=value` overrides.

        Raises:
            ConfigError: the file is missing or no TOML, or a setting is wrong; the message
                names the key, what was wanted, what was found, and the nearest known key.
        """
        settings = _read_toml(file)
        for key, value in _from_environment(environ):
            _put(settings, key, value, f"{ENV_PREFIX}{'__'.join(key).upper()}")
        for override in overrides:
            key, value = _from_override(override)
            _put(settings, key, value, f"--set {'.'.join(key)}")
        return cls._checked(settings, file)

    @classmethod
    def stored(cls, file: Path) -> Self:
        """Read the settings that a run was made with, by this version of weakft or an earlier one.

        Raises:
            ConfigError: as for `load`.
        """
        return cls._checked(upgraded(_read_toml(file)), file)

    @classmethod
    def _checked(cls, settings: Mapping[str, Any], file: Path) -> Self:
        try:
            config = cls.model_validate(settings)
        except ValidationError as error:
            raise ConfigError(explained(error, cls, file)) from error
        _refuse_unfit_balance(config, file)
        _refuse_secrets(config, file)
        return config


def find_project(start: Path) -> Path:
    """The nearest folder upwards that holds a weakft.toml.

    Raises:
        ConfigError: there is none up to the root.
    """
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / FILE_NAME).is_file():
            return folder
    raise ConfigError(
        f"No {FILE_NAME} in {start.resolve()} or above. Go to a project, name one with "
        "--project DIR, or make one with `weakft init DIR`."
    )


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(file))
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read: {error.strerror}. A project is a folder with a {FILE_NAME}."
        ) from error
    except (ValueError, RecursionError) as error:  # also of numbers with thousands of digits
        raise ConfigError(f"{file} is no TOML: {error}.") from error


def _from_environment(environ: Mapping[str, str]) -> list[tuple[list[str], Any]]:
    return [
        (name.removeprefix(ENV_PREFIX).lower().split("__"), _parsed(value))
        for name, value in sorted(environ.items())
        if name.startswith(ENV_PREFIX) and "__" in name
    ]


def _from_override(override: str) -> tuple[list[str], Any]:
    key, equals, value = override.partition("=")
    if not equals or "." not in key:
        raise ConfigError(f"--set wants section.key=value, got {redacted_argument(override)!r}.")
    return key.strip().split("."), _parsed(value.strip())


def _parsed(value: str) -> Any:  # noqa: ANN401  (any TOML value)
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return value


def _put(settings: dict[str, Any], key: list[str], value: Any, source: str) -> None:  # noqa: ANN401
    section: Any = settings
    for part in key[:-1]:
        section = section.setdefault(part, {})
        if not isinstance(section, dict):
            raise ConfigError(f"{source}: {part!r} is a value, not a section.")
    section[key[-1]] = value


def _refuse_unfit_balance(config: Config, file: Path) -> None:
    balance, k = config.label_model.class_balance, len(config.classes)
    if balance is None:
        return
    if len(balance) != k or min(balance) <= 0 or abs(sum(balance) - 1) > 1e-6:
        raise ConfigError(
            f"{file}: 'label_model.class_balance': wanted {k} positive shares that sum to 1, one "
            f"for each of {', '.join(config.classes)}, got {balance}."
        )


def _refuse_secrets(config: Config, file: Path) -> None:
    for key, value in _texts(config.model_dump(mode="json")):
        if holds_secret(value):
            instead = MLFLOW_INSTEAD if key == "mlflow.uri" else ""
            raise ConfigError(
                f"{file}: {key!r} holds a name, a password or a token, and settings are kept with "
                f"every run. Take it out{instead}."
            )


def _texts(settings: Any, key: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Every text among settings, with its key."""
    if isinstance(settings, str):
        yield key, settings
    elif isinstance(settings, dict):
        for name, value in settings.items():
            yield from _texts(value, f"{key}.{name}" if key else str(name))
    elif isinstance(settings, list):
        for value in settings:
            yield from _texts(value, key)
