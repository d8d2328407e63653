"""What each label model is for."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from snorkel.labeling.model import LabelModel as Original

from tests.label_models.test_contract import simulated
from weakft import make_label_model
from weakft.cast_votes import co_votes
from weakft.errors import DataError
from weakft.label_models import LABEL_MODELS, AutoLabelModel
from weakft.label_models.groups import Groups
from weakft.label_models.snorkel import Snorkel
from weakft.label_models.weights import VoteWeights


def test_majority_vote_gives_the_shares_of_the_votes() -> None:
    model = make_label_model("majority_vote", 3).fit([[0, 0, 1], [2, -1, -1]])
    assert model.predict_proba([[0, 0, 1], [2, -1, -1], [-1, -1, -1]]) == pytest.approx(
        np.array([[2 / 3, 1 / 3, 0], [0, 0, 1], [1 / 3, 1 / 3, 1 / 3]])
    )


@pytest.mark.parametrize("cardinality", [2, 3])
@pytest.mark.parametrize("n_epochs", [1, 10, 25, 50, 100, 200])
def test_snorkel_from_statistics_is_snorkel(cardinality: int, n_epochs: int) -> None:
    """However long it is trained, against a run of snorkel 0.10 that ends there."""
    rng = np.random.default_rng(5)
    gold = rng.integers(0, cardinality, 400)
    right = rng.random((400, 5)) < [0.9, 0.8, 0.7, 0.6, 0.5]
    L = np.where(right, gold[:, None], rng.integers(-1, cardinality, size=(400, 5)))
    original = Original(cardinality=cardinality, verbose=False)
    original.fit(L, n_epochs=n_epochs, seed=7, progress_bar=False)
    ours = Snorkel(cardinality, seed=7, n_epochs=n_epochs, seeds=1).fit(L)
    theirs = original.mu.detach().numpy().reshape(5, cardinality, cardinality)
    assert np.exp(ours.weights.dense()) == pytest.approx(theirs, abs=1e-6)
    assert ours.predict_proba(L) == pytest.approx(original.predict_proba(L), abs=1e-5)


@pytest.mark.parametrize("cardinality", [3, 20])
def test_snorkel_without_empty_columns_is_snorkel(cardinality: int) -> None:
    """LFs for one class each: most of snorkel 0.10's columns never have a vote."""
    rng = np.random.default_rng(5)
    labels = np.arange(2 * cardinality) % cardinality
    gold = rng.integers(0, cardinality, 2000)
    fires = rng.random((2000, len(labels))) < np.where(gold[:, None] == labels, 0.7, 0.1)
    L = np.where(fires, labels, -1)
    original = Original(cardinality=cardinality, verbose=False)
    original.fit(L, n_epochs=100, seed=7, progress_bar=False)
    ours = Snorkel(cardinality, seed=7, n_epochs=100, seeds=1).fit(L)
    theirs = original.mu.detach().numpy().reshape(len(labels), cardinality, cardinality)
    columns = np.arange(len(labels)), labels
    assert len(ours.columns) == len(labels)
    assert np.exp(ours.weights.dense()[columns]) == pytest.approx(theirs[columns], abs=1e-6)
    assert ours.predict_proba(L) == pytest.approx(original.predict_proba(L), abs=1e-4)


def test_snorkel_goes_on_learning() -> None:
    L, _ = simulated(2000)
    after = [Snorkel(2, n_epochs=n, seeds=1).fit(L).weights.dense() for n in (10, 25, 50, 100)]
    assert all(np.abs(a - b).max() > 0.01 for a, b in pairwise(after))


def test_snorkel_sees_the_same_overlaps_bit_for_bit() -> None:
    L = np.random.default_rng(5).integers(-1, 3, size=(700, 5)).astype(np.int8)
    original = Original(cardinality=3, verbose=False)
    original._set_constants(L + 1)
    original._create_tree()
    original._generate_O(L + 1)
    overlaps = torch.from_numpy(co_votes(L, 3, np.arange(15)) / len(L)).float()
    assert torch.equal(overlaps, original.O)


def test_snorkel_does_not_underflow() -> None:
    model = Snorkel(3).fit([[0, 1, 2], [2, 1, 0]])
    model.lf_names = tuple(f"lf_{j}" for j in range(400))
    rare = np.array([[3e-4, 1e-4, 1e-4], [1e-4, 3e-4, 1e-4], [1e-4, 1e-4, 3e-4]])
    model.weights = VoteWeights.of_tables(np.tile(np.log(rare), (400, 1, 1)))
    model.groups = Groups.none(400)
    probs = model.predict_proba(np.full((1, 400), 2))
    assert probs == pytest.approx(np.array([[0, 0, 1]]))


@pytest.mark.parametrize("lfs", [1, 2])
def test_snorkel_refuses_fewer_than_three_lfs_and_auto_goes_on(lfs: int) -> None:
    L, _ = simulated()
    with pytest.raises(DataError, match="at least 3"):
        make_label_model("snorkel", 2).fit(L[:, :lfs])
    auto = make_label_model("auto", 2).fit(L[:, :lfs])
    assert isinstance(auto, AutoLabelModel)
    snorkel = next(c for c in auto.candidates if c.name == "snorkel")
    assert "at least 3" in snorkel.note


def test_one_coin_learns_who_is_right_without_gold() -> None:
    L, gold = simulated(4000)
    rng = np.random.default_rng(1)
    L[:, 0] = np.where(rng.random(4000) < 0.55, gold, 1 - gold)
    accuracies = make_label_model("one_coin", 2).fit(L).lf_accuracies
    assert accuracies[0] < 0.62
    assert accuracies[1:] == pytest.approx(0.8, abs=0.04)


def test_one_coin_never_turns_unanimous_votes_round_without_gold() -> None:
    rng = np.random.default_rng(0)
    L = np.where(rng.random((3000, 5)) < 0.3, rng.integers(0, 2, (3000, 5)), -1)
    probs = make_label_model("one_coin", 2).fit(L).predict_proba(L)
    for label in (0, 1):
        unanimous = ((L == label) | (L == -1)).all(axis=1) & (L == label).any(axis=1)
        assert (probs[unanimous].argmax(axis=1) == label).all()


def test_an_lf_that_never_votes_has_no_estimate() -> None:
    L, _ = simulated()
    L[:, 2] = -1
    accuracies = make_label_model("auto", 2).fit(L).lf_accuracies
    assert np.isnan(accuracies).tolist() == [False, False, True, False, False, False]


def test_dev_gold_sets_accuracies() -> None:
    L, gold = simulated(2000)
    liar = np.where(gold == 1, 0, 1).astype(np.int8)
    L = np.hstack([L, liar[:, None]])
    model = make_label_model("one_coin", 2).fit(L, Y_dev=gold[:100], L_dev=L[:100])
    assert model.lf_accuracies[-1] < 0.1
    assert (model.predict_proba(L).argmax(axis=1) == gold).mean() > 0.98


def test_auto_shows_all_and_says_which_it_took() -> None:
    L, gold = simulated(2000)
    auto = make_label_model("auto", 2).fit(L, Y_dev=gold[:300], L_dev=L[:300])
    assert isinstance(auto, AutoLabelModel)
    losses = {c.name: c.negative_log_likelihood for c in auto.candidates}
    assert set(losses) == set(LABEL_MODELS) - {"auto"}
    assert None not in losses.values()
    assert auto.chosen.name in auto.reason


def test_auto_without_gold_says_so() -> None:
    L, _ = simulated()
    auto = make_label_model("auto", 2).fit(L)
    assert isinstance(auto, AutoLabelModel)
    assert "no gold" in auto.reason
    assert auto.chosen.name == "majority_vote"


def test_auto_is_no_worse_than_a_vote_where_snorkel_turns_round() -> None:
    """Pains D2: one LF that always votes and is always wrong."""
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 2, 4000)
    right = rng.random((4000, 3)) < 0.8
    good = np.where(right, gold[:, None], 1 - gold[:, None])
    L = np.where(rng.random((4000, 3)) < 0.5, good, -1)
    L = np.hstack([(1 - gold)[:, None], L])
    vote = make_label_model("majority_vote", 2).fit(L).predict_proba(L)
    auto = make_label_model("auto", 2).fit(L, Y_dev=gold[:100], L_dev=L[:100]).predict_proba(L)
    assert (auto.argmax(axis=1) == gold).mean() >= (vote.argmax(axis=1) == gold).mean()


def test_per_class_tells_careful_votes_from_careless_ones() -> None:
    """LF 0 is right on every vote for 0 and on half of those for 1."""
    L, gold = simulated(6000)
    careless = np.random.default_rng(2).random(6000) < 0.5
    L[:, 0] = np.where(gold == 1, 1, np.where(careless, 1, 0))
    weights = make_label_model("per_class", 2).fit(L).explain([0, -1, -1, -1, -1, -1]).terms[0]
    other = make_label_model("per_class", 2).fit(L).explain([1, -1, -1, -1, -1, -1]).terms[0]
    assert weights.adds[0] > 2 * other.adds[1] > 0


def test_dawid_skene_learns_which_classes_an_lf_confuses() -> None:
    """LF 0 takes class 1 for class 2 half of the time, and never class 0."""
    rng = np.random.default_rng(3)
    gold = rng.integers(0, 3, 6000)
    right = rng.random((6000, 6)) < 0.75
    L = np.where(right, gold[:, None], (gold[:, None] + rng.integers(1, 3, (6000, 6))) % 3)
    L[:, 0] = np.where((gold == 1) & (rng.random(6000) < 0.5), 2, gold)
    adds = make_label_model("dawid_skene", 3).fit(L).explain([2, -1, -1, -1, -1, -1]).terms[0].adds
    assert adds[2] > adds[1] > adds[0]
    assert np.exp(adds[1] - adds[2]) == pytest.approx(0.5, abs=0.1)


def test_auto_keeps_gold_from_the_rows_it_judges() -> None:
    """With labels that are pure noise, no cross-fitted accuracy can beat chance by much."""
    rng = np.random.default_rng(0)
    L = rng.integers(-1, 2, (400, 30)).astype(np.int8)
    gold = rng.integers(0, 2, 400)
    auto = make_label_model("auto", 2).fit(L, Y_dev=gold, L_dev=L)
    assert isinstance(auto, AutoLabelModel)
    for candidate in auto.candidates:
        assert candidate.accuracy is not None
        assert abs(candidate.accuracy - 0.5) < 0.1


def test_a_temperature_makes_loud_labels_modest() -> None:
    """Five copies with added noise: the naive posterior is far surer than it is right."""
    rng = np.random.default_rng(6)
    gold = rng.integers(0, 2, 3000)
    shared = np.where(rng.random(3000) < 0.65, gold, 1 - gold)
    copies = np.where(rng.random((3000, 5)) < 0.8, shared[:, None], rng.integers(0, 2, (3000, 5)))
    model = make_label_model("snorkel", 2).fit(copies, Y_dev=gold[:500], L_dev=copies[:500])
    probs = model.predict_proba(copies[500:])
    confidence = probs.max(axis=1).mean()
    accuracy = (probs.argmax(axis=1) == gold[500:]).mean()
    assert abs(confidence - accuracy) < 0.05


def test_a_few_gold_rows_do_not_throw_away_what_agreement_taught() -> None:
    rng = np.random.default_rng(1)
    gold = rng.integers(0, 2, 5000)
    truth = np.array([0.95, 0.92, 0.6, 0.55, 0.55, 0.55])
    L = np.where(rng.random((5000, 6)) < truth, gold[:, None], 1 - gold[:, None]).astype(np.int8)

    def accuracy(rows: int) -> float:
        model = make_label_model("one_coin", 2)
        model = model.fit(L, Y_dev=gold[:rows], L_dev=L[:rows]) if rows else model.fit(L)
        return float((model.predict_proba(L).argmax(axis=1) == gold).mean())

    assert accuracy(1) > accuracy(0) - 0.03
    assert accuracy(40) > accuracy(0) - 0.03


def test_flips_are_counted_with_gold() -> None:
    """A liar on a third of the rows: gold turns it round, and auto says so."""
    rng = np.random.default_rng(2)
    gold = rng.integers(0, 2, 3000)
    good = np.where(rng.random((3000, 3)) < 0.85, gold[:, None], 1 - gold[:, None])
    L = np.where(rng.random((3000, 3)) < 0.4, good, -1)
    liar = np.where(rng.random(3000) < 0.3, 1 - gold, -1)
    L = np.hstack([L, liar[:, None]]).astype(np.int8)
    auto = make_label_model("auto", 2).fit(L, Y_dev=gold[:300], L_dev=L[:300])
    assert isinstance(auto, AutoLabelModel)
    taken = next(c for c in auto.candidates if c.name == auto.chosen.name)
    assert taken.unanimous_flips is not None
    assert taken.unanimous_flips > 0.02
