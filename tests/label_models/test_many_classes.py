"""Many classes: the same results by other sums, and models that say where they do not fit."""

import numpy as np
import pytest

from weakft import make_label_model
from weakft.errors import ConfigError, DataError
from weakft.label_models import LABEL_MODELS, AutoLabelModel, groups, votes
from weakft.label_models.base import TooLargeError

Arrays = tuple[np.ndarray, np.ndarray]


def simulated(k: int, n: int, sides: int, seed: int = 0) -> Arrays:
    """2 k LFs of accuracy about .8 for so many classes each; two are copies."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, k, n)
    L = np.full((n, 2 * k), -1, dtype=np.int16)
    for j in range(2 * k):
        own = (j + np.arange(sides)) % k
        right = np.isin(gold, own) & (rng.random(n) < 0.7)
        wrong = rng.random(n) < 0.15 * sides / k
        L[:, j] = np.where(right, gold, np.where(wrong, rng.choice(own, n), -1))
    L[:, 1] = np.where(rng.random(n) < 0.98, L[:, 0], -1)
    return L, gold


@pytest.mark.parametrize("name", sorted(LABEL_MODELS))
@pytest.mark.parametrize("sides", [1, 2])
def test_votes_added_one_by_one_give_the_labels_of_joint_tables(
    name: str, sides: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    L, gold = simulated(4, 600, sides)
    first = make_label_model(name, 4).fit(L[100:], gold[:100], L[:100]).predict_proba(L)
    monkeypatch.setattr(votes, "FEW_CLASSES", 1)
    monkeypatch.setattr(groups, "FEW_CLASSES", 1)
    again = make_label_model(name, 4).fit(L[100:], gold[:100], L[:100]).predict_proba(L)
    assert again == pytest.approx(first, abs=1e-9)


@pytest.mark.parametrize("sides", [1, 2])
def test_auto_labels_forty_classes(sides: int) -> None:
    L, gold = simulated(40, 4000, sides)
    auto = make_label_model("auto", 40).fit(L)
    probs = auto.predict_proba(L)
    covered = (L >= 0).any(axis=1)
    assert (probs.argmax(axis=1) == gold)[covered].mean() > 0.7
    why = auto.explain(L[0])
    assert why.probs == pytest.approx(probs[0], abs=1e-12)
    assert len(why.terms) == (L[0] >= 0).sum()


def test_what_does_not_fit_is_left_out_by_auto_and_refused_by_name() -> None:
    rng = np.random.default_rng(0)
    L = np.where(rng.random((3000, 60)) < 0.1, rng.integers(0, 300, (3000, 60)), -1)
    columns = len(np.unique((np.arange(60) * 300 + L)[L >= 0]))
    assert columns > 4096
    with pytest.raises(TooLargeError, match=f"{columns:,} such pairs .* Use one_coin"):
        make_label_model("snorkel", 300).fit(L)
    with pytest.raises(DataError, match="60 such LFs make 5,400,000 cells"):
        make_label_model("dawid_skene", 300).fit(L)
    auto = make_label_model("auto", 300).fit(L)
    assert isinstance(auto, AutoLabelModel)
    notes = {each.name: each.note for each in auto.candidates if each.note}
    assert set(notes) == {"snorkel", "dawid_skene"}
    assert "Too large here, see the notes: dawid_skene, snorkel." in auto.reason


def test_a_class_without_votes_is_the_least_probable_but_not_impossible() -> None:
    L, gold = simulated(30, 2000, 1)
    L = np.where(L == 7, -1, L)
    covered = (L >= 0).any(axis=1)
    auto = make_label_model("auto", 30).fit(L, gold[:200], L[:200])
    probs = auto.predict_proba(L[covered])
    assert (probs[:, 7] > 0).all()
    assert 7 not in probs.argmax(axis=1)


def test_a_thousand_classes_and_no_more() -> None:
    L = np.array([[999, 998, -1], [999, 999, 0], [-1, 0, 0], [5, 5, 6]] * 10)
    for name in LABEL_MODELS:
        probs = make_label_model(name, 1000).fit(L).predict_proba(L)
        assert probs.shape == (40, 1000)
        assert probs[1].argmax() == 999
    with pytest.raises(ConfigError, match=r"at most 1000 classes, got 1001\. Merge"):
        make_label_model("auto", 1001)
