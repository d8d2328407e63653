"""Without padding a model makes the same of a batch, forth and back."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import (
    AutoModelForSequenceClassification,
    BartConfig,
    BertConfig,
    DistilBertConfig,
    GPT2Config,
    ModernBertConfig,
    MPNetConfig,
    PreTrainedConfig,
    PreTrainedModel,
    RobertaConfig,
)

from tests.training.test_finetune import SETTINGS, gold_rows, new_model, trained_weights
from weakft.narration import Silence
from weakft.processors import Batch
from weakft.training import fine_tune, packing
from weakft.training.packing import ATTENTION, packed, says_the_same

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


Kernel = Callable[..., torch.Tensor]


def each_alone(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    starts: torch.Tensor,
    starts_of_keys: torch.Tensor,
    longest: int,
    longest_key: int,
    *,
    scale: float | None = None,
    window_size: tuple[int, int] = (-1, -1),
) -> torch.Tensor:
    """What torch's kernel is told and does, text by text, on a CPU."""
    assert starts.dtype == torch.int32
    assert isinstance(longest, int)
    assert query.dtype == key.dtype == value.dtype
    attended = []
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        assert end - start <= longest
        q, k, v = (part[start:end].transpose(0, 1) for part in (query, key, value))
        ahead = torch.arange(end - start) - torch.arange(end - start)[:, None]
        left, right = (math.inf if tokens < 0 else tokens for tokens in window_size)
        seen = (ahead >= -left) & (ahead <= right)
        attended.append(scaled_dot_product_attention(q, k, v, seen, scale=scale).transpose(0, 1))
    return torch.cat(attended)


def across_texts(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *others: object, **more: object
) -> torch.Tensor:
    """A kernel that knows of no texts."""
    q, k, v = (part.transpose(0, 1) for part in (query, key, value))
    return scaled_dot_product_attention(q, k, v).transpose(0, 1)


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Callable[[Kernel], None]:
    """Puts a stand-in where torch's kernel for GPUs is."""

    def put(stand_in: Kernel) -> None:
        monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", stand_in)

    return put


Put = Callable[[Kernel], None]


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
def test_logits_and_gradients_are_those_of_the_padded_batch(family: str, kernel: Put) -> None:
    kernel(each_alone)
    network = new_network(FAMILIES[family]())
    batch = batch_for(network)
    padded = logits_and_gradients(network, batch)
    with packed(network):
        found = logits_and_gradients(network, batch)
    again = logits_and_gradients(network, batch)
    for one, other, third in zip(padded, found, again, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-4 * float(one.abs().max()))
        assert torch.equal(one, third)  # nothing of it stays behind
    assert says_the_same(network, batch)


@pytest.mark.parametrize("family", FAMILIES)
def test_attention_across_texts_is_noticed(family: str, kernel: Put) -> None:
    kernel(across_texts)
    network = new_network(FAMILIES[family]())
    assert not says_the_same(network, batch_for(network))
    assert network.training
    assert network.config._attn_implementation != ATTENTION


def test_attention_of_its_own_is_noticed(kernel: Put) -> None:
    kernel(each_alone)
    network = new_network(MPNetConfig(**SMALL, intermediate_size=64, pad_token_id=1))
    assert not says_the_same(network, batch_for(network))


def test_a_decoder_of_its_own_never_reaches_the_kernel(kernel: Put) -> None:
    """It attends to padded texts, of which the kernel would read beyond its memory."""
    reached = []
    kernel(lambda query, *others, **more: reached.append(len(query)) or each_alone(query, *others))
    config = BartConfig(
        vocab_size=50,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        pad_token_id=1,
    )
    network = new_network(config)
    with pytest.raises(ValueError, match="is not that of 23 tokens"), packed(network):
        network.base_model(**batch_for(network))
    assert reached == [sum(LENGTHS)] * 2  # by the encoder's layers
    network.base_model(**batch_for(network))


def test_the_layers_see_no_padding(kernel: Put) -> None:
    kernel(each_alone)
    network = new_network(FAMILIES["bert"]())
    seen = []
    network.base_model.encoder.layer[1].register_forward_hook(
        lambda layer, inputs, output: seen.append(output.shape)
    )
    with packed(network):
        network(**batch_for(network))
    network(**batch_for(network))
    assert seen == [(1, sum(LENGTHS), 32), (len(LENGTHS), max(LENGTHS), 32)]


class Told(Silence):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def say(self, message: str) -> None:
        self.words.append(message)


@pytest.mark.parametrize("changes", [{}, {"strategy": "lora"}])
def test_training_ends_at_the_same_weights(
    changes: dict[str, object], tiny_model: Path, kernel: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel(each_alone)
    settings = SETTINGS.model_copy(update={"num_train_epochs": 3, **changes})
    asked = settings.model_copy(update={"packed": True})
    padded = trained_weights(tiny_model, gold_rows(), settings)
    assert torch.equal(padded, trained_weights(tiny_model, gold_rows(), asked))  # on a CPU
    monkeypatch.setattr(packing, "_obstacle", lambda model, settings: "")
    found = trained_weights(tiny_model, gold_rows(), asked)
    assert torch.allclose(padded, found, atol=1e-5)
    assert not torch.equal(padded, found)


def test_why_batches_stay_padded_is_said(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings, told = SETTINGS.model_copy(update={"packed": True}), Told()
    fine_tune(new_model(tiny_model), gold_rows(), settings, narrator=told)
    monkeypatch.setattr(packing, "_obstacle", lambda model, settings: "")
    fine_tune(new_model(tiny_model), gold_rows(), settings, narrator=told)  # the kernel is a GPU's
    monkeypatch.setattr(packing, "says_the_same", lambda network, batch: False)
    fine_tune(new_model(tiny_model), gold_rows(), settings, narrator=told)
    for words, why in zip(told.words, ["CUDA GPU in bf16", "a trial", "outcome"], strict=True):
        assert words.startswith("Batches stay padded: ")
        assert why in words


@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch's kernel wants a CUDA GPU")
@pytest.mark.parametrize("family", FAMILIES)
def test_on_a_gpu_logits_are_those_of_the_padded_batch(family: str) -> None:
    network = new_network(FAMILIES[family]()).cuda()
    batch = {name: values.cuda() for name, values in batch_for(network).items()}
    with torch.autocast("cuda", torch.bfloat16):
        padded = network(**batch).logits.float()
        with packed(network):
            found = network(**batch).logits.float()
    assert (found - padded).norm() < 0.05 * padded.norm()
    assert says_the_same(network, batch)
