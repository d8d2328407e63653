"""The outputs of frozen layers, computed once, are those of the model."""

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from transformers import AutoTokenizer, PreTrainedModel

from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.frozen_body import FrozenBody
from weakft.processors import TextProcessor
from weakft.training import TrainingSet, fine_tune
from weakft.training.strategies import stack_of

TEXTS = ["the phone is great", "bad", "the screen was very poor", "it is good", "bad"]


@pytest.fixture
def model(tiny_model: Path) -> EndModel:
    return EndModel.from_pretrained(str(tiny_model), ["a", "b"], max_length=16, seed=0)


def body_of(model: EndModel, count: int, folder: Path | None = None) -> FrozenBody:
    layers = list(model.model.bert.encoder.layer)  # type: ignore[union-attr]
    assert isinstance(model.processor, TextProcessor)
    return FrozenBody(
        model.model, model.processor, layers[:count], depth=len(layers), folder=folder
    )


@pytest.mark.parametrize("count", [1, 2])
def test_predictions_from_recalled_states_are_those_from_the_text(
    model: EndModel, count: int
) -> None:
    computed = model.predict_proba(TEXTS)
    model.body = body_of(model, count)
    assert np.allclose(model.predict_proba(TEXTS), computed, atol=1e-6)
    model.body = None
    assert np.array_equal(model.predict_proba(TEXTS), computed)


def test_a_bert_head_needs_the_first_token_alone(model: EndModel) -> None:
    assert body_of(model, 2).first_token_only
    assert not body_of(model, 1).first_token_only


@pytest.mark.parametrize("kind", ["GPT2", "OPT"])
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("pad", [0, 1])
def test_a_head_that_reads_the_last_token_gets_them_all(
    tiny_model: Path, kind: str, side: str, pad: int
) -> None:
    network = tiny_decoder(kind, pad)
    tokenizer = AutoTokenizer.from_pretrained(tiny_model, padding_side=side)
    tokenizer.pad_token = tokenizer.convert_ids_to_tokens(pad)
    model = EndModel(network, TextProcessor(tokenizer, 16))
    body = FrozenBody(network, model.processor, list(stack_of(network)), depth=2)
    assert not body.first_token_only
    assert body.faithful == (side == "right")
    computed = model.predict_proba(TEXTS)
    model.body = body
    if body.faithful:
        assert np.allclose(model.predict_proba(TEXTS), computed, atol=1e-6)


def tiny_decoder(kind: str, pad: int) -> PreTrainedModel:
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    room = {"max_position_embeddings": 32, "vocab_size": 50, "pad_token_id": pad}
    more = {"ffn_dim": 16, "word_embed_proj_dim": 16} if kind == "OPT" else {}
    config = getattr(transformers, f"{kind}Config")(**sizes, **room, **more)
    network = getattr(transformers, f"{kind}ForSequenceClassification")(config)
    return network.train(False)


def test_texts_without_tokens_recall_nothing(
    model: EndModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TextProcessor, "encode", lambda *_: [[], []])
    assert not body_of(model, 2).faithful


def test_a_text_is_computed_once_and_kept_from_process_to_process(
    model: EndModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed = body_of(model, 2, tmp_path).states(model.processor.encode(TEXTS))
    again = body_of(model, 2, tmp_path)
    monkeypatch.setattr(again, "_compute", None)  # would fail if it was called
    assert all(map(torch.equal, again.states(model.processor.encode(TEXTS)), computed))


def test_other_weights_are_another_file(model: EndModel, tmp_path: Path) -> None:
    body_of(model, 2, tmp_path).states(model.processor.encode(TEXTS))
    with torch.no_grad():
        model.model.bert.encoder.layer[0].output.dense.weight += 1  # type: ignore[union-attr]
    body_of(model, 2, tmp_path).states(model.processor.encode(TEXTS))
    assert len(list(tmp_path.iterdir())) == 2


def _show(body: FrozenBody, states: torch.Tensor, shown: list[torch.Tensor]) -> None:
    shown.append(states)
    body._current = states


@pytest.mark.parametrize("strategy", ["head", "freeze"])
def test_training_on_recalled_states_changes_the_same_parameters(
    model: EndModel, strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[torch.Tensor] = []
    monkeypatch.setattr(FrozenBody, "show", lambda body, states: _show(body, states, shown))
    before = {name: value.clone() for name, value in model.model.state_dict().items()}
    rows = TrainingSet(tuple(TEXTS), np.eye(2)[[0, 1, 1, 0, 1]], np.ones(5))
    settings = TrainConfig(
        strategy=strategy,
        max_length=16,
        max_steps=4,
        learning_rate=0.01,
        bf16=False,
        warmup_steps=0,
    )
    fine_tune(model, rows, settings, valid=rows.take(np.arange(3)))
    assert shown
    assert (model.body is not None) == (strategy == "head")  # one vector a token is not kept
    recalled = model.predict_proba(TEXTS)
    model.body = None
    assert np.allclose(model.predict_proba(TEXTS), recalled, atol=1e-6)
    changed = {n for n, v in model.model.state_dict().items() if not torch.equal(v, before[n])}
    assert changed
    assert not any("embeddings" in name or "layer.0" in name for name in changed)
    assert any("layer.1" in name for name in changed) == (strategy == "freeze")


def test_a_model_that_learns_in_full_again_recalls_nothing(model: EndModel) -> None:
    rows = TrainingSet(tuple(TEXTS), np.eye(2)[[0, 1, 1, 0, 1]], np.ones(5))
    head = TrainConfig(strategy="head", max_length=16, max_steps=1)
    fine_tune(model, rows, head)
    fine_tune(model, rows, head.model_copy(update={"strategy": "full"}))
    assert model.body is None
