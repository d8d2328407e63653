"""Recipes are tried while there is time, and left alone where nothing tells them apart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.test_gold import LABELS, TEXTS, workshop
from weakft.training import TrainingSet, recipes
from weakft.training.recipes import TRIALS, choose_recipe
from weakft.training.workshop import Workshop

JUDGES = TrainingSet.from_gold(
    tuple(f"{number} {text}" for number, text in enumerate(TEXTS * 2)), np.tile(LABELS, 2), 2
)


@pytest.fixture(params=["valid", "dev"])
def shop(tiny_model: Path, request: pytest.FixtureRequest) -> Workshop:
    """Valid chooses among the epochs too."""
    return replace(workshop(tiny_model), valid=JUDGES if request.param == "valid" else None)


def test_everything_that_was_tried_is_told(shop: Workshop) -> None:
    choice = choose_recipe(shop, JUDGES, budget=1000)
    tried = {trial.recipe for trial in choice.trials}
    same_as_configured = {"relabelled"}
    assert tried | set(choice.left_out) == {"as configured", *TRIALS} - same_as_configured
    assert set(choice.left_out) <= {"self-training", "labels as voted, self-training"}
    assert choice.trials[0].ahead == choice.trials[0].standard_error == 0
    best = max(choice.trials, key=lambda trial: trial.accuracy)
    if choice.workshop.settings == shop.settings:
        best = choice.trials[0]
    assert choice.workshop.settings == shop.changed(best.settings).settings
    assert best.recipe in choice.reason
    assert len(choice.as_dict()["trials"]) == len(choice.trials) >= len(TRIALS) - 2


def test_what_comes_to_the_same_is_not_tried_twice(shop: Workshop) -> None:
    tried = {t.recipe for t in choose_recipe(shop.changed({"relabel": False}), JUDGES, 1000).trials}
    assert "relabelled" in tried
    assert "labels as voted" not in tried


def test_no_time_tries_nothing_else(shop: Workshop) -> None:
    choice = choose_recipe(shop, JUDGES, budget=1e-9)
    assert [trial.recipe for trial in choice.trials] == ["as configured"]
    assert choice.workshop.settings == shop.settings


def test_a_clear_winner_is_taken(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        recipes,
        "TRIALS",
        {"longer": {"num_train_epochs": 30, "learning_rate": 5e-3}},
    )
    choice = choose_recipe(shop, JUDGES, budget=1000)
    assert choice.workshop.settings.num_train_epochs == 30
    assert "longer" in choice.reason


@pytest.mark.parametrize("rows", [0, 29])
def test_with_little_gold_nothing_is_chosen(rows: int, tiny_model: Path) -> None:
    shop = workshop(tiny_model)
    choice = choose_recipe(shop, JUDGES.take(np.arange(rows)) if rows else None, budget=1000)
    assert choice.workshop is shop
    assert f"there are {rows}." in choice.reason
