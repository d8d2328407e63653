"""A new head starts as the best linear one; a trained one stays."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.families import write_pretrained
from weakft.config import TrainConfig
from weakft.end_model import EndModel
from weakft.training import TrainingSet, fine_tune
from weakft.training.head_start import inputs_of, output_layer, start_head
from weakft.training.linear import soft_regression

TEXTS = tuple(f"{('great phone', 'poor screen', 'bad camera')[row % 3]} {row}" for row in range(30))
SHARES = np.full((30, 3), 0.1) + 0.7 * np.eye(3)[np.arange(30) % 3]
ROWS = TrainingSet(TEXTS, SHARES, np.linspace(0.5, 1.5, 30))
CLASSES = ("x", "y", "z")


def fresh(model: Path) -> tuple[EndModel, TrainConfig]:
    settings = TrainConfig(model=str(model), max_length=16, bf16=False, use_cpu=True)
    return EndModel.from_pretrained(str(model), CLASSES, max_length=16, seed=0), settings


def loss(model: EndModel) -> float:
    logs = np.log(model.predict_proba(TEXTS))
    return float(-(ROWS.weights[:, None] * SHARES * logs).sum())


def test_the_regression_is_where_its_gradient_vanishes() -> None:
    rng = np.random.default_rng(0)
    states = rng.normal(size=(40, 5)).astype(np.float32)
    probs, weights = rng.dirichlet(np.ones(3), size=40), rng.uniform(0.5, 2, size=40)
    coefficients, intercepts = soft_regression(states, probs, weights)
    W = torch.tensor(coefficients.astype(np.float64), requires_grad=True)
    b = torch.tensor(intercepts.astype(np.float64), requires_grad=True)
    logits = torch.tensor(states.astype(np.float64)) @ W.T + b
    each = torch.nn.functional.cross_entropy(logits, torch.tensor(probs), reduction="none")
    (
        torch.tensor(weights * weights.sum() / (weights**2).sum()) @ each + (W**2).sum() / 2
    ).backward()
    assert W.grad is not None and b.grad is not None
    assert float(W.grad.abs().max()) < 0.02
    assert float(b.grad.abs().max()) < 0.02


@pytest.mark.parametrize("kind", ["Bert", "Roberta", "DistilBert", "XLNet"])
def test_a_new_head_starts_as_the_best_linear_one(kind: str, tmp_path: Path) -> None:
    model, settings = fresh(write_pretrained(kind, tmp_path / kind))
    assert model.head_is_new
    before, body = loss(model), [p.clone() for p in model.model.base_model.parameters()]
    start_head(model, ROWS, settings)
    assert not model.head_is_new
    assert loss(model) < before
    assert all(
        torch.equal(a, b) for a, b in zip(body, model.model.base_model.parameters(), strict=True)
    )
    layer = output_layer(model)
    assert layer is not None
    states = inputs_of(model, layer, TEXTS)
    coefficients, _ = soft_regression(states, ROWS.probs, ROWS.weights)
    assert layer.weight.detach().numpy() == pytest.approx(coefficients)


def test_a_model_whose_head_reads_each_token_keeps_it(tmp_path: Path) -> None:
    model, settings = fresh(write_pretrained("GPT2", tmp_path / "gpt2"))
    before = loss(model)
    start_head(model, ROWS, settings)
    assert loss(model) == before


def test_a_head_for_the_same_classes_stays(tmp_path: Path, tiny_model: Path) -> None:
    model, settings = fresh(tiny_model)
    trained = fine_tune(model, ROWS, settings.model_copy(update={"max_steps": 1})).model
    trained.save(tmp_path / "trained")
    assert not EndModel.from_pretrained(
        str(tmp_path / "trained"), CLASSES, max_length=16, seed=0
    ).head_is_new
    others = EndModel.from_pretrained(str(tmp_path / "trained"), "pqr", max_length=16, seed=0)
    assert others.head_is_new


def test_a_head_that_freeze_names_stays(tiny_model: Path) -> None:
    model, settings = fresh(tiny_model)
    before = loss(model)
    start_head(model, ROWS, settings.model_copy(update={"freeze": ("classifier.*",)}))
    assert loss(model) == before
