"""Odd labels go, sure rows come."""

import numpy as np

from weakft.training.linear import linear_opinion
from weakft.training.selection import (
    confidently_right,
    filled,
    like_their_neighbours,
    most_confident,
)


def two_clouds(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    gold = np.arange(n) % 2
    points = rng.normal(scale=0.1, size=(n, 4)) + np.where(gold[:, None], 1.0, -1.0)
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32), gold


def test_wrong_labels_are_the_odd_ones() -> None:
    embeddings, gold = two_clouds()
    wrong = np.array([3, 10, 21, 40])
    labels = gold.copy()
    labels[wrong] = 1 - labels[wrong]
    kept = like_their_neighbours(np.eye(2)[labels] * 0.8 + 0.1, embeddings, 0.9)
    assert not set(wrong) & set(kept.tolist())
    assert len(kept) == 54
    assert (np.diff(kept) > 0).all()


def test_each_class_keeps_its_share() -> None:
    probs = np.vstack([np.tile([0.9, 0.1], (10, 1)), np.tile([0.45, 0.55], (30, 1))])
    kept = most_confident(probs, 0.5)
    assert (kept < 10).sum() == 5
    assert (kept >= 10).sum() == 15
    assert most_confident(probs, 1.0).tolist() == list(range(40))
    assert len(most_confident(probs, 1e-9)) == 2


def test_uncovered_rows_get_the_label_of_their_side_if_it_is_clear() -> None:
    embeddings, gold = two_clouds()
    between = np.array([[0.5, -0.5, 0.5, -0.5]], dtype=np.float32)
    uncovered = np.vstack([embeddings[:20], between])
    rows, probs = filled(np.eye(3)[gold], embeddings, uncovered)
    assert rows.tolist() == list(range(20))
    assert (probs.argmax(axis=1) == gold[:20]).all()
    assert (probs[:, 2] == 0).all()
    assert np.allclose(probs.sum(axis=1), 1)


def test_one_class_fills_nothing() -> None:
    embeddings, _ = two_clouds()
    rows, probs = filled(np.tile([1.0, 0.0], (60, 1)), embeddings, embeddings)
    assert len(rows) == 0 and probs.shape == (0, 2)


def test_a_rule_that_errs_among_rows_of_another_class_is_found_out() -> None:
    embeddings, gold = two_clouds(200)
    L = np.full((200, 10), -1)
    for lf in range(10):
        rows = np.flatnonzero(np.arange(200) % 10 == lf)
        L[rows, lf] = gold[rows]
    liar = np.flatnonzero(np.arange(200) % 10 == 3)
    L[liar, 3] = 1 - gold[liar]
    labels = L.max(axis=1)
    kept = confidently_right(np.eye(2)[labels] * 0.8 + 0.1, embeddings, L.astype(np.int8))
    assert set(range(200)) - set(kept.tolist()) == set(liar.tolist())


def test_ties_teach_nothing_and_are_of_no_class() -> None:
    embeddings, gold = two_clouds()
    probs = np.eye(2)[gold] * 0.8 + 0.1
    tied = np.arange(60) % 3 == 0
    probs[tied] = 0.5
    opinion = linear_opinion(probs, embeddings, embeddings)
    np.testing.assert_array_equal(
        opinion, linear_opinion(probs[~tied], embeddings[~tied], embeddings)
    )
    assert (linear_opinion(probs[tied], embeddings[tied], embeddings) == 0.5).all()
    assert len(filled(probs[tied], embeddings[tied], embeddings)[0]) == 0
    for kept in (most_confident(probs, 0.5), like_their_neighbours(probs, embeddings, 0.5)):
        counts = [np.isin(kept, np.flatnonzero(mask)).sum() for mask in (tied, ~tied & (gold == 0))]
        assert counts == [10, 10]
    L = np.full((60, 10), -1, dtype=np.int8)
    L[np.arange(60), np.arange(60) % 10] = gold
    assert confidently_right(probs, embeddings, L).tolist() == list(range(60))
