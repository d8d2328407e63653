"""weakft.toml -> typed settings; unknown keys are refused with a "did you mean".

Precedence: defaults < weakft.toml < WEAKFT_TRAIN__LEARNING_RATE < --set train.learning_rate=2e-5.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from weakft.errors import ConfigError
from weakft.labels import MAX_CARDINALITY, duplicates

FILE_NAME = "weakft.toml"
ENV_PREFIX = "WEAKFT_"

Splits = Literal["train", "dev", "valid", "test"]
SPLITS: tuple[Splits, ...] = ("train", "dev", "valid", "test")
Task = Literal["text", "image"]


class Section(BaseModel):
    """A section of weakft.toml: frozen, no key too many."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False
    )


class ProjectConfig(Section):
    """`[project]`: what is to be told apart."""

    name: str = "weakft"
    classes: tuple[str, ...] = Field(description="class names; votes are their positions")
    runs_dir: str = "runs"
    task: Task = Field("text", description="what the end model looks at")

    @field_validator("classes")
    @classmethod
    def _at_least_two_distinct(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if not 2 <= len(classes) < MAX_CARDINALITY:
            raise ValueError(f"wanted 2 to {MAX_CARDINALITY - 1} classes, got {len(classes)}")
        if repeated := duplicates(classes):
            raise ValueError(f"class names must be distinct, got {repeated} more than once")
        return classes


class DataConfig(Section):
    """`[data]`: files (parquet, csv, jsonl; relative to the project) and their columns."""

    train: str
    dev: str | None = None
    valid: str | None = None
    test: str | None = None
    id: str = "id"
    text: str = "text"
    image: str = Field("image", description='of task = "image": paths, relative to the file')
    label: str = "label"
    review: str = Field("review/gold.jsonl", description="gold of train, given in the app")


class LabelingConfig(Section):
    """`[labeling]`: LF files, or a folder of ready-made votes."""

    modules: tuple[str, ...] = ()
    votes: str | None = Field(None, description="folder with <split>.parquet of votes")
    max_fault_rate: float = Field(0.05, ge=0, le=1)


class ApplyConfig(Section):
    """`[apply]`: how LFs are run; the votes are the same whatever stands here."""

    workers: int = Field(1, ge=1, description="processes; more pay for slow Python LFs")
    engine: Literal["processes", "dask"] = Field(
        "processes", description="dask: a cluster of `workers` processes, or the scheduler's"
    )
    scheduler: str | None = Field(None, description="of Dask, such as tcp://host:8786")
    time_limit: float = Field(
        10,
        gt=0,
        description="seconds an LF may take on one row; dask runs LFs in threads, where nothing "
        "can interrupt them: no limit there",
    )
    cache: bool = Field(True, description="keep votes, so that an edit costs the edited LFs only")
    cache_megabytes: int = Field(500, ge=1)


class LabelModelConfig(Section):
    """`[label_model]`: how votes become probabilities."""

    name: Literal[
        "auto",
        "majority_vote",
        "weighted_vote",
        "one_coin",
        "per_class",
        "dawid_skene",
        "snorkel",
        "flying_squid",
    ] = "auto"
    seed: int = Field(0, ge=0)
    class_balance: list[float] | None = Field(
        None, description="prior, in the order of the classes; default: uniform, or what gold says"
    )


class TrainConfig(Section):
    """`[train]`: Hugging Face TrainingArguments' own names, plus what is ours."""

    model: str = "default"
    max_length: int = Field(128, ge=4)
    strategy: str = Field(
        "full", description="full, freeze, head, gradual, lora, or another of PEFT's tuners"
    )
    freeze_layers: int | None = Field(None, ge=0, description="lowest layers held; None: half")
    freeze: tuple[str, ...] = Field((), description="name patterns held instead of layers")
    peft: dict[str, Any] = Field({}, description="settings of a tuner, under PEFT's names")
    layer_lr_decay: float = Field(
        1.0, gt=0, le=1, description="learning rate times this for each layer below the head"
    )
    probe_epochs: float = Field(0, ge=0, description="epochs of the head alone, before the rest")
    loss: Literal[
        "soft_cross_entropy",
        "label_smoothing",
        "generalised_cross_entropy",
        "symmetric_cross_entropy",
        "bootstrapping",
    ] = "soft_cross_entropy"
    early_learning: float = Field(0, ge=0, description="strength of early-learning regularisation")
    mixup: float = Field(0, ge=0, description="alpha of MixUp; 0: none")
    relabel: bool | None = Field(
        None,
        description="learn from labels of all rows by votes and texts together; None: yes, "
        "unless uncovered or selection look at embeddings themselves",
    )
    selection: Literal["all", "confidence", "cut_statistic", "confident_learning"] = Field(
        "all", description="which labelled rows to learn from"
    )
    keep: float = Field(0.8, gt=0, le=1, description="share of each class that a selection keeps")
    uncovered: Literal["ignore", "fill"] = Field(
        "ignore", description="fill: label rows a linear model on embeddings is sure of"
    )
    max_uncovered_rows: int | None = Field(
        None,
        ge=0,
        description="rows no LF votes on that are read, at most, drawn by the seed; None: 4 for "
        "each covered row, or 20,000 if that is more",
    )
    self_training: int = Field(0, ge=0, description="rounds on the model's own sure opinions")
    ema: float = Field(0, ge=0, lt=1, description="decay of averaged weights, such as .99; 0: none")
    tail_average: float | None = Field(
        None,
        ge=0,
        le=1,
        description="share of the steps, the last, whose weights are averaged; None: 2/3 in mix",
    )
    confidence_weights: bool = Field(
        False, description="weigh rows by how sure their label is; relabelled ones always are"
    )
    recipe: Literal["configured", "auto"] = Field(
        "configured", description="auto: try changes to [train] on a sample, judged on valid"
    )
    budget: float = Field(600, gt=0, description="seconds that trying may take")
    gold: Literal["auto", "continue", "mix", "only", "none"] = "auto"
    gold_folds: int | None = Field(
        None, ge=2, description="None: 4 below 300 gold rows, 2 from there on"
    )
    gold_epochs: float = Field(6, gt=0, description="epochs of a gold stage, at least")
    gold_steps: int = Field(240, ge=1, description="optimiser steps of a gold stage, at least")

    learning_rate: float = Field(1e-4, gt=0)
    num_train_epochs: float = Field(3, gt=0)
    max_steps: int = -1
    per_device_train_batch_size: int = Field(32, ge=1)
    per_device_eval_batch_size: int = Field(64, ge=1)
    gradient_accumulation_steps: int = Field(1, ge=1)
    weight_decay: float = Field(0.01, ge=0)
    warmup_steps: float = Field(0.1, ge=0, description="steps, or a share of them below 1")
    lr_scheduler_type: Literal[
        "linear", "cosine", "constant", "constant_with_warmup", "polynomial", "inverse_sqrt"
    ] = "linear"
    max_grad_norm: float = Field(1.0, gt=0)
    metric_for_best_model: Literal["macro_f1", "accuracy", "loss"] = "macro_f1"
    bf16: bool | None = Field(None, description="None: where that is quicker")
    use_cpu: bool = False
    report_to: Literal["none", "mlflow", "wandb", "tensorboard", "trackio"] = "none"
    seed: int = Field(0, ge=0)
    seeds: int = Field(
        1, ge=1, description="trainings from `seed` on; all are scored, the best by valid is taken"
    )

    @field_validator("uncovered")
    @classmethod
    def _left_to_fill(cls, uncovered: str, known: ValidationInfo) -> str:
        if uncovered == "fill" and known.data.get("relabel"):
            raise ValueError('relabel labels every row, so nothing is left to "fill": take one')
        return uncovered

    @field_validator("tail_average")
    @classmethod
    def _one_mean(cls, tail_average: float | None, known: ValidationInfo) -> float | None:
        if tail_average and known.data.get("ema"):
            raise ValueError("weights are averaged by ema or by tail_average, not by both")
        return tail_average

    OURS: ClassVar[frozenset[str]] = frozenset(
        {
            "model",
            "max_length",
            "strategy",
            "freeze_layers",
            "freeze",
            "peft",
            "layer_lr_decay",
            "probe_epochs",
            "loss",
            "early_learning",
            "mixup",
            "relabel",
            "selection",
            "keep",
            "uncovered",
            "max_uncovered_rows",
            "confidence_weights",
            "self_training",
            "ema",
            "tail_average",
            "recipe",
            "budget",
            "seeds",
            "gold",
            "gold_folds",
            "gold_epochs",
            "gold_steps",
        }
    )


class EvaluateConfig(Section):
    """`[evaluate]`: what the end model is measured against."""

    train_gold: str | None = Field(None, description="gold of train; read by evaluation only")
    rivals: tuple[Literal["majority_vote", "gold_only", "all_gold"], ...] = (
        "majority_vote",
        "gold_only",
    )
    resamples: int = Field(1000, ge=100)
    seed: int = Field(0, ge=0)


class RetrainConfig(Section):
    """`[retrain]`: how batch retraining starts, and the gate a candidate has to pass."""

    start: Literal["scratch", "warm"] = Field(
        "scratch", description="warm: fine-tune the model in service further"
    )
    gold: Literal["auto", "test", "valid"] = Field(
        "auto", description="split that judges; auto: test if there is one, else valid"
    )
    margin: float = Field(
        0.03, ge=0, le=1, description="loss of macro-F1 and accuracy that must be ruled out"
    )
    class_margin: float = Field(
        0.1, ge=0, le=1, description="loss of a class's recall, if shown, that refuses"
    )
    level: float = Field(0.95, gt=0.5, lt=1, description="of the tests of the gate")
    max_coverage_drop: float = Field(0.05, ge=0, le=1)
    max_label_flips: float = Field(
        0.2, ge=0, le=1, description="share of rows in both runs whose label's class flips"
    )
    max_drifted_lfs: float = Field(
        0.5, ge=0, le=1, description="share of LFs whose votes drifted in the new rows"
    )
    false_alarms: float = Field(
        0.05, gt=0, lt=1, description="chance that drift is told where there is none"
    )
    unjudged: Literal["refuse", "promote"] = Field(
        "refuse", description="what happens where no gold can judge"
    )


class MlflowConfig(Section):
    """`[mlflow]`: the tracker that runs are logged to, and the registry of their models."""

    uri: str = Field(
        "",
        description="none; or local: mlflow.db of the project; or sqlite:///FILE, or http://SERVER",
    )
    experiment: str = Field("", description="default: the project's name")
    model: str = Field("", description="registered model; default: the project's name")

    @field_validator("uri")
    @classmethod
    def _an_address(cls, uri: str) -> str:
        parts = urlsplit(uri)
        server = parts.scheme in ("http", "https") and parts.netloc
        if not (uri in ("", "local") or server or uri.startswith("sqlite:///")):
            raise ValueError(
                'wanted "local", sqlite:///FILE or the address of a server, http://...'
            )
        return uri

    @field_validator("model")
    @classmethod
    def _fit_to_be_registered(cls, model: str) -> str:
        if found := set(model) & set("/:'\""):
            raise ValueError(f"a registered model's name has no {' or '.join(sorted(found))}")
        return model


class AppConfig(Section):
    """`[app]`: who may look at the dashboard."""

    allowed: tuple[str, ...] = Field(
        (), description='e-mail patterns such as "*@example.org"; none: whoever can log in'
    )


class PrivacyConfig(Section):
    """`[privacy]`: what is not for everyone's eyes."""

    hidden: tuple[str, ...] = Field((), description="columns that the app and reports never show")


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
            _put(settings, key, value, f"--set {override}")
        try:
            config = cls.model_validate(settings)
        except ValidationError as error:
            raise ConfigError(_explained(error, file)) from error
        _refuse_unfit_balance(config, file)
        _refuse_password(config, file)
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
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read: {error.strerror}. A project is a folder with a {FILE_NAME}."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
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
        raise ConfigError(f"--set wants section.key=value, got {override!r}.")
    return key.strip().split("."), _parsed(value.strip())


def _parsed(value: str) -> Any:  # noqa: ANN401  (any TOML value)
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value


def _put(settings: dict[str, Any], key: list[str], value: Any, source: str) -> None:  # noqa: ANN401
    section: Any = settings
    for part in key[:-1]:
        section = section.setdefault(part, {})
        if not isinstance(section, dict):
            raise ConfigError(f"{source}: {part!r} is a value, not a section.")
    section[key[-1]] = value


def _explained(error: ValidationError, file: Path) -> str:
    problems = [_problem(dict(detail)) for detail in error.errors()]
    return f"{file}: " + " ".join(problems)


def _refuse_unfit_balance(config: Config, file: Path) -> None:
    balance, k = config.label_model.class_balance, len(config.classes)
    if balance is None:
        return
    if len(balance) != k or min(balance) <= 0 or abs(sum(balance) - 1) > 1e-6:
        raise ConfigError(
            f"{file}: 'label_model.class_balance': wanted {k} positive shares that sum to 1, one "
            f"for each of {', '.join(config.classes)}, got {balance}."
        )


def _refuse_password(config: Config, file: Path) -> None:
    parts = urlsplit(config.mlflow.uri)
    if parts.username is not None or parts.password is not None:
        raise ConfigError(
            f"{file}: 'mlflow.uri' holds a name or a password, and settings are kept with every "
            "run. Take it out and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
            "MLFLOW_TRACKING_TOKEN, in the environment."
        )


def _problem(detail: dict[str, Any]) -> str:
    path = [str(part) for part in detail["loc"]]
    where = ".".join(path)
    if detail["type"] == "extra_forbidden":
        known = list(_section_at(path[:-1]).model_fields)
        near = difflib.get_close_matches(path[-1], known, n=1)
        advice = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}."
        return f"Unknown key {where!r}; {advice}"
    if detail["type"] == "missing":
        return f"{where!r} is required."
    return f"{where!r}: {detail['msg']}, got {detail['input']!r}."


def _section_at(path: Sequence[str]) -> type[BaseModel]:
    section: type[BaseModel] = Config
    for part in path:
        annotation = section.model_fields[part].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            section = annotation
    return section
