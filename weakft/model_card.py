"""The model card of a run, as the Hugging Face Hub reads it: its making and its scores."""

import json
import re
from collections.abc import Mapping
from typing import Any

from weakft.config import Config
from weakft.runs import Json
from weakft.visible import listed

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
INTENDED = (
    "It tells the classes apart on texts like those it was trained on. Most of its training labels "
    "come from rules of thumb, not from people: where the rules are silent or wrong together, so "
    "may the model be. Check it on your own rows before you rely on it."
)


def model_card(config: Config, metrics: Json, manifest: Json) -> str:
    """Markdown with the Hub's YAML block.

    Args:
        config: the settings of the run.
        metrics: its numbers.
        manifest: what it was made of; files are not needed.
    """
    task = "image-classification" if config.project.task == "image" else "text-classification"
    head = {
        "library_name": "transformers",
        "pipeline_tag": task,
        "tags": ["weak-supervision", "weakft"],
    }
    if HUB_ID.fullmatch(config.train.model):
        head["base_model"] = config.train.model
    about = "\n".join(f"{key}: {json.dumps(value)}" for key, value in head.items())
    parts = [
        f"---\n{about}\n---",
        f"# {config.project.name}",
        f"Classes: {listed(config.classes)}. Made {manifest['created']} by weakft "
        f"{manifest['versions']['weakft']}.",
        "## How to call it",
        _calls(config, metrics),
        "## How good it is",
        _scores(metrics),
        "## What it was made of",
        _made_of(config, metrics, manifest),
        "## What it is for",
        INTENDED,
        *_warnings(metrics),
    ]
    return "\n\n".join(parts) + "\n"


def _calls(config: Config, metrics: Json) -> str:
    """What gives the answers that were scored, in a process without weakft."""
    if config.project.task == "image":
        return _code('classify = pipeline("image-classification", model="FOLDER")')
    length = metrics["end_model"].get("max_length", config.train.max_length)
    return (
        f"It reads the first {length} tokens of a text. transformers cuts there only where it is "
        "asked to:\n\n"
        + _code(
            'classify = pipeline("text-classification", model="FOLDER", truncation=True)',
            "classify(texts, top_k=None)  # all classes",
        )
        + "\n\nThe length stands in `tokenizer_config.json` (`model_max_length`). Without "
        "`truncation=True` longer texts go in whole: the answers are others than those scored "
        "here, and past the positions that the model has there is an error. MLflow's `pyfunc` "
        "cuts by itself; `mlflow.transformers.load_model` wants `truncation=True` as well."
    )


def _code(*lines: str) -> str:
    return "\n".join(["```python", "from transformers import pipeline", "", *lines, "```"])


def _scores(metrics: Json) -> str:
    scored = {
        f"end model, {split}": metrics["end_model"][split]
        for split in ("test", "valid")
        if split in metrics["end_model"]
    }
    rivals = metrics.get("rivals", {})
    scored |= {f"{name}, test": rival["test"] for name, rival in rivals.items() if "test" in rival}
    if not scored:
        return "Nobody knows: there was no split with gold to score it on."
    lines = ["| | macro-F1 | accuracy | rows |", "| --- | --- | --- | --- |"]
    for name, scores in scored.items():
        cells = [_cell(scores[metric]) for metric in ("macro_f1", "accuracy")]
        lines.append(f"| {name} | {' | '.join(cells)} | {scores['accuracy']['support']} |")
    return "\n".join(lines) + "\n\nWith 95 % intervals."


def _cell(score: Mapping[str, Any]) -> str:
    return f"{score['value']:.3f} [{score['low']:.3f}, {score['high']:.3f}]"


def _made_of(config: Config, metrics: Json, manifest: Json) -> str:
    labels, end_model = metrics["labels"], metrics["end_model"]
    gold, moved = end_model.get("gold", {}), end_model.get("weak", {}).get("relabelled")
    lines = [
        f"- {len(manifest['lfs'])} labeling functions; label model: {labels['chosen']}; "
        f"{labels['covered']:,} of {labels['rows']:,} rows covered",
        *(
            []
            if moved is None
            else [f"- relabelled by votes and texts; {moved:.1%} of the covered rows moved"]
        ),
        f"- gold enters by {gold.get('recipe', 'none')}, {gold.get('rows', 0):,} rows",
        f"- start: {config.train.model}; strategy: {config.train.strategy}; "
        f"seed: {config.train.seed}",
    ]
    lines += [
        f"- {split}: `{data['file']}`, sha256 `{data['sha256']}`"
        for split, data in manifest["data"].items()
    ]
    lines += [f"- `{file}`, sha256 `{digest}`" for file, digest in manifest["lf_files"].items()]
    return "\n".join(lines)


def _warnings(metrics: Json) -> list[str]:
    warnings = metrics.get("warnings", [])
    return ["## Warnings", "\n".join(f"- {each}" for each in warnings)] if warnings else []
