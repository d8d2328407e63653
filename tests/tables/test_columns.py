"""What is kept of each row, on rows that can be counted by hand."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weakft.labels import ABSTAIN, TIE
from weakft.tables import STATES
from weakft.tables.columns import Columns

VOTES = [
    [-1, -1, -1],  # nobody votes
    [0, 0, -1],  # all say 0
    [1, -1, -1],  # one says 1
    [0, 1, -1],  # they disagree
    [1, 0, 1],  # a majority, and still a conflict
]
SOFT = [[0.5, 0.5], [0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.3, 0.7]]
PROBS = [[0.5, 0.5], [0.25, 0.75], [1.0, 0.0], [0.6, 0.4], [0.0, 1.0]]


def columns(gold: list[int] | None, probs: list[list[float]] | None = None) -> Columns:
    L = np.array(VOTES, dtype=np.int8)
    covered = (L != ABSTAIN).any(axis=1)
    known = None if gold is None else np.array(gold)
    return Columns.of(L, known, (np.array(SOFT), covered), np.array(probs) if probs else None)


@pytest.mark.parametrize(
    ("gold", "states"),
    [
        (None, ["none", "agreed", "agreed", "conflicted", "conflicted"]),
        ([-1] * 5, ["none", "agreed", "agreed", "conflicted", "conflicted"]),
        ([0] * 5, ["none", "agreed", "wrong", "conflicted", "conflicted"]),
        ([1] * 5, ["none", "wrong", "agreed", "conflicted", "conflicted"]),
    ],
)
def test_states(gold: list[int] | None, states: list[str]) -> None:
    assert [STATES[s] for s in columns(gold).state] == states


def test_votes_labels_and_their_confidence() -> None:
    made = columns(None)
    assert made.votes.tolist() == [0, 2, 1, 2, 3]
    assert made.label.tolist() == [-1, 0, 1, TIE, 1]
    assert made.label_confidence == pytest.approx([0, 0.9, 0.8, 0.5, 0.7])


def test_predictions_and_their_loss() -> None:
    made = columns([1, 1, 1, -1, 1], PROBS)
    assert made.predicted.tolist() == [0, 1, 0, 0, 1], "a tie goes to the first class"
    assert made.confidence == pytest.approx([0.5, 0.75, 1.0, 0.6, 1.0])
    finite = -np.log(1e-9)
    assert made.loss == pytest.approx([np.log(2), -np.log(0.75), finite, -1, 0], abs=1e-6)


def test_without_predictions_or_gold_there_is_no_loss() -> None:
    for made in (columns([0, 1, 0, 1, 0]), columns(None)):
        assert set(made.predicted) == {-1}
        assert set(made.confidence) == {0}
        assert set(made.loss) == {-1}
    assert set(columns(None, PROBS).loss) == {-1}


def test_no_lf_at_all() -> None:
    made = Columns.of(
        np.empty((2, 0), np.int8), None, (np.full((2, 2), 0.5), np.zeros(2, bool)), None
    )
    assert [STATES[s] for s in made.state] == ["none", "none"]
    assert made.votes.tolist() == [0, 0]


def test_a_row_with_a_label_but_no_vote_was_reviewed() -> None:
    """A person's label covers a row that no LF votes on."""
    L = np.full((1, 2), ABSTAIN, dtype=np.int8)
    made = Columns.of(L, None, (np.array([[0.0, 1.0]]), np.array([True])), None)
    assert (made.label.tolist(), made.label_confidence.tolist()) == ([1], [1])
    assert STATES[made.state[0]] == "none"


@given(st.lists(st.lists(st.integers(-1, 126), min_size=3, max_size=3), min_size=1), st.data())
def test_a_state_is_what_the_set_of_votes_says(votes: list[list[int]], data: st.DataObject) -> None:
    n = len(votes)
    gold = data.draw(st.lists(st.integers(-1, 126), min_size=n, max_size=n))
    L, soft = np.array(votes, dtype=np.int8), (np.zeros((n, 127)), np.zeros(n, bool))
    made = Columns.of(L, np.array(gold), soft, None)
    for row, known, state, count in zip(votes, gold, made.state, made.votes, strict=True):
        said = set(row) - {ABSTAIN}
        expected = "none" if not said else "conflicted" if len(said) > 1 else "agreed"
        if expected == "agreed" and known >= 0 and said != {known}:
            expected = "wrong"
        assert STATES[state] == expected
        assert count == sum(vote >= 0 for vote in row)


def test_a_row_takes_few_bytes() -> None:
    made = columns([0, 1, 0, 1, 0], PROBS)
    values = [getattr(made, field.name) for field in fields(made)]
    assert {len(value) for value in values} == {5}
    assert sum(value.itemsize for value in values) <= 18
