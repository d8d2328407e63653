"""What speaks for one label model over another without gold: hidden votes, unanimous rows."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from weakft.cast_votes import blocks
from weakft.evaluation.metrics import SMALLEST_PROBABILITY
from weakft.label_models.base import LabelModel
from weakft.label_models.groups import Groups, find_groups
from weakft.label_models.votes import normalised
from weakft.labels import ABSTAIN, TIE_TOLERANCE, Probs, Votes

HIDDEN_ROWS = 20_000
HIDDEN_CELLS = 1 << 22  # hidden votes times classes
TEMPERATURES = 2.0 ** np.arange(-1, 5)
TABLE_STEPS = 8
TABLE_PRIOR_VOTES = 10

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HiddenVotes:
    """Votes to hide one by one, so as to see how well the others on the row foretell their class.

    A model's posterior from the other votes is put through a [k, k] table of how often a vote
    for a class is cast on rows of each, and a temperature, both fitted to the other half of the
    rows: so neither how sure a model is nor how common the classes are counts, and a plain vote
    can be compared too. Whose vote is hidden is not told, since of an LF that votes for one class
    it would give the class away. LFs that depend on the hidden one are hidden with it.

    Attributes:
        L: [n, m] rows with two votes or more, 20,000 at most, and fewer where classes are many.
        groups: of dependent LFs.
        half: [n] 0 or 1, which half a row is of.
    """

    L: Votes
    groups: Groups
    half: npt.NDArray[np.integer]

    @classmethod
    def of(cls, L: Votes, cardinality: int, seed: int) -> "HiddenVotes":
        """Those of the rows that an unlabelled matrix has."""
        voted = (L != ABSTAIN).sum(axis=1)
        rows = np.flatnonzero(voted > 1)
        cells = int(voted[rows].sum()) * cardinality
        rows = rows[:: max(1, -(-len(rows) // HIDDEN_ROWS), -(-cells // HIDDEN_CELLS))]
        half = np.random.default_rng(seed).permutation(len(rows)) % 2
        return cls(L[rows], find_groups(L, cardinality), half)

    def losses(self, model: LabelModel) -> Floats | None:
        """[n] nats of each row's hidden votes, summed; None where no vote has others beside it."""
        if not self._hidden:
            return None
        rows, votes, log_probs = self._foretold(model)
        of_second = self.half[rows] == 1
        fits = np.empty((len(TEMPERATURES), len(rows)))
        for position, temperature in enumerate(TEMPERATURES):
            probs = normalised(log_probs / temperature)
            for judged_on in (of_second, ~of_second):
                table = _vote_table(probs[~judged_on], votes[~judged_on])
                told = (probs[judged_on] * table.T[votes[judged_on]]).sum(axis=1)
                fits[position, judged_on] = -np.log(np.maximum(told, SMALLEST_PROBABILITY))
        losses = np.empty(len(rows))
        for judged_on in (of_second, ~of_second):
            best = fits[:, ~judged_on].sum(axis=1).argmin()
            losses[judged_on] = fits[best, judged_on]
        return np.asarray(np.bincount(rows, losses, minlength=len(self.L)), dtype=np.float64)

    @cached_property
    def _hidden(self) -> list[tuple[int, npt.NDArray[np.intp], Votes]]:
        """Of each LF its column, the rows it votes on beside others, and the others' votes."""
        found = []
        for j in range(self.L.shape[1]):
            rows = np.flatnonzero(self.L[:, j] != ABSTAIN)
            others = self.L[rows].copy()
            others[:, list(self.groups.with_lf(j))] = ABSTAIN
            left = (others != ABSTAIN).any(axis=1)
            if left.any():
                found.append((j, rows[left], others[left]))
        return found

    @property
    def votes(self) -> int:
        """How many votes can be hidden with another left on the row."""
        return sum(len(rows) for _, rows, _ in self._hidden)

    def _foretold(
        self, model: LabelModel
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
        """([h] rows, [h] classes voted for, [h, k] log posteriors from the other votes)."""
        found = [
            (rows, self.L[rows, j], model._predict_proba(others))
            for j, rows, others in self._hidden
        ]
        rows, votes, probs = (np.concatenate(each) for each in zip(*found, strict=True))
        return rows, votes.astype(np.intp), np.log(np.maximum(probs, SMALLEST_PROBABILITY))


def _vote_table(probs: Probs, votes: npt.NDArray[np.intp]) -> Probs:
    """[k, k] P(a vote is for l | class y), by EM, smoothed towards half right, half as votes go."""
    k = probs.shape[1]
    shares = (np.bincount(votes, minlength=k) + 1.0) / (len(votes) + k)
    table = prior = (np.eye(k) + shares) / 2
    votes_for = csr_array((np.ones(len(votes)), (votes, np.arange(len(votes)))), (k, len(votes)))
    for _ in range(TABLE_STEPS):
        of_class = probs * table.T[votes]
        of_class /= np.maximum(of_class.sum(axis=1, keepdims=True), 1e-12)
        counts = (votes_for @ of_class).T + TABLE_PRIOR_VOTES * prior
        table = counts / counts.sum(axis=1, keepdims=True)
    return np.asarray(table)


@dataclass(frozen=True)
class Turned:
    """How the labels of a model differ from those of a plain vote.

    Attributes:
        flips: share of the rows on which all votes agree that it labels otherwise.
        moved: share of covered rows by which the classes' shares of labels differ: half the sum
            of the absolute differences, a tie counting for each of its classes in part. Where it
            is large, one class has swallowed another.
    """

    flips: float
    moved: float


def turned(model: LabelModel, vote: LabelModel, L: Votes) -> Turned:
    """How far the labels of a fitted model have turned from a fitted vote's, on these rows."""
    k = model.cardinality
    covered = np.flatnonzero((L != ABSTAIN).any(axis=1))
    shares = np.zeros((2, k))
    unanimous = flipped = 0
    for block in blocks(len(covered), k):
        votes = L[covered[block]]
        probs = model._predict_proba(votes)
        for position, each in enumerate((probs, vote._predict_proba(votes))):
            shares[position] += _label_counts(each)
        highest = votes.max(axis=1)
        agreed = ((votes == highest[:, None]) | (votes == ABSTAIN)).all(axis=1)
        unanimous += int(agreed.sum())
        flipped += int((probs.argmax(axis=1) != highest)[agreed].sum())
    shares /= max(len(covered), 1)
    moved = float(np.abs(shares[0] - shares[1]).sum() / 2)
    return Turned(flipped / max(unanimous, 1), moved)


def _label_counts(probs: Probs) -> Floats:
    likeliest = probs >= probs.max(axis=1, keepdims=True) - TIE_TOLERANCE
    return np.asarray((likeliest / likeliest.sum(axis=1, keepdims=True)).sum(axis=0))
