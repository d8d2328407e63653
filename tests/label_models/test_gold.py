"""What label models learn from gold: more where they can, and no rare class is given up for it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.label_models.test_contract import simulated
from weakft import LabelMatrix, make_label_model
from weakft.dataset import Split
from weakft.evaluation.metrics import macro_f1
from weakft.label_models import LABEL_MODELS, AutoLabelModel
from weakft.label_models.calibration import Calibration
from weakft.label_models.gold import Judged, decide, equal_counts
from weakft.label_models.one_coin import OneCoin
from weakft.labels import SoftLabels
from weakft.pipeline.labelling import _about_classes_without_gold, _about_classes_without_label

MODELS = ("auto", "one_coin", "per_class", "dawid_skene", "weighted_vote")


def skewed(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Classes of 88, 7 and 5 %; broad LFs for the first fire on the others too, narrow ones err."""
    rng = np.random.default_rng(seed)
    gold = rng.choice(3, n, p=[0.88, 0.07, 0.05])
    votes = []
    for label, fires, elsewhere in [
        (0, 0.5, 0.45),
        (0, 0.4, 0.3),
        (1, 0.7, 0.04),
        (1, 0.5, 0.03),
        (2, 0.7, 0.04),
        (2, 0.5, 0.03),
    ]:
        chance = np.where(gold == label, fires, elsewhere)
        votes.append(np.where(rng.random(n) < chance, label, -1))
    return np.column_stack(votes).astype(np.int8), gold


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("seed", range(3))
def test_gold_does_not_sell_the_rare_classes(name: str, seed: int) -> None:
    """Counted as they come, gold rows make the broad LFs nearly perfect."""
    L, gold = skewed(4000, seed)
    dev, y = skewed(400, 100 + seed)
    covered = (L >= 0).any(axis=1)
    model = make_label_model(name, 3).fit(L)
    before, after = (
        macro_f1(gold[covered], each.predict_proba(L[covered]).argmax(axis=1), 3)
        for each in (model, model.adapted(y, dev))
    )
    assert after > before - 0.01


def test_the_rows_of_a_class_count_alike() -> None:
    """Eight of class 0 and two of class 1 count five each, so a vote on all is half right.

    All LFs together are then right on 5 + 7 of 10 + 10, .6; with four such votes, 7.4 of 14.
    """
    gold = np.array([0] * 8 + [1] * 2)
    assert equal_counts(gold, 2).tolist() == [0.625] * 8 + [2.5] * 2
    model = OneCoin(2).fit([[0], [0], [1]])
    assert model._weighed(np.zeros((10, 1), dtype=np.int8), gold).lf_accuracies == pytest.approx(
        7.4 / 14
    )


def judged(labels: list[int], gold: list[int], sure: float) -> Judged:
    probs = np.full((len(gold), 3), (1 - sure) / 2)
    probs[np.arange(len(gold)), labels] = sure
    return Judged(OneCoin(3), probs, np.array(gold))


GOLD = [0] * 80 + [1] * 10 + [2] * 10
NO_GOLD = judged([*([0] * 60), *([1] * 20), *([1] * 10), *([2] * 10)], GOLD, 0.8)


def test_a_likelier_model_that_gives_up_a_class_is_not_taken() -> None:
    likelier = judged([*([0] * 80), *([1] * 10), *([0] * 10)], GOLD, 0.95)
    assert likelier.losses.mean() < NO_GOLD.losses.mean()
    assert likelier.macro_f1.value < NO_GOLD.macro_f1.value
    assert decide(NO_GOLD, [likelier], 0).taken is NO_GOLD


def test_of_models_with_better_labels_the_likeliest_is_taken() -> None:
    labels = [*([0] * 78), 1, 1, *([1] * 10), *([2] * 10)]
    better, likeliest = judged(labels, GOLD, 0.8), judged(labels, GOLD, 0.9)
    verdict = decide(NO_GOLD, [better, likeliest], 0)
    assert verdict.taken is likeliest
    assert verdict.gain is not None
    assert verdict.gain > 0.1


def test_labels_that_are_hardly_better_are_not_taken() -> None:
    """Two rows of eighty more: as many might have been less."""
    labels = NO_GOLD.labels.tolist()
    labels[60:62] = [0, 0]
    assert decide(NO_GOLD, [judged(labels, GOLD, 0.8)], 0).gain > 0  # type: ignore[operator]
    labels[70:72] = [2, 2]
    assert decide(NO_GOLD, [judged(labels, GOLD, 0.8)], 0).taken is NO_GOLD


def test_a_prior_changes_how_probable_a_class_is_but_not_which() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(200, 4))
    even, shares = np.full(4, 0.25), np.array([0.9, 0.06, 0.03, 0.01])
    plain, by_shares = Calibration(shares, shares), Calibration(shares, even)
    led = by_shares.posterior(scores)
    assert (led.argmax(axis=1) == scores.argmax(axis=1)).all()
    assert np.sort(led, axis=1) == pytest.approx(np.sort(plain.posterior(scores), axis=1))
    assert (plain.posterior(scores).argmax(axis=1) != scores.argmax(axis=1)).any()
    for row, probs in zip(scores, led, strict=True):
        total = np.exp(by_shares.before_votes(row) + row)
        assert total / total.sum() == pytest.approx(probs)


def test_an_explanation_adds_up_where_the_prior_speaks_against_the_label() -> None:
    L, _ = skewed(3000, 0)
    dev, y = skewed(600, 1)
    model = make_label_model("one_coin", 3).fit(L, Y_dev=y, L_dev=dev)
    prior = np.array(model.details()["prior"])
    assert prior[0] > 0.5, "or the test shows nothing"
    rare = np.array([0, -1, 1, 1, -1, -1], dtype=np.int8)
    why = model.explain(rare)
    total = np.exp(np.array(why.prior) + sum(np.array(term.adds) for term in why.terms))
    assert total / total.sum() == pytest.approx(np.array(why.probs))
    assert int(np.argmax(why.probs)) == 1


@pytest.mark.parametrize("name", sorted(LABEL_MODELS))
def test_fewer_than_twenty_covered_gold_rows_teach_nothing(name: str) -> None:
    L, gold = simulated()
    covered = np.flatnonzero((L >= 0).any(axis=1))[:19]
    model = make_label_model(name, 2).fit(L)
    told = model.adapted(1 - gold[covered], L[covered])
    assert (told.predict_proba(L) == model.predict_proba(L)).all()


@pytest.mark.parametrize("name", MODELS)
def test_gold_that_contradicts_the_votes_throughout_turns_the_labels_round(name: str) -> None:
    L, gold = simulated(2000)
    model = make_label_model(name, 2).fit(L)
    told = model.adapted(1 - gold[:300], L[:300])
    covered = (L >= 0).any(axis=1)
    right = (told.predict_proba(L).argmax(axis=1) == 1 - gold)[covered].mean()
    assert right > (0.8 if name != "weighted_vote" else 0.1), "shares know no vote against"
    assert np.isfinite(told.predict_proba(L)).all()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("rows", [0, 1])
def test_a_class_with_one_gold_row_or_none_is_not_given_up(name: str, rows: int) -> None:
    L, gold = skewed(4000, 0)
    dev, y = skewed(600, 1)
    keep = (y != 2) | (np.cumsum(y == 2) <= rows)
    model = make_label_model(name, 3).fit(L)
    told = model.adapted(y[keep], dev[keep])
    labels = [each.predict_proba(L).argmax(axis=1) for each in (model, told)]
    shares = [(each[gold == 2] == 2).mean() for each in labels]
    assert shares[1] > shares[0] / 2 > 0.2


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("k", [2, 3, 150])
def test_no_gold_gives_nan(name: str, k: int) -> None:
    """A class no LF votes for; all LFs for one class; gold of one class."""
    rng = np.random.default_rng(k)
    L = rng.integers(-1, k - 1, (300, 4))
    one = np.where(L >= 0, 0, -1)
    gold = rng.integers(0, k, 300)
    for votes, y in ((L, gold), (one, gold), (L, np.zeros(300, dtype=int))):
        if votes.max() < 0:
            continue
        probs = make_label_model(name, k).fit(votes, Y_dev=y, L_dev=votes).predict_proba(votes)
        assert np.isfinite(probs).all()
        assert probs.sum(axis=1) == pytest.approx(1)


def test_auto_says_what_gold_was_worth() -> None:
    L, _ = skewed(3000, 0)
    dev, y = skewed(600, 1)
    auto = make_label_model("auto", 3).fit(L)
    assert isinstance(auto, AutoLabelModel)
    told = auto.adapted(y, dev)
    assert "no gold" in auto.reason
    assert "macro-F1" in told.reason
    scores = {each.name: each.macro_f1 for each in told.candidates}
    assert all(score is not None and 0 <= score <= 1 for score in scores.values())
    assert (auto.adapted(y, dev).predict_proba(L) == told.predict_proba(L)).all()


def test_a_class_that_gold_lacks_or_that_is_no_rows_label_is_named() -> None:
    L = LabelMatrix.from_array([[0, 0, 1], [0, 2, -1]])
    probs = np.array([[0.7, 0.3, 0.0], [0.6, 0.0, 0.4]])
    soft = SoftLabels(probs, L.covered, L.ids, ("a", "b", "c"))
    (said,) = _about_classes_without_label(L, soft)
    assert said.startswith("LFs vote for b, c on train, but no row is labelled so")
    dev = Split("dev", pd.DataFrame(), L.ids, ("x", "y"), np.array([0, 1]))
    alone, both = {"dev": dev}, {"dev": dev, "valid": replace(dev, gold=np.array([0, 2]))}
    assert _about_classes_without_gold(L, soft.classes, alone) == []  # type: ignore[arg-type]
    (said,) = _about_classes_without_gold(L, soft.classes, both)  # type: ignore[arg-type]
    assert said.startswith("dev has no gold row of c: nothing says how good votes for it are")


def test_a_table_knows_nothing_of_votes_for_a_class_without_gold() -> None:
    """An LF that votes for all three classes; gold has none of the third."""
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=900)
    right = rng.random((900, 4)) < 0.7
    votes = np.where(right, truth[:, None], rng.integers(3, size=(900, 4))).astype(np.int8)
    model = make_label_model("dawid_skene", 3).fit(votes)
    gold, known = truth[truth < 2], votes[truth < 2]
    weighed = model._weighed(known, gold)  # type: ignore[attr-defined]
    adds = weighed.explain([2, -1, -1, -1]).terms[0].adds
    expected = weighed.explain([1, -1, -1, -1]).terms[0].adds
    assert adds[2] - adds[0] == pytest.approx(expected[1] - expected[0], abs=0.8)
