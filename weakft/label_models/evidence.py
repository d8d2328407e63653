"""What speaks for one label model over another: gold, hidden votes, unanimous rows."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from weakft.label_models.base import Gold, LabelModel
from weakft.label_models.linear import SMALLEST_PROBABILITY
from weakft.label_models.votes import vote_counts
from weakft.labels import ABSTAIN, Probs, Votes, hard_labels

HELD_OUT_ROWS = 20_000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Judged:
    """What gold says of one model.

    Attributes:
        name: of the model.
        losses: [n] negative log-likelihood of each covered gold row.
        right: [n] whether its most probable class is gold; a tie is not right.
    """

    name: str
    losses: Floats
    right: npt.NDArray[np.bool_]


def judged(model: LabelModel, votes: Votes, gold: Gold, covered: npt.NDArray[np.bool_]) -> Judged:
    """What gold says of a fitted model, each row judged by one that has not seen its gold.

    Args:
        model: fitted to votes, not adapted to gold.
        votes: [n, m] on the gold rows.
        gold: [n] classes.
        covered: [n] which of them count.
    """
    probs = _cross_fitted(model, votes, gold)[covered]
    truth = gold[covered]
    likelihood = np.maximum(probs[np.arange(len(truth)), truth], SMALLEST_PROBABILITY)
    return Judged(model.name, -np.log(likelihood), hard_labels(probs) == truth)


def _cross_fitted(model: LabelModel, votes: Votes, gold: Gold) -> Probs:
    if not model.uses_gold:
        return model._predict_proba(votes)
    probs = np.empty((len(gold), model.cardinality))
    for kept in model._folds(len(gold)):
        twin = model._twin()
        twin._adapt(votes[kept], gold[kept])
        probs[~kept] = twin._predict_proba(votes[~kept])
    return probs


def held_out_votes(model: LabelModel, L: Votes) -> float | None:
    """Nats per held-out vote: how well the others' posterior foretells what an LF votes.

    For each LF its votes, and those of LFs it depends on, are hidden, and judged by
    p(vote) = a q(vote) + (1 - a) (1 - q(vote)) / (k - 1), where q is the posterior from the other
    votes and a the mean of q over its votes.
    Rows with two votes or more count, 20,000 at most; None where there are none.
    """
    rows = np.flatnonzero((L != ABSTAIN).sum(axis=1) > 1)
    L = L[rows[:: max(1, -(-len(rows) // HELD_OUT_ROWS))]]
    losses = []
    for j in range(L.shape[1]):
        voted = L[:, j] != ABSTAIN
        if not voted.any():
            continue
        hidden = L[voted].copy()
        votes = hidden[:, j].copy()
        hidden[:, list(model.told_with(j))] = ABSTAIN
        q = model._predict_proba(hidden)[np.arange(len(votes)), votes]
        accuracy = q.mean()
        p = accuracy * q + (1 - accuracy) * (1 - q) / (model.cardinality - 1)
        losses.append(-np.log(np.maximum(p, SMALLEST_PROBABILITY)))
    return float(np.concatenate(losses).mean()) if losses else None


def unanimous_flips(model: LabelModel, L: Votes) -> float:
    """Share of the rows on which all votes agree that the model labels otherwise."""
    counts = vote_counts(L, model.cardinality)
    unanimous = (counts > 0).sum(axis=1) == 1
    if not unanimous.any():
        return 0.0
    predicted = model._predict_proba(L[unanimous]).argmax(axis=1)
    return float((predicted != counts[unanimous].argmax(axis=1)).mean())
