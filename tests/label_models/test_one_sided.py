"""LFs that vote for one class each: labels without gold are no worse than a majority vote's."""

from pathlib import Path

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from tests.label_models.test_contract import simulated
from weakft import make_label_model
from weakft.label_models import AutoLabelModel, coins, dawid_skene, load_label_model
from weakft.label_models.coins import level, log_odds
from weakft.label_models.evidence import turned
from weakft.label_models.registry import save_label_model


def one_sided(
    prior: float, lfs: int, accuracy: float, coverage: float, seed: int = 0, n: int = 1500
) -> tuple[np.ndarray, np.ndarray]:
    """LFs of two classes in turn, so many of whose votes are right; the share of class 1."""
    rng = np.random.default_rng(seed)
    gold = (rng.random(n) < prior).astype(int)
    classes = np.arange(lfs) % 2
    share = np.where(classes == 1, prior, 1 - prior)
    right, wrong = coverage * accuracy / share, coverage * (1 - accuracy) / (1 - share)
    fires = rng.random((n, lfs)) < np.where(gold[:, None] == classes, right, wrong)
    return np.where(fires, classes, -1).astype(np.int8), gold


def fitted_auto(L: np.ndarray) -> AutoLabelModel:
    auto = make_label_model("auto", 2).fit(L)
    assert isinstance(auto, AutoLabelModel)
    return auto


@pytest.mark.parametrize(
    ("prior", "lfs", "accuracy", "coverage"),
    [
        (0.3, 6, 0.75, 0.3),
        (0.3, 12, 0.65, 0.3),
        (0.5, 6, 0.85, 0.1),
        (0.5, 12, 0.75, 0.3),
        (0.7, 6, 0.65, 0.1),
        (0.7, 12, 0.85, 0.3),
    ],
)
def test_auto_is_no_worse_than_a_vote_without_gold(
    prior: float, lfs: int, accuracy: float, coverage: float
) -> None:
    L, gold = one_sided(prior, lfs, accuracy, coverage)
    covered = (L >= 0).any(axis=1)
    auto, vote = (
        (model.predict_proba(L[covered]).argmax(axis=1) == gold[covered]).mean()
        for model in (fitted_auto(L), make_label_model("majority_vote", 2).fit(L))
    )
    assert auto >= vote - 0.01


def test_hints_of_two_classes_are_taken_as_equally_good() -> None:
    """Twelve hint words, six a class, in 35 % of their class's texts and 12 % of the others."""
    rng = np.random.default_rng(7)
    gold, classes = rng.integers(0, 2, 2500), np.arange(12) // 6
    fires = rng.random((2500, 12)) < np.where(gold[:, None] == classes, 0.35, 0.12)
    L = np.where(fires, classes, -1)
    covered = (L >= 0).any(axis=1)
    auto = fitted_auto(L)
    labels = auto.predict_proba(L[covered]).argmax(axis=1)
    assert (labels == gold[covered]).mean() > 0.83
    assert auto.lf_accuracies == pytest.approx(0.74, abs=0.08)
    for name in ("one_coin", "per_class", "dawid_skene", "weighted_vote"):
        accuracies = make_label_model(name, 2).fit(L).lf_accuracies
        assert accuracies[:6].mean() == pytest.approx(accuracies[6:].mean(), abs=0.03)


@given(
    hnp.arrays(np.float64, 6, elements=st.floats(0.05, 0.95)),
    hnp.arrays(np.float64, 6, elements=st.floats(1, 100)),
)
def test_levelled_lfs_are_equally_good_for_each_class(
    accuracies: np.ndarray, votes: np.ndarray
) -> None:
    classes = np.arange(6) % 3
    levelled = level(accuracies, np.eye(3)[classes] * votes[:, None])
    odds = log_odds(levelled, 2)
    if levelled.min() > 0.01 and levelled.max() < 0.99:
        means = [np.average(odds[classes == c], weights=votes[classes == c]) for c in range(3)]
        assert means == pytest.approx([means[0]] * 3, abs=1e-6)
    for c in range(3):
        best_last = np.argsort(accuracies[classes == c])
        assert (np.diff(levelled[classes == c][best_last]) >= -1e-9).all()


def test_levelling_leaves_lfs_alone_that_vote_for_all_classes_alike() -> None:
    accuracies = np.array([0.9, 0.6, 0.7])
    assert level(accuracies, np.full((3, 2), 50.0)) == pytest.approx(accuracies)


def test_labels_that_turned_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """EM as it is by itself calls one class's LFs near perfect, and the others chance."""
    L, _ = one_sided(0.3, 12, 0.65, 0.3)
    for module in (coins, dawid_skene):
        monkeypatch.setattr(module, "level", lambda accuracies, _: accuracies)
    auto = fitted_auto(L)
    moved = {c.name: c.labels_moved for c in auto.candidates}
    assert moved["majority_vote"] == 0
    assert moved["one_coin"] is not None
    assert moved["one_coin"] > 0.15
    assert auto.chosen.name not in ("one_coin", "per_class", "dawid_skene")
    assert "one_coin was left out, since its labels turned" in auto.reason


def test_labels_moved_is_the_share_that_changes_class() -> None:
    L = np.array([[0, -1], [0, -1], [-1, 1], [-1, 1]], dtype=np.int8)
    vote = make_label_model("majority_vote", 2).fit(L)
    other = make_label_model("majority_vote", 2).fit(L)
    other._predict_proba = lambda L: np.tile([0.0, 1.0], (len(L), 1))  # type: ignore[method-assign]
    assert turned(vote, vote, L).moved == 0
    assert turned(other, vote, L).moved == pytest.approx(0.5)


def test_a_vote_that_auto_takes_is_no_certainty_and_ties_stay_ties(tmp_path: Path) -> None:
    L, _ = one_sided(0.5, 6, 0.75, 0.3)
    auto, vote = fitted_auto(L), make_label_model("majority_vote", 2).fit(L)
    assert auto.chosen.name == "majority_vote"
    probs, shares = auto.predict_proba(L), vote.predict_proba(L)
    assert (probs.argmax(axis=1) == shares.argmax(axis=1)).all()
    assert ((probs[:, 0] == 0.5) == (shares[:, 0] == 0.5)).all()
    assert 0.6 < auto.predict_proba([[0, -1, -1, -1, -1, -1]])[0, 0] < 0.85
    save_label_model(auto, tmp_path)
    assert (load_label_model(tmp_path).predict_proba(L) == probs).all()


def test_without_two_votes_on_a_row_auto_takes_the_vote() -> None:
    L = np.where(np.eye(4, dtype=bool), [0, 1, 0, 1], -1).repeat(50, axis=0)
    auto = fitted_auto(L)
    assert auto.chosen.name == "majority_vote"
    assert "no two LFs vote on a row" in auto.reason


@pytest.mark.parametrize("name", ["majority_vote", "snorkel"])
def test_models_stored_earlier_are_read(name: str, tmp_path: Path) -> None:
    """Co-votes in two halves, epochs beside the parameters, a vote of weights alone."""
    L, _ = simulated()
    model = make_label_model(name, 2).fit(L)
    save_label_model(model, tmp_path)
    arrays = load_file(tmp_path / "params.safetensors")
    arrays.pop("accuracies") if name == "majority_vote" else None
    if "co_votes" in arrays:
        half = arrays["co_votes"] // 2
        arrays["co_votes"] = np.stack([half, arrays["co_votes"] - half])
        arrays["n_epochs"] = np.array([10])
    save_file(arrays, tmp_path / "params.safetensors")
    loaded = load_label_model(tmp_path)
    assert (loaded.predict_proba(L) == model.predict_proba(L)).all()
    if name != "majority_vote":
        more = loaded.partial_fit(L[:200]).predict_proba(L)
        assert (more == model.partial_fit(L[:200]).predict_proba(L)).all()
