"""Quick steps on a CPU: the same mathematics."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedModel

from weakft.end_model import EndModel
from weakft.training.cpu import ATTENTION, Dice, QuickDropout, quick_steps


@pytest.fixture
def model(tiny_model: Path) -> EndModel:
    return EndModel.from_pretrained(str(tiny_model), ["a", "b"], max_length=16, seed=0)


@given(st.floats(0, 0.99), st.integers(0, 100), st.integers(0, 100))
def test_masks_drop_at_their_rate_and_keep_the_expectation(
    rate: float, seed: int, step: int
) -> None:
    dice = Dice(seed)
    dice.reseed(step)
    dropped = dice.drop(torch.ones(20_000), rate)
    kept = dropped != 0
    truly = round(rate * 256) / 256 if round(rate * 256) < 256 else 255 / 256
    assert abs(float((~kept).float().mean()) - truly) < 0.02
    if bool(kept.any()):
        assert torch.allclose(dropped[kept], torch.tensor(1 / (1 - truly)))


def test_another_step_draws_another_mask() -> None:
    dice, ones = Dice(0), torch.ones(1000)
    first = dice.drop(ones, 0.5)
    dice.reseed(1)
    assert not torch.equal(dice.drop(ones, 0.5), first)


def test_gradients_pass_where_values_passed() -> None:
    values = torch.ones(100, requires_grad=True)
    dropped = Dice(0).drop(values, 0.3)
    dropped.sum().backward()
    assert torch.equal(values.grad, dropped.detach())


def test_quick_steps_leave_the_model_as_it_was(model: EndModel) -> None:
    before = [type(module) for module in model.model.modules()]
    attention = model.model.config._attn_implementation
    with quick_steps(model.model, seed=0):
        assert any(isinstance(module, QuickDropout) for module in model.model.modules())
        assert model.model.config._attn_implementation == ATTENTION
    assert [type(module) for module in model.model.modules()] == before
    assert model.model.config._attn_implementation == attention == "sdpa"


def gpt2() -> PreTrainedModel:
    from transformers import GPT2Config, GPT2ForSequenceClassification

    config = GPT2Config(
        vocab_size=50, n_positions=16, n_embd=16, n_layer=2, n_head=2, pad_token_id=0
    )
    return GPT2ForSequenceClassification(config)


def llama() -> PreTrainedModel:
    from transformers import LlamaConfig, LlamaForSequenceClassification

    config = LlamaConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        pad_token_id=0,
    )
    return LlamaForSequenceClassification(config)


def modernbert() -> PreTrainedModel:
    from transformers import ModernBertConfig, ModernBertForSequenceClassification

    config = ModernBertConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        local_attention=4,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        cls_token_id=1,
        sep_token_id=2,
    )
    return ModernBertForSequenceClassification(config)


@pytest.mark.parametrize("make", [gpt2, llama, modernbert], ids=lambda make: make.__name__)
def test_plain_attention_equals_fused_attention(make: Callable[[], PreTrainedModel]) -> None:
    network = make().train(False)
    ids = torch.tensor(np.random.default_rng(0).integers(3, 50, (3, 9)))
    mask = torch.ones_like(ids)
    ids[1, 5:], mask[1, 5:] = 0, 0
    with torch.no_grad():
        fused = network(input_ids=ids, attention_mask=mask).logits
        with quick_steps(network, seed=0):
            plain = network(input_ids=ids, attention_mask=mask).logits
    assert torch.allclose(fused, plain, atol=1e-5)


def test_attention_of_a_bert_equals_fused_attention(model: EndModel) -> None:
    batch = model.processor.saved(["the phone is great", "bad"], padding=True, return_tensors="pt")
    model.model.train(False)
    with torch.no_grad():
        fused = model.model(**batch).logits
        with quick_steps(model.model, seed=0):
            plain = model.model(**batch).logits
    assert torch.allclose(fused, plain, atol=1e-5)


def test_a_model_that_is_not_on_a_cpu_is_left_alone(model: EndModel) -> None:
    network = model.model.to("meta")
    before = list(network.modules())
    with quick_steps(network, seed=0):
        assert list(network.modules()) == before
        assert network.config._attn_implementation == "sdpa"
