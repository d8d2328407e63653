"""Labeling functions that depend on each other: found, named, and made to speak with one voice."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.special import ndtri

from weakft.cast_votes import CastVotes, blocks, shared_votes
from weakft.label_models.coins import climb, coin_posterior, one_accuracy
from weakft.label_models.votes import FEW_CLASSES, cast_scores, vote_scores
from weakft.label_models.weights import VoteWeights
from weakft.labels import ABSTAIN, Probs, Votes

SAMPLE_ROWS = 50_000
FALSE_ALARMS = 0.05  # a family of independent LFs has a pair taken for dependent
LEAST_DEPENDENCE = 0.5
LEAST_SHARED_VOTES = 20
COPY_OVERLAP = 0.8
COPY_AGREEMENT = 0.95
ROUNDS = 10

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Group:
    """LFs that say the same more often than independent ones would.

    Attributes:
        members: their columns, two or more.
        dependence: 0 (independent) .. 1 (copies, or one fires only where the other does).
        z: of the clearest pair, standard errors beyond what independence given the class allows.
    """

    members: tuple[int, ...]
    dependence: float
    z: float


@dataclass(frozen=True)
class Groups:
    """The groups among m LFs; an LF is in one at most."""

    lfs: int
    found: tuple[Group, ...] = ()

    @classmethod
    def none(cls, lfs: int) -> "Groups":
        """Every LF for itself."""
        return cls(lfs)

    def with_lf(self, lf: int) -> tuple[int, ...]:
        """The group of an LF, or it alone."""
        return next((group.members for group in self.found if lf in group.members), (lf,))

    def factors(self, cast: CastVotes) -> Floats:
        """[v] what the term of each vote is multiplied by: 1 / (1 + (s - 1) dependence)."""
        factors = np.ones(len(cast.lfs))
        number = self._number()[cast.lfs]
        grouped = np.flatnonzero(number >= 0)
        if not len(grouped):
            return factors
        codes = cast.rows[grouped] * len(self.found) + number[grouped]
        _, where, voting = np.unique(codes, return_inverse=True, return_counts=True)
        dependence = np.array([group.dependence for group in self.found])[number[grouped]]
        factors[grouped] = 1 / (1 + (voting[where] - 1) * dependence)
        return factors

    def scores(self, L: Votes, weights: VoteWeights) -> Probs:
        """[n, k] `vote_scores`, terms of grouped LFs discounted."""
        if not self.found:
            return vote_scores(L, weights)
        cardinality = weights.own.shape[1]
        scores = np.empty((len(L), cardinality))
        few = cardinality <= FEW_CLASSES
        for rows in blocks(len(L), cardinality):
            if few:
                scores[rows] = self._looked_up(L[rows], weights)
            else:
                cast = CastVotes.of(L[rows], cardinality)
                scores[rows] = cast_scores(cast, weights, self.factors(cast))
        return scores

    def _looked_up(self, L: Votes, weights: VoteWeights) -> Probs:
        """`scores` of a block of rows, by tables of joint votes."""
        alone = np.flatnonzero(self._number() < 0)
        scores = vote_scores(L[:, alone], weights.take(alone))
        for group in self.found:
            members = np.array(group.members)
            votes = L[:, members]
            voting = np.maximum((votes != ABSTAIN).sum(axis=1), 1)
            discount = 1 / (1 + (voting - 1) * group.dependence)
            scores += vote_scores(votes, weights.take(members)) * discount[:, None]
        return scores

    def _number(self) -> npt.NDArray[np.integer]:
        """[m] the group of each LF, -1 for none."""
        number = np.full(self.lfs, -1)
        for position, group in enumerate(self.found):
            number[list(group.members)] = position
        return number

    def told(self, lf_names: Sequence[str]) -> list[dict[str, Any]]:
        """The groups by LF name."""
        return [
            {
                "lfs": [lf_names[j] for j in group.members],
                "dependence": group.dependence,
                "z": group.z,
            }
            for group in self.found
        ]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The groups as arrays: [m] number of the group or -1, and [groups] the rest."""
        return {
            "group": self._number(),
            "group_dependence": np.array([group.dependence for group in self.found]),
            "group_z": np.array([group.z for group in self.found]),
        }

    @classmethod
    def restored(cls, arrays: dict[str, npt.NDArray[Any]]) -> "Groups":
        """What `arrays` gave."""
        number = arrays["group"]
        told = zip(arrays["group_dependence"].tolist(), arrays["group_z"].tolist(), strict=True)
        found = tuple(
            Group(tuple(np.flatnonzero(number == position).tolist()), dependence, z)
            for position, (dependence, z) in enumerate(told)
        )
        return cls(len(number), found)


def find_groups(L: Votes, cardinality: int) -> Groups:
    """Find LFs that copy each other or share their mistakes.

    First near-copies: two LFs that vote on nearly the same rows and nearly alike. Then, round by
    round, pairs whose shared votes exceed what a one-coin model with the groups so far expects
    (the bivariate residuals of latent class models: Vermunt and Magidson, 2005), significant at
    5 % over all pairs and large: at least half of the way to one LF voting only where the other
    does. The strongest are joined first, because copies make independent LFs look dependent.

    Rows are taken evenly, 50,000 at most, and covered ones only: that LFs were chosen to cover
    makes them look less dependent, never more.
    """
    m = L.shape[1]
    covered = np.flatnonzero((L != ABSTAIN).any(axis=1))
    step = max(1, -(-len(covered) // SAMPLE_ROWS))
    sample = np.ascontiguousarray(L[covered[::step]])
    return _groups_in(sample.tobytes(), sample.dtype.str, m, cardinality)


@lru_cache(maxsize=1)
def _groups_in(sample: bytes, dtype: str, m: int, cardinality: int) -> Groups:
    """`find_groups`, once for all label models of a family; of the rows sampled."""
    L = np.frombuffer(sample, dtype=dtype).reshape(-1, m)
    cast = CastVotes.of(L, cardinality)
    alike, both_counts = shared_votes(L, cardinality)
    shared, both = alike.astype(np.float64), both_counts.astype(np.float64)
    votes = both.diagonal().copy()
    either = votes[:, None] + votes[None, :] - both
    copies = (shared >= COPY_OVERLAP * either) & (shared >= COPY_AGREEMENT * both)
    joined = np.triu(copies & (shared >= LEAST_SHARED_VOTES), k=1)
    for _ in range(ROUNDS):
        groups, excess, z = _measured(joined, cast, shared, votes)
        critical = -ndtri(FALSE_ALARMS / max(m * (m - 1) / 2, 1))
        apart = _apart(groups)
        clear = apart & (z > critical) & (excess >= LEAST_DEPENDENCE)
        clear &= shared >= LEAST_SHARED_VOTES
        if not clear.any():
            return groups
        strongest = excess[clear].max()
        joined = joined | (clear & (excess >= 0.9 * strongest))
    return groups


def _measured(
    joined: npt.NDArray[np.bool_], cast: CastVotes, shared: Floats, votes: Floats
) -> tuple[Groups, Floats, Floats]:
    """The groups joined so far; each pair's dependence and standard errors, given those."""
    n, m = cast.shape
    _, number = connected_components(csr_array(joined), directed=False)
    components = [np.flatnonzero(number == c) for c in range(number.max() + 1)]
    components = [members for members in components if len(members) > 1]
    copies = tuple(Group(tuple(c.tolist()), 1.0, 0.0) for c in components)
    factors = Groups(m, copies).factors(cast) if copies else None
    accuracies = climb(cast, one_accuracy, factors=factors)
    expected = np.minimum(_expected(cast, *coin_posterior(cast, accuracies, factors)), n - 1e-9)
    z = (shared - expected) / np.sqrt(np.maximum(expected * (1 - expected / n), 0.25))
    possible = np.minimum(votes[:, None], votes[None, :])
    room = np.maximum(possible - expected, 0.05 * possible + 1e-9)
    excess = np.clip((shared - expected) / room, 0.0, 1.0)
    found = []
    for members in components:
        pairs = np.ix_(members, members)
        upper = np.triu_indices(len(members), k=1)
        dependence = _copied(shared[pairs], possible[pairs])[upper].mean()
        found.append(
            Group(tuple(members.tolist()), float(dependence), float(z[pairs][upper].max()))
        )
    return Groups(m, tuple(found)), excess, z


def _expected(cast: CastVotes, probs: Floats, rest: Floats) -> Floats:
    """[m, m] on how many rows two LFs would vote alike if, given the class, they were independent.

    Args:
        cast: the votes.
        probs: [c] posterior of each cell, the class of a row that has votes there.
        rest: [n] posterior of each other class.
    """
    (n, m), k = cast.shape, cast.cardinality
    beyond = csr_array(
        (probs - rest[cast.cell_rows], (cast.cell_rows, cast.cell_labels)), shape=(n, k)
    )
    mass = np.maximum(beyond.sum(axis=0) + rest.sum(), 1e-9)
    expected = np.zeros((m, m))
    order = np.argsort(cast.labels, kind="stable")
    bounds = np.searchsorted(cast.labels[order], np.arange(k + 1))
    for start, end in pairwise(bounds.tolist()):
        rows, lfs = cast.rows[order[start:end]], cast.lfs[order[start:end]]
        voting, place = np.unique(lfs, return_inverse=True)
        votes = csr_array((np.ones(len(rows)), (place, rows)), shape=(len(voting), n))
        given = (votes @ beyond).toarray() + (votes @ rest)[:, None]
        expected[np.ix_(voting, voting)] += (given / mass) @ given.T
    return expected


def _copied(shared: Floats, possible: Floats) -> Floats:
    """How near two LFs of a group come to one voting only where, and as, the other does."""
    return np.asarray(shared / np.maximum(possible, 1))


def _apart(groups: Groups) -> npt.NDArray[np.bool_]:
    """[m, m] True for pairs i < j that no group holds both of."""
    number = groups.arrays()["group"]
    same = (number[:, None] == number[None, :]) & (number[:, None] >= 0)
    return np.triu(~same, k=1)
