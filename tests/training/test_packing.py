"""Without padding a model makes the same of a batch, forth and back."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    DistilBertConfig,
    GPT2Config,
    ModernBertConfig,
    MPNetConfig,
    PreTrainedConfig,
    PreTrainedModel,
    RobertaConfig,
)

from tests.training.test_finetune import SETTINGS, gold_rows, trained_weights
from weakft.processors import Batch
from weakft.training import finetune
from weakft.training.packing import (
    ATTENTION,
    Spans,
    Window,
    packed,
    packing_pays,
    says_the_same,
    varlen,
)

LENGTHS = (7, 1, 12, 3)
SMALL = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2}
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
FAMILIES: dict[str, Callable[[], PreTrainedConfig]] = {
    "bert": lambda: BertConfig(**SMALL, **NO_DROPOUT, intermediate_size=64),
    "roberta": lambda: RobertaConfig(**SMALL, **NO_DROPOUT, intermediate_size=64, pad_token_id=1),
    "distilbert": lambda: DistilBertConfig(
        vocab_size=50,
        dim=32,
        n_layers=3,
        n_heads=2,
        hidden_dim=64,
        dropout=0.0,
        attention_dropout=0.0,
        seq_classif_dropout=0.0,
    ),
    "modernbert": lambda: ModernBertConfig(
        **SMALL,
        intermediate_size=64,
        local_attention=4,
        global_attn_every_n_layers=3,
        pad_token_id=0,
        cls_token_id=2,
        bos_token_id=2,
        sep_token_id=3,
        eos_token_id=3,
    ),
    "gpt2": lambda: GPT2Config(
        vocab_size=50,
        n_embd=32,
        n_layer=3,
        n_head=2,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    ),
}


def each_alone(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    spans: Spans,
    scale: float | None,
    window: Window,
) -> torch.Tensor:
    """What torch's kernel does, text by text, on a CPU."""
    attended = []
    for start, end in zip(spans.starts[:-1].tolist(), spans.starts[1:].tolist(), strict=True):
        q, k, v = (part[start:end].transpose(0, 1) for part in (query, key, value))
        ahead = torch.arange(end - start) - torch.arange(end - start)[:, None]
        left, right = (math.inf if tokens < 0 else tokens for tokens in window)
        seen = (ahead >= -left) & (ahead <= right)
        attended.append(scaled_dot_product_attention(q, k, v, seen, scale=scale).transpose(0, 1))
    return torch.cat(attended)


def across_texts(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    spans: Spans,
    scale: float | None,
    window: Window,
) -> torch.Tensor:
    """A kernel that knows of no texts."""
    q, k, v = (part.transpose(0, 1) for part in (query, key, value))
    return scaled_dot_product_attention(q, k, v, scale=scale).transpose(0, 1)


def new_network(config: PreTrainedConfig) -> PreTrainedModel:
    torch.manual_seed(0)
    network = AutoModelForSequenceClassification.from_config(config)
    for parameter in network.parameters():  # as they come, layers change next to nothing
        torch.nn.init.normal_(parameter, std=0.3)
    return network.train()


def batch_for(network: PreTrainedModel) -> Batch:
    generator = torch.Generator().manual_seed(1)
    mask = (torch.arange(max(LENGTHS)) < torch.tensor(LENGTHS)[:, None]).long()
    ids = torch.randint(4, 50, mask.shape, generator=generator)
    padding = network.config.pad_token_id
    return {"input_ids": torch.where(mask == 1, ids, padding), "attention_mask": mask}


def logits_and_gradients(network: PreTrainedModel, batch: Batch) -> tuple[torch.Tensor, ...]:
    network.zero_grad()
    logits = network(**batch).logits
    (logits**2).sum().backward()
    gradients = [p.grad.flatten() for p in network.parameters() if p.grad is not None]
    return logits.detach(), torch.cat(gradients)


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_and_gradients_are_those_of_the_padded_batch(family: str) -> None:
    network = new_network(FAMILIES[family]())
    batch = batch_for(network)
    padded = logits_and_gradients(network, batch)
    with packed(network, each_alone):
        found = logits_and_gradients(network, batch)
    again = logits_and_gradients(network, batch)
    for one, other, third in zip(padded, found, again, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-4 * float(one.abs().max()))
        assert torch.equal(one, third)  # nothing of it stays behind
    assert says_the_same(network, batch, each_alone)


@pytest.mark.parametrize("family", FAMILIES)
def test_attention_across_texts_is_noticed(family: str) -> None:
    network = new_network(FAMILIES[family]())
    assert not says_the_same(network, batch_for(network), across_texts)
    assert network.training
    assert network.config._attn_implementation != ATTENTION


def test_attention_of_its_own_is_noticed() -> None:
    network = new_network(MPNetConfig(**SMALL, intermediate_size=64, pad_token_id=1))
    assert not says_the_same(network, batch_for(network), each_alone)


def test_the_layers_see_no_padding() -> None:
    network = new_network(FAMILIES["bert"]())
    seen = []
    network.base_model.encoder.layer[1].register_forward_hook(
        lambda layer, inputs, output: seen.append(output.shape)
    )
    with packed(network, each_alone):
        network(**batch_for(network))
    network(**batch_for(network))
    assert seen == [(1, sum(LENGTHS), 32), (len(LENGTHS), max(LENGTHS), 32)]


def test_without_a_gpu_packing_does_not_pay() -> None:
    network = new_network(FAMILIES["bert"]())
    assert not packing_pays(network, batch_for(network))


@pytest.mark.parametrize("changes", [{}, {"strategy": "lora"}, {"mixup": 0.4}, {"ema": 0.9}])
def test_training_ends_at_the_same_weights(
    changes: dict[str, object], tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SETTINGS.model_copy(update={"num_train_epochs": 3, **changes})
    padded = trained_weights(tiny_model, gold_rows(), settings)
    monkeypatch.setattr(
        finetune, "packed_where_it_pays", lambda network, *_: packed(network, each_alone)
    )
    found = trained_weights(tiny_model, gold_rows(), settings)
    assert torch.allclose(padded, found, atol=1e-5)
    assert not torch.equal(padded, found)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch's kernel wants a CUDA GPU")
@pytest.mark.parametrize("family", FAMILIES)
def test_on_a_gpu_logits_are_those_of_the_padded_batch(family: str) -> None:
    network = new_network(FAMILIES[family]()).cuda()
    batch = {name: values.cuda() for name, values in batch_for(network).items()}
    with torch.autocast("cuda", torch.bfloat16):
        padded = network(**batch).logits.float()
        with packed(network, varlen):
            found = network(**batch).logits.float()
    assert (found - padded).norm() < 0.02 * padded.norm()
    assert says_the_same(network, batch, varlen)
