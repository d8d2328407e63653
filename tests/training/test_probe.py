"""Linear probes: rivals that learn from the same rows, and are scored on others."""

import numpy as np
import pytest

from weakft.training import TrainingSet
from weakft.training.gold import Gold
from weakft.training.probe import out_of_fold, probe

NAMES = np.eye(3, dtype=np.float32)


def gold(labels: list[int], texts: list[str] | None = None) -> Gold:
    texts = [f"text {row}" for row in range(len(labels))] if texts is None else texts
    rows = TrainingSet.from_gold(texts, np.array(labels), 3)
    return Gold(rows, np.full(len(labels), True), np.full((len(labels), 1), -1))


def test_a_probe_learns_a_class_of_one_row_in_a_hundred() -> None:
    labels = np.array([0] * 98 + [1, 2])
    rows = TrainingSet.from_gold([str(row) for row in range(100)], labels, 3)
    said = probe(rows.balanced(), NAMES[labels], NAMES)
    assert said.argmax(axis=1).tolist() == [0, 1, 2]
    assert said.sum(axis=1) == pytest.approx(1)


def test_no_probe_is_scored_on_rows_it_has_seen() -> None:
    """Of labels that embeddings do not know, an unseen row tells nothing; a seen one would."""
    rng = np.random.default_rng(0)
    labels, points = rng.integers(3, size=60).tolist(), rng.normal(size=(60, 300))
    points = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    seen = probe(gold(labels).rows, points, points).argmax(axis=1)
    unseen = out_of_fold(gold(labels), points, seed=0)
    assert unseen is not None
    assert (seen == labels).mean() > 0.95
    assert (unseen.argmax(axis=1) == labels).mean() < 0.6


def test_copies_of_a_text_leave_nothing_to_learn_from() -> None:
    assert out_of_fold(gold([0, 1, 0], ["same"] * 3), NAMES, seed=0) is None
