"""The panel: what votes and texts say together is one opinion, unless labels are as voted."""

from pathlib import Path

import numpy as np
import pytest

from weakft import make_label_model
from weakft.end_model import EndModel
from weakft.training import TrainingSet
from weakft.training.panel import PANEL, Evidence, Panel

N = 300
GOLD = np.random.default_rng(0).integers(2, size=N)
COVERED = np.arange(N) < N // 2


def evidence() -> Evidence:
    """Half of the rows have three votes, mostly right; like texts have like embeddings."""
    rng = np.random.default_rng(1)
    right = rng.random((N, 3)) < 0.8
    votes = np.where(right, GOLD[:, None], 1 - GOLD[:, None])
    votes[~COVERED] = -1
    points = np.eye(2)[GOLD] + rng.normal(scale=0.3, size=(N, 2))
    texts = tuple(f"text {row}" for row in range(N))
    return Evidence(texts, np.full((N, 2), 0.5), points.astype(np.float32), votes.astype(np.int8))


def panel(rows: Evidence, folder: Path, *, reads_texts: bool) -> Panel:
    model = EndModel.from_pretrained(str(folder), ("no", "yes"), max_length=16, seed=0)
    known = np.arange(0, N, 30)
    return Panel(
        model,
        model,
        TrainingSet.from_gold([rows.texts[row] for row in known], GOLD[known], 2),
        rows.embeddings[known],
        make_label_model("one_coin", 2).fit(rows.votes),
        reads_texts=reads_texts,
    )


def test_votes_and_texts_together_know_rows_that_nobody_votes_on(tiny_model: Path) -> None:
    labels = panel(evidence(), tiny_model, reads_texts=True).labels(evidence())
    right = labels.argmax(axis=1) == GOLD
    assert right[~COVERED].mean() > 0.95
    assert right[COVERED].mean() > 0.95


def test_as_voted_a_row_without_votes_gets_the_prior(tiny_model: Path) -> None:
    labels = panel(evidence(), tiny_model, reads_texts=False).labels(evidence())
    assert np.ptp(labels[~COVERED], axis=0).max() == 0
    assert (labels[COVERED].argmax(axis=1) == GOLD[COVERED]).mean() < 0.95


def test_opinions_are_in_the_order_of_the_panel(tiny_model: Path) -> None:
    rows = evidence()
    asked = panel(rows, tiny_model, reads_texts=False)
    labels = asked.labels(rows)
    opinions = asked.opinions(rows, labels)
    assert opinions.shape == (len(PANEL), N, 2)
    assert opinions[PANEL.index("labels")] == pytest.approx(labels)
    assert opinions[PANEL.index("weak")] == pytest.approx(rows.weak)
    assert opinions.sum(axis=2) == pytest.approx(1)


def test_evidence_is_joined_in_order() -> None:
    rows = evidence()
    first, second = rows.take(COVERED), rows.take(~COVERED)
    together = first.joined(second)
    assert together.texts == rows.texts
    assert together.votes == pytest.approx(rows.votes)
    assert together.embeddings == pytest.approx(rows.embeddings)
