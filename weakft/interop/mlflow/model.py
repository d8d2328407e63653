"""A Hugging Face folder as a model of MLflow: the few files it wants beside those there are.

They are written here, rather than by `mlflow.transformers.save_model`, which loads the model, asks
the Hugging Face Hub for a licence and keeps the path the model had on this machine.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from weakft.config import Task
from weakft.interop.mlflow.facts import Facts
from weakft.runs import read_json

CARD = "README.md"
WEIGHTS = "model"
PROCESSOR_OF: dict[Task, str] = {"text": "tokenizer", "image": "image_processor"}
FLAVOUR_OF: dict[Task, dict[str, Any]] = {
    "text": {
        "task": "text-classification",
        "instance_type": "TextClassificationPipeline",
        "pipeline_model_type": "AutoModelForSequenceClassification",
        "tokenizer_type": "AutoTokenizer",
    },
    "image": {
        "task": "image-classification",
        "instance_type": "ImageClassificationPipeline",
        "pipeline_model_type": "AutoModelForImageClassification",
        "image_processor_type": "AutoImageProcessor",
    },
}
RUNTIME = ("torch", "transformers")


def write_mlflow_files(facts: Facts, folder: Path, model_id: str) -> None:
    """Write all of a model but its weights: MLmodel, what it runs on, its tokenizer, its card.

    `mlflow.transformers.load_model` makes a pipeline of it, which wants `truncation=True`; a text
    model is a `pyfunc` too, which `mlflow models serve` serves. The parameters of its signature cut
    texts by default.

    Args:
        facts: of the run.
        folder: an empty one.
        model_id: of the model in MLflow.
    """
    task = facts.config.project.task
    processor = folder / "components" / PROCESSOR_OF[task]
    processor.mkdir(parents=True)
    for file in files_of(facts.run.model):
        if file.suffix != ".safetensors":
            shutil.copyfile(file, processor / file.name)
    (folder / CARD).write_text(facts.card, encoding="utf-8")
    (folder / "requirements.txt").write_text("\n".join(_requirements(facts)) + "\n")
    (folder / "python_env.yaml").write_text(
        f'python: "{facts.manifest["versions"]["python"]}"\n'
        "build_dependencies: [pip]\ndependencies: [-r requirements.txt]\n"
    )
    _mlmodel(facts, model_id).save(str(folder / "MLmodel"))


def files_of(model: Path) -> Iterator[Path]:
    """The files of a model folder; its card is written anew."""
    for file in sorted(model.iterdir()):
        if file.is_file() and file.name != CARD:
            yield file


def _mlmodel(facts: Facts, model_id: str) -> Any:  # noqa: ANN401  (mlflow.models.Model)
    from mlflow import pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    task = facts.config.project.task
    cut = [ParamSpec(name, kind, value) for name, (kind, value) in _truncation(facts).items()]
    described = Model(
        utc_time_created=facts.manifest["created"],
        signature=ModelSignature(
            inputs=Schema([ColSpec("string")]),
            outputs=Schema([ColSpec("string", name="label"), ColSpec("double", name="score")]),
            params=ParamSchema(cut) if cut else None,
        ),
        metadata={"weakft.run_id": facts.run.id},
        model_id=model_id,
    )
    described.add_flavor(
        "transformers",
        transformers_version=facts.manifest["versions"]["transformers"],
        model_binary=WEIGHTS,
        components=[PROCESSOR_OF[task]],
        **FLAVOUR_OF[task],
    )
    if task == "text":
        pyfunc.add_to_model(
            described, loader_module="mlflow.transformers", python_env="python_env.yaml"
        )
    return described


def _truncation(facts: Facts) -> dict[str, tuple[str, bool | int]]:
    """Type and value, by name, of what cuts texts as they were cut when the model was scored."""
    if facts.config.project.task == "image":
        return {}
    saved = read_json(facts.run.model / "tokenizer_config.json")
    return {"truncation": ("boolean", True), "max_length": ("long", saved["model_max_length"])}


def _requirements(facts: Facts) -> list[str]:
    import mlflow

    versions = facts.manifest["versions"]
    pinned = [f"{name}=={versions[name].partition('+')[0]}" for name in RUNTIME if name in versions]
    return [f"mlflow=={mlflow.__version__}", *pinned]
