"""What a strategy holds stays bit-identical; what comes out is a plain model."""

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import peft
import pytest
import torch
import transformers
from transformers import PreTrainedModel

from tests.training.test_finetune import CLASSES, SETTINGS, TEXTS, gold_rows, new_model
from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.errors import ConfigError, DataError
from weakft.training import fine_tune
from weakft.training.strategies import STRATEGIES, Anatomy, strategy_of
from weakft.training.strategies.tuner import tuners

NAMES = [*STRATEGIES, "lora", "ia3"]
FEW = {name: {"num_virtual_tokens": 3} for name in ("prompt", "p_tuning")}
SIZES = {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "vocab_size": 30}
FAMILIES = {
    "Bert": {**SIZES, "intermediate_size": 8},
    "Roberta": {**SIZES, "intermediate_size": 8},
    "DistilBert": {"dim": 8, "n_layers": 3, "n_heads": 2, "hidden_dim": 8, "vocab_size": 30},
    "XLMRoberta": {**SIZES, "intermediate_size": 8},
    "GPT2": {"n_embd": 8, "n_layer": 3, "n_head": 2, "vocab_size": 30},
    "ModernBert": {**SIZES, "intermediate_size": 8, "pad_token_id": 0},
}


def settings_with(**changes: object) -> TrainConfig:
    return TrainConfig.model_validate({**SETTINGS.model_dump(), **changes})


def weights_of(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def changed(folder: Path, settings: TrainConfig) -> set[str]:
    model = new_model(folder)
    before = weights_of(model.model)
    after = weights_of(fine_tune(model, gold_rows(), settings).model.model)
    assert after.keys() == before.keys()
    return {name for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("strategy", NAMES)
def test_every_strategy_learns(tiny_model: Path, tmp_path: Path, strategy: str) -> None:
    settings = settings_with(
        strategy=strategy, max_steps=3, learning_rate=1e-2, peft=FEW.get(strategy, {})
    )
    model = new_model(tiny_model)
    before = model.predict_proba(TEXTS)
    tuned = fine_tune(model, gold_rows(), settings, valid=gold_rows()).model
    probs = tuned.predict_proba(TEXTS)
    assert np.abs(probs - before).max() > 1e-6
    assert type(tuned.model).__module__.startswith("transformers.")
    assert all(parameter.requires_grad for parameter in tuned.model.parameters())
    tuned.save(tmp_path / "model")
    assert EndModel.load(tmp_path / "model").predict_proba(TEXTS) == pytest.approx(probs, abs=1e-6)


def test_freeze_holds_embeddings_and_lower_layers(tiny_model: Path) -> None:
    anatomy = Anatomy.of(new_model(tiny_model).model)
    moved = changed(tiny_model, settings_with(strategy="freeze", freeze_layers=1))
    assert moved.isdisjoint({*anatomy.embeddings, *anatomy.layers[0]})
    assert moved & set(anatomy.layers[-1])


def test_freeze_takes_patterns(tiny_model: Path) -> None:
    moved = changed(tiny_model, settings_with(strategy="freeze", freeze=["*.bias", "*embeddings*"]))
    assert moved
    assert not any(name.endswith(".bias") or "embeddings" in name for name in moved)


def test_head_holds_the_body(tiny_model: Path) -> None:
    anatomy = Anatomy.of(new_model(tiny_model).model)
    moved = changed(tiny_model, settings_with(strategy="head"))
    assert moved and moved <= set(anatomy.head)


def test_gradual_frees_from_the_top(tiny_model: Path) -> None:
    model = new_model(tiny_model)
    anatomy = Anatomy.of(model.model)
    strategy = strategy_of(settings_with(strategy="gradual"))
    strategy.prepare(model.model)
    free = []
    for progress in np.linspace(0, 1, 21):
        strategy.at(float(progress), model.model)
        free.append({n for n, p in model.model.named_parameters() if p.requires_grad})
    assert free[0] == set(anatomy.head)
    assert all(earlier <= later for earlier, later in pairwise(free))
    assert free[-1] == {name for name, _ in model.model.named_parameters()}
    assert any(one == {*anatomy.head, *anatomy.layers[-1]} for one in free)


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_lora_trains_what_peft_trains_and_folds_it_in(tiny_model: Path) -> None:
    model = new_model(tiny_model)
    wrapped = strategy_of(settings_with(strategy="lora", peft={"r": 4})).prepare(model.model)
    assert isinstance(wrapped, peft.PeftModel)
    config = peft.LoraConfig(task_type="SEQ_CLS", r=4, lora_alpha=16, target_modules="all-linear")
    theirs = peft.get_peft_model(new_model(tiny_model).model, config)
    assert wrapped.get_nb_trainable_parameters() == theirs.get_nb_trainable_parameters()


def test_a_broken_loss_ends_training_in_its_step(tiny_model: Path) -> None:
    model = new_model(tiny_model)
    with torch.no_grad():
        next(model.model.parameters()).fill_(float("nan"))
    with pytest.raises(DataError, match="became nan in step 1"):
        fine_tune(model, gold_rows(), SETTINGS)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategy": "magic"}, "^train.strategy: 'magic' is no strategy, nor a tuner of PEFT"),
        ({"strategy": "freeze", "freeze_layers": 9}, "wanted 0 to 2 layers, got 9"),
        ({"strategy": "freeze", "freeze": ["nothing*"]}, "'nothing\\*' names no parameter"),
        ({"strategy": "freeze", "freeze": ["*"]}, "leave some free"),
        ({"strategy": "lora", "peft": {"rank": 4}}, "PEFT refuses it.* key, query, value"),
        ({"strategy": "lily"}, "'lily' is no strategy, nor a tuner of PEFT"),
        ({"max_steps": 0}, "train.max_steps = 0: wanted one step"),
        ({"max_steps": -5}, "train.max_steps = -5"),
        ({"seed": 2**32}, "train.seed"),
    ],
)
def test_what_cannot_be_done_is_said(
    tiny_model: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        fine_tune(new_model(tiny_model), gold_rows(), settings_with(**changes))


@pytest.mark.parametrize("strategy", ["adaptor", "lora", "prompt"])
def test_without_peft_it_is_said_what_there_is(
    strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(ConfigError, match=f"'{strategy}' wants .*peft.* adapter"):
        strategy_of(settings_with(strategy=strategy))


def new_network(family: str) -> PreTrainedModel:
    config = getattr(transformers, f"{family}Config")(**FAMILIES[family], num_labels=len(CLASSES))
    return getattr(transformers, f"{family}ForSequenceClassification")(config)


@pytest.mark.parametrize("family", FAMILIES)
def test_lora_stands_beside_the_body_and_the_head_learns_in_full(family: str) -> None:
    network = new_network(family)
    body = network.base_model
    head = [p for part in network.children() if part is not body for p in part.parameters()]
    wrapped = strategy_of(settings_with(strategy="lora")).prepare(network)
    learns = {name for name, p in wrapped.named_parameters() if p.requires_grad}
    in_head = {name for name in learns if "modules_to_save" in name}
    assert len(in_head) == len(head)
    assert all("lora_" in name for name in learns - in_head)
    assert learns - in_head


@pytest.mark.parametrize("tuner", tuners(peft))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_a_tuner_learns_is_folded_in_with_the_head(tuner: str) -> None:
    network = new_network("Bert")
    plain = set(network.state_dict())
    settings = settings_with(strategy=tuner, peft={"target_modules": ["query", "value"]})
    strategy = strategy_of(settings)
    try:
        wrapped = strategy.prepare(network)
    except ConfigError as error:  # most of them for the tiny sizes
        assert "PEFT refuses it" in str(error)
        return
    assert set(strategy.finish(wrapped, network).state_dict()) == plain


@pytest.mark.parametrize("family", FAMILIES)
def test_every_parameter_has_its_place(family: str) -> None:
    network = new_network(family)
    anatomy = Anatomy.of(network)
    names = [*anatomy.embeddings, *(n for layer in anatomy.layers for n in layer), *anatomy.head]
    assert sorted(names) == sorted(name for name, _ in network.named_parameters())
    assert len(names) == len(set(names))
    assert len(anatomy.layers) == 3
    assert anatomy.embeddings and anatomy.head
    assert {name for name in names if name.startswith(("classifier", "score"))} <= set(anatomy.head)
