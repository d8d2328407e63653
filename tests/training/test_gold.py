"""How gold enters: folds that never judge what they trained on, every recipe runs."""

from pathlib import Path

import numpy as np
import pytest

from weakft import SoftLabels
from weakft.config import TrainConfig
from weakft.errors import ConfigError
from weakft.training import TrainingSet
from weakft.training.add_gold import RECIPES, add_gold, refuse_unjudged_mix
from weakft.training.gold import Gold
from weakft.training.workshop import Workshop

TEXTS = ("great phone", "bad camera", "love it", "it broke", "good screen", "awful") * 4
GOLD_TEXTS = tuple(f"gold {i} {text}" for i, text in enumerate(TEXTS))
LABELS = np.array([1, 0, 1, 0, 1, 0] * 4)
VOTES = np.stack([LABELS, LABELS, 1 - LABELS], axis=1).astype(np.int8)


def workshop(folder: Path, **settings: object) -> Workshop:
    probs = np.where(LABELS[:, None] == np.arange(2), 0.8, 0.2)
    soft = SoftLabels(probs, np.full(24, True), tuple(map(str, range(24))), ("no", "yes"))
    config = TrainConfig(
        **{  # type: ignore[arg-type]
            "model": str(folder),
            "max_length": 16,
            "num_train_epochs": 1,
            "gold_epochs": 1,
            "gold_steps": 2,
            "gold_folds": 2,
            "learning_rate": 1e-3,
            **settings,
        }
    )
    return Workshop(("no", "yes"), config, TEXTS, soft, VOTES)


def gold(judged: int = 20) -> Gold:
    mask = np.arange(24) >= 24 - judged
    rows = TrainingSet.from_gold(GOLD_TEXTS, LABELS, 2)
    return Gold(rows, mask, VOTES)


@pytest.fixture
def learned(monkeypatch: pytest.MonkeyPatch) -> dict[str, TrainingSet]:
    """What each stage with gold learned from, by its title."""
    from weakft.training import gold_models as module

    learned: dict[str, TrainingSet] = {}
    original = module.fine_tune

    def spy(model, rows, settings, *, title, **options):  # noqa: ANN001, ANN003, ANN202
        learned[title] = rows
        return original(model, rows, settings, title=title, **options)

    monkeypatch.setattr(module, "fine_tune", spy)
    return learned


def test_folds_share_out_the_judged_rows_class_by_class() -> None:
    folds = gold().folds(2, seed=0)
    assert (np.sum(folds, axis=0) == gold().judged).all()
    for fold in folds:
        assert np.bincount(LABELS[fold]).tolist() == [5, 5]


def test_equal_texts_are_in_one_fold() -> None:
    twice = Gold(TrainingSet.from_gold(GOLD_TEXTS[:12] * 2, LABELS, 2), gold().judged, VOTES)
    assert twice.judges == 12
    folds = twice.folds(3, seed=0)
    assert (np.sum(folds, axis=0) == twice.judged).all()
    for fold in folds:
        texts = set(twice.rows.take(fold).texts)
        assert len(texts) == 4
        assert not texts & set(twice.rows.take(twice.apart_from(fold)).texts)


@pytest.mark.parametrize("recipe", ["continue", "only", "mix"])
def test_rows_of_the_pool_stand_in_for_a_class_that_gold_lacks(
    recipe: str, tiny_model: Path, learned: dict[str, TrainingSet]
) -> None:
    shop = workshop(tiny_model, gold=recipe)
    rows = np.flatnonzero(LABELS == 1)
    one = Gold(gold().rows.take(rows), np.full(len(rows), True), VOTES[rows])
    outcome = add_gold(shop, shop.weak_model(), one)
    assert "no row of 'no': 12 of the pool" in outcome.reason
    assert learned["Gold alone"].texts == one.rows.texts
    title = {"continue": "Weak labels, then gold", "only": "Gold and stand-ins"}
    if recipe in title:
        texts = learned[title[recipe]].texts
        assert texts[:12] == one.rows.texts
        assert set(texts[12:]) == {"bad camera", "it broke", "awful"}
    else:
        assert set(learned["Gold and votes together"].probs.argmax(axis=1)) == {0, 1}


def test_mix_is_refused_before_anything_is_trained(tiny_model: Path) -> None:
    settings = workshop(tiny_model, gold="mix", gold_folds=13).settings
    with pytest.raises(ConfigError, match=r"at least 26 .* 13 folds .* got 20"):
        refuse_unjudged_mix(settings, gold())
    refuse_unjudged_mix(settings.model_copy(update={"gold_folds": 10}), gold())


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_trains(recipe: str, tiny_model: Path) -> None:
    shop = workshop(tiny_model, gold=recipe)
    weak = shop.weak_model()
    outcome = add_gold(shop, weak, gold())
    assert outcome.recipe == recipe
    probs = outcome.final.model.predict_proba(TEXTS)
    assert probs.sum(axis=1) == pytest.approx(1)
    assert (outcome.final is weak) == (recipe == "none")
    assert (outcome.final is outcome.gold_only) == (recipe == "only")


def test_auto_judges_all_recipes_and_takes_mix_or_the_best(tiny_model: Path) -> None:
    shop = workshop(tiny_model)
    outcome = add_gold(shop, shop.weak_model(), gold())
    assert {c.recipe for c in outcome.candidates} == set(RECIPES)
    assert outcome.recipe in (outcome.candidates[0].recipe, "mix")
    assert outcome.candidates[0].accuracy == max(c.accuracy for c in outcome.candidates)
    assert outcome.judged_probs is not None
    assert outcome.judged_probs.shape == (20, 2)
    assert np.isfinite(outcome.judged_probs).all()


def test_too_little_gold_is_not_judged(tiny_model: Path) -> None:
    shop = workshop(tiny_model)
    outcome = add_gold(shop, shop.weak_model(), gold(judged=4))
    assert outcome.recipe == "continue"
    assert "too few" in outcome.reason
    assert outcome.candidates == ()


def test_gold_of_one_class_teaches_nothing(tiny_model: Path) -> None:
    shop = workshop(tiny_model)
    ones = Gold(TrainingSet.from_gold(GOLD_TEXTS, np.ones(24, int), 2), gold().judged, VOTES)
    outcome = add_gold(shop, shop.weak_model(), ones)
    assert outcome.recipe == "none"
    assert "one class" in outcome.reason


def test_without_gold_the_weak_model_stands(tiny_model: Path) -> None:
    shop = workshop(tiny_model)
    weak = shop.weak_model()
    assert add_gold(shop, weak, None).final is weak


def test_what_judges_never_trains_in_the_same_fold(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from weakft.training import gold_models as module

    trained: list[tuple[str, ...]] = []
    predicted: list[tuple[str, ...]] = []
    original = module.fine_tune

    def spy(model, rows, settings, **options):  # noqa: ANN001, ANN003, ANN202
        trained.append(rows.texts)
        tuned = original(model, rows, settings, **options)
        known = set(rows.texts)
        ask = tuned.model.predict_proba

        def predict(texts, **options):  # noqa: ANN001, ANN003, ANN202
            if golden := {text for text in texts if text.startswith("gold")}:
                predicted.append(tuple(golden))
                assert not known & golden
            return ask(texts, **options)

        monkeypatch.setattr(tuned.model, "predict_proba", predict)
        return tuned

    monkeypatch.setattr(module, "fine_tune", spy)
    shop = workshop(tiny_model)
    twice = GOLD_TEXTS[:12] * 2  # the first four rows do not judge, the others of their texts do
    rows = TrainingSet.from_gold(twice, LABELS, 2)
    add_gold(shop, shop.weak_model(), Gold(rows, gold().judged, VOTES))
    assert len(predicted) == 6  # three recipes, two folds
    assert len(trained) >= 7


def test_mix_learns_sure_labels_most_and_gold_as_much_as_the_pool(
    tiny_model: Path, learned: dict[str, TrainingSet]
) -> None:
    shop = workshop(tiny_model, gold="mix")
    golden = (TEXTS[0], *GOLD_TEXTS[1:])  # the first is in the pool too, four times
    rows = TrainingSet.from_gold(golden, 1 - LABELS, 2)
    add_gold(shop, shop.weak_model(), Gold(rows, gold().judged, VOTES))
    rows = learned["Gold and votes together"]
    assert rows.texts == (*TEXTS[1:6], *golden)
    assert rows.probs[5:].tolist() == np.eye(2)[1 - LABELS].tolist()
    assert np.ptp(rows.weights[:5]) > 0
    assert rows.weights[5:].sum() == pytest.approx(rows.weights[:5].sum())


def test_mix_with_a_pool_that_is_all_gold_learns_gold(tiny_model: Path) -> None:
    shop = workshop(tiny_model, gold="mix")
    known = Gold(
        TrainingSet.from_gold((*GOLD_TEXTS[:18], *TEXTS[:6]), LABELS, 2), gold().judged, VOTES
    )
    assert add_gold(shop, shop.weak_model(), known).final.rows == len(TEXTS)
