"""Adapters and virtual tokens learn beside a model that stays, and become part of a plain one."""

from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from tests.training.test_finetune import CLASSES, TEXTS, gold_rows, new_model
from tests.training.test_strategies import FAMILIES, settings_with, weights_of
from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.errors import ConfigError
from weakft.processors import TextProcessor
from weakft.training import fine_tune
from weakft.training.network import Network
from weakft.training.strategies import Anatomy, strategy_of

UNITS, VIRTUAL = 4, 3
ADAPTER = settings_with(strategy="adapter", adapter_units=UNITS, learning_rate=1e-2)
PROMPTS = {
    name: settings_with(
        strategy=name, peft={"num_virtual_tokens": VIRTUAL}, learning_rate=1e-2, weight_decay=0.1
    )
    for name in ("prompt", "p_tuning")
}
TOLD_TOO_MUCH = settings_with(strategy="prompt", peft={"num_virtual_tokens": 3, "tokens": 3})
ALL = {"adapter": ADAPTER, **PROMPTS}
SPECIALS = {"bert": ("[CLS]", "[SEP]"), "roberta": ("<s>", "</s>"), "gpt2": None}

strategies = pytest.mark.parametrize("settings", ALL.values(), ids=ALL)


def tokenizer_of(kind: str) -> PreTrainedTokenizerFast:
    """One that puts tokens around a text in its own way, or none."""
    around = SPECIALS[kind]
    words = ["[PAD]", *(around or ()), "[UNK]", *sorted({w for t in TEXTS for w in t.split()})]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    ids = [(name, words.index(name)) for name in around or ()]
    if kind == "bert":
        tokenizer.post_processor = processors.BertProcessing(ids[1], ids[0])
    if kind == "roberta":
        tokenizer.post_processor = processors.RobertaProcessing(ids[1], ids[0])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=16
    )


def family(name: str) -> EndModel:
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(
        **{**FAMILIES[name], "pad_token_id": 0}, id2label=dict(enumerate(CLASSES))
    )
    network = getattr(transformers, f"{name}ForSequenceClassification")(config)
    kind = {"Roberta": "roberta", "GPT2": "gpt2"}.get(name, "bert")
    return EndModel(network, TextProcessor(tokenizer_of(kind), 16))


@strategies
@pytest.mark.parametrize("name", ["Bert", "Roberta", "DistilBert", "GPT2"])
def test_a_plain_model_comes_out_of_every_family(
    name: str, settings: TrainConfig, tmp_path: Path
) -> None:
    model = family(name)
    before = model.predict_proba(TEXTS)
    tuned = fine_tune(model, gold_rows(), settings).model
    probs = tuned.predict_proba(TEXTS)
    assert np.abs(probs - before).max() > 1e-4
    tuned.save(tmp_path)
    answers = transformers.pipeline("text-classification", model=str(tmp_path), top_k=2)(
        list(TEXTS)
    )
    by_class = [[{a["label"]: a["score"] for a in row}[c] for c in CLASSES] for row in answers]
    assert np.array(by_class) == pytest.approx(probs, abs=1e-5)


@strategies
def test_what_was_there_stays_as_it_was(settings: TrainConfig, tiny_model: Path) -> None:
    model = new_model(tiny_model)
    before, head = weights_of(model.model), Anatomy.of(model.model).head
    after = weights_of(fine_tune(model, gold_rows(), settings).model.model)
    assert after.keys() == before.keys()
    for name, values in before.items():
        corner = after[name][tuple(slice(size) for size in values.shape)]
        assert torch.equal(corner, values) == (name not in head), name


@strategies
def test_a_second_stage_trains_the_same_ones_on(settings: TrainConfig, tiny_model: Path) -> None:
    first = fine_tune(new_model(tiny_model), gold_rows(), settings).model
    before, shapes = first.predict_proba(TEXTS), [p.shape for p in first.model.parameters()]
    still = settings.model_copy(update={"learning_rate": 1e-12, "max_steps": 1})
    second = fine_tune(first, gold_rows(), still).model
    assert second.predict_proba(TEXTS) == pytest.approx(before, abs=1e-5)
    third = fine_tune(second, gold_rows(), settings).model
    assert [p.shape for p in third.model.parameters()] == shapes
    assert np.abs(third.predict_proba(TEXTS) - before).max() > 1e-4


def test_an_adapter_adds_nothing_at_first_and_few_weights(tiny_model: Path) -> None:
    model = new_model(tiny_model)
    before = model.predict_proba(TEXTS)
    prepared = strategy_of(ADAPTER).prepare(model.model)
    assert model.predict_proba(TEXTS) == pytest.approx(before, abs=1e-6)
    learning = sum(p.numel() for p in prepared.parameters() if p.requires_grad)
    layers, size = 2, 16
    head = size * size + size + 2 * size + 2
    assert learning == layers * (2 * size * UNITS + UNITS) + head


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
@pytest.mark.parametrize("name", PROMPTS)
def test_virtual_tokens_are_as_many_weights_as_peft_has(name: str, tiny_model: Path) -> None:
    import peft

    kind = {"prompt": peft.PromptTuningConfig, "p_tuning": peft.PromptEncoderConfig}[name]
    theirs = peft.get_peft_model(
        new_model(tiny_model).model, kind(task_type="SEQ_CLS", num_virtual_tokens=VIRTUAL)
    )
    prepared = Network.of(new_model(tiny_model), PROMPTS[name]).prepared
    learning = {n: p.numel() for n, p in prepared.named_parameters() if p.requires_grad}
    pooler = 16 * 16 + 16  # which PEFT holds
    assert sum(learning.values()) == theirs.get_nb_trainable_parameters()[0] + pooler


@pytest.mark.parametrize("name", PROMPTS)
def test_virtual_tokens_begin_as_padding_that_is_seen(name: str, tiny_model: Path) -> None:
    model, plain = new_model(tiny_model), new_model(tiny_model)
    Network.of(model, PROMPTS[name])
    padding = plain.processor.saved.pad_token_id
    encoded = plain.processor.encode(TEXTS)
    shown = [[ids[0], *[padding] * VIRTUAL, *ids[1:]] for ids in encoded]
    with torch.no_grad():
        wanted = plain.model(**plain.processor.batch(shown)).logits
        logits = model.model(**model.processor.batch(model.processor.encode(TEXTS))).logits
    assert torch.allclose(logits, wanted, atol=1e-5)


@pytest.mark.parametrize("name", PROMPTS)
def test_virtual_tokens_learn_from_the_first_stage_on(name: str, tiny_model: Path) -> None:
    model = new_model(tiny_model)
    tuned = fine_tune(model, gold_rows(), PROMPTS[name], valid=gold_rows()).model
    words = tuned.model.get_input_embeddings().weight
    moved = (words[-VIRTUAL:] - words[0]).abs().max(dim=1).values  # padding is token 0
    assert (moved > 5e-3).all()


@pytest.mark.parametrize("kind", ["Bert", "Roberta", "DistilBert", "MPNet"])
def test_a_tokenizer_of_a_family_keeps_its_virtual_tokens(kind: str, tmp_path: Path) -> None:
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "</s>", "<pad>", "<unk>"]
    words = [*specials, "<mask>", "great", "phone"]
    vocab = {word: number for number, word in enumerate(words)}
    more = {"merges": []} if kind == "Roberta" else {}
    tokenizer = getattr(transformers, f"{kind}Tokenizer")(vocab=vocab, **more)
    read = strategy_of(PROMPTS["prompt"]).read_by(TextProcessor(tokenizer, 16))
    read.save(tmp_path)
    config = transformers.BertConfig(**{**FAMILIES["Bert"], "vocab_size": len(read.saved)})
    config.save_pretrained(tmp_path)
    loaded = transformers.AutoTokenizer.from_pretrained(tmp_path)
    ids = read.encode(["great phone"])[0]
    assert loaded("great phone")["input_ids"] == ids
    assert sum(len(vocab) <= number < len(vocab) + VIRTUAL for number in ids) == VIRTUAL


def test_an_adapter_that_would_not_load_is_refused() -> None:
    config = transformers.MobileBertConfig(
        num_hidden_layers=1,
        hidden_size=16,
        intermediate_size=16,
        embedding_size=16,
        intra_bottleneck_size=8,
        num_attention_heads=2,
        vocab_size=30,
    )
    network = transformers.MobileBertForSequenceClassification(config)
    with pytest.raises(
        ConfigError, match="MobileBertForSequenceClassification has no feed-forward"
    ):
        strategy_of(ADAPTER).prepare(network)


@pytest.mark.parametrize("kind", SPECIALS)
def test_virtual_tokens_come_before_every_text_and_count(kind: str) -> None:
    plain = TextProcessor(tokenizer_of(kind), 8)
    long_text = " ".join(TEXTS[:3])
    read = strategy_of(PROMPTS["prompt"]).read_by(plain)
    size = len(plain.saved)
    short, cut = read.encode([TEXTS[0], long_text])
    whole = plain.encode([TEXTS[0]])[0]
    before = 0 if SPECIALS[kind] is None else 1
    assert short == [*whole[:before], size, size + 1, size + 2, *whole[before:]]
    assert len(cut) == 8
    assert read.cut_off([TEXTS[0], long_text]) == 1
    assert len(plain.saved) == size


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("ModernBert", ADAPTER, "ModernBertForSequenceClassification has no feed-forward layers"),
        ("Bert", settings_with(strategy="prompt"), "= 20 leave no room .* train.max_length = 16"),
        ("Bert", TOLD_TOO_MUCH, "'prompt' takes num_virtual_tokens; got 'tokens'"),
        ("Bert", settings_with(strategy="prefix"), "'prefix' puts keys .* Take \"prompt\""),
    ],
)
def test_what_cannot_be_done_is_said(name: str, settings: TrainConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        fine_tune(family(name), gold_rows(), settings)


def test_other_sizes_than_a_model_has_are_refused(tiny_model: Path) -> None:
    for settings, wider, message in (
        (ADAPTER, {"adapter_units": 5}, "wanted 4, as wide .* got 5"),
        (PROMPTS["prompt"], {"peft": {"num_virtual_tokens": 5}}, "wanted 3, .* got 5"),
    ):
        tuned = fine_tune(new_model(tiny_model), gold_rows(), settings).model
        with pytest.raises(ConfigError, match=message):
            fine_tune(tuned, gold_rows(), settings.model_copy(update=wider))
