"""Dependent LFs: found, named, and heard once."""

import numpy as np
import pytest

from tests.label_models.test_contract import simulated
from weakft import LabelMatrix, make_label_model
from weakft.label_models.groups import Groups, find_groups


def members(L: np.ndarray, k: int = 2) -> list[tuple[int, ...]]:
    return [group.members for group in find_groups(L, k).found]


def test_independent_lfs_are_left_alone() -> None:
    alarms = [bool(members(simulated(2000, seed=seed)[0])) for seed in range(20)]
    assert sum(alarms) <= 1


def test_a_copy_and_a_noisy_copy_are_found() -> None:
    for seed in range(10):
        L, _ = simulated(2000, seed=seed)
        rng = np.random.default_rng(seed)
        noisy = np.where(rng.random(len(L)) < 0.9, L[:, 3], rng.integers(-1, 2, len(L)))
        L = np.hstack([L, L[:, [0]], noisy[:, None]]).astype(np.int8)
        assert members(L) == [(0, 6), (3, 7)]


def test_five_copies_count_little_more_than_one() -> None:
    """Pains D1: four good LFs and five copies of a weak one."""
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 2, 5000)
    votes = np.where(
        rng.random((5000, 5)) < [0.8, 0.8, 0.8, 0.8, 0.6], gold[:, None], 1 - gold[:, None]
    )
    L = np.where(rng.random((5000, 5)) < 0.6, votes, -1).astype(np.int8)
    copied = np.hstack([L, np.repeat(L[:, [4]], 4, axis=1)])
    covered = (L >= 0).any(axis=1)

    def accuracy(votes: np.ndarray) -> float:
        probs = make_label_model("one_coin", 2).fit(votes).predict_proba(votes)
        return float((probs.argmax(axis=1) == gold)[covered].mean())

    assert members(copied) == [(4, 5, 6, 7, 8)]
    assert accuracy(copied) == pytest.approx(accuracy(L), abs=0.01)
    snorkel = make_label_model("snorkel", 2).fit(copied).predict_proba(copied)
    assert (snorkel.argmax(axis=1) == gold)[covered].mean() < accuracy(copied) - 0.05


def test_groups_are_named() -> None:
    L, _ = simulated(2000)
    L = np.hstack([L, L[:, [0]]])
    names = tuple("abcdefg")
    model = make_label_model("one_coin", 2).fit(LabelMatrix(L, names, tuple(map(str, range(2000)))))
    (group,) = model.details()["dependent_groups"]
    assert group["lfs"] == ["a", "g"]
    assert group["dependence"] == pytest.approx(1.0)


def test_groups_survive_as_arrays() -> None:
    L, _ = simulated(2000)
    groups = find_groups(np.hstack([L, L[:, [0]]]), 2)
    assert Groups.restored(groups.arrays()) == groups
