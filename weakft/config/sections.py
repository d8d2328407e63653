"""The sections of weakft.toml, but for `[train]`."""

from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from weakft.labels import MAX_CARDINALITY, duplicates

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
        if not 2 <= len(classes) <= MAX_CARDINALITY:
            remedy = "; merge some, or sort into groups first" if len(classes) > 1 else ""
            raise ValueError(f"wanted 2 to {MAX_CARDINALITY} classes, got {len(classes)}{remedy}")
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
    ] = "auto"
    seed: int = Field(0, ge=0)
    class_balance: list[float] | None = Field(
        None, description="prior, in the order of the classes; default: uniform, or what gold says"
    )


class EvaluateConfig(Section):
    """`[evaluate]`: what the end model is measured against."""

    train_gold: str | None = Field(None, description="gold of train; read by evaluation only")
    rivals: tuple[
        Literal["majority_vote", "gold_only", "gold_probe", "weak_probe", "all_gold"], ...
    ] = Field(
        ("majority_vote", "gold_only", "gold_probe", "weak_probe"),
        description="probes are linear, on embeddings by the pre-trained encoder",
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
    first: Literal["check", "promote"] = Field(
        "check",
        description="the first run goes into service if it predicts every class and is not shown "
        "to be below the majority vote on gold; promote: whatever it is worth",
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
        server = parts.scheme in ("http", "https") and parts.netloc and uri == uri.split("?")[0]
        if not (uri in ("", "local") or server or uri.startswith("sqlite:///")):
            raise ValueError(
                'wanted "local", sqlite:///FILE or the address of a server, http://..., no query'
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
