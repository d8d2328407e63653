"""What each label model is for."""

import numpy as np
import pytest
from snorkel.labeling.model import LabelModel as Original

from tests.label_models.test_contract import simulated
from weakft import make_label_model
from weakft.errors import DataError
from weakft.label_models import AutoLabelModel


def test_majority_vote_gives_the_shares_of_the_votes() -> None:
    model = make_label_model("majority_vote", 3).fit([[0, 0, 1], [2, -1, -1]])
    assert model.predict_proba([[0, 0, 1], [2, -1, -1], [-1, -1, -1]]) == pytest.approx(
        np.array([[2 / 3, 1 / 3, 0], [0, 0, 1], [1 / 3, 1 / 3, 1 / 3]])
    )


@pytest.mark.parametrize("cardinality", [2, 3])
def test_snorkel_from_statistics_is_snorkel(cardinality: int) -> None:
    rng = np.random.default_rng(5)
    L = rng.integers(-1, cardinality, size=(400, 5))
    original = Original(cardinality=cardinality, verbose=False)
    original.fit(L, seed=7, progress_bar=False)
    ours = make_label_model("snorkel", cardinality, seed=7).fit(L)
    assert ours.arrays()["mu"] == pytest.approx(original.mu.detach().numpy(), abs=1e-6)
    assert ours.predict_proba(L) == pytest.approx(original.predict_proba(L), abs=1e-5)


def test_snorkel_does_not_underflow() -> None:
    model = make_label_model("snorkel", 3)
    model.lf_names = tuple(f"lf_{j}" for j in range(400))
    rare = np.tile([[3e-4, 1e-4, 1e-4], [1e-4, 3e-4, 1e-4], [1e-4, 1e-4, 3e-4]], (400, 1))
    model.restore({"mu": rare, "coverage": np.ones(400)}, {})
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


def test_auto_takes_the_likeliest_and_shows_all() -> None:
    L, gold = simulated(2000)
    auto = make_label_model("auto", 2).fit(L, Y_dev=gold[:300], L_dev=L[:300])
    assert isinstance(auto, AutoLabelModel)
    losses = {c.name: c.negative_log_likelihood for c in auto.candidates}
    assert set(losses) == {"majority_vote", "one_coin", "snorkel"}
    assert losses[auto.chosen.name] == min(losses.values())
    assert auto.chosen.name in auto.reason


def test_auto_without_gold_says_so() -> None:
    L, _ = simulated()
    auto = make_label_model("auto", 2).fit(L)
    assert isinstance(auto, AutoLabelModel)
    assert "no gold" in auto.reason
    assert auto.chosen.name == "one_coin"


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
