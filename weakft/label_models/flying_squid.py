"""FlyingSquid: accuracies in closed form, from triplets of LFs."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from weakft.cast_votes import Counts, shared_votes
from weakft.label_models.base import Arrays
from weakft.label_models.coins import PRIOR_MEAN, Floats
from weakft.label_models.linear import coin_weights
from weakft.label_models.moments import FromMoments, stored_co_votes
from weakft.labels import Votes

LEAST_SHARED_VOTES = 10
LEAST_AGREEMENT = 0.01
MOST_LFS_AT_ONCE = 64


class FlyingSquid(FromMoments):
    """Triplets of agreements (Fu et al., "Fast and three-rious", ICML 2020).

    With b = (k a - 1) / (k - 1), the accuracy a corrected for chance, two independent LFs agree
    by b_i b_j beyond chance where both vote, so b_i^2 = M_ij M_ih / M_jh for any other two. The
    median over all pairs j, h is taken, and LFs are held to be better than chance. For two
    classes M is the paper's moment E[vote_i vote_j | both vote]; for more, this replaces its
    one-against-rest models, whose probabilities are nearly uniform.

    An LF without a triplet of enough shared votes has accuracy .7. Fails with one-sided LFs,
    which agree wherever they meet, or never do.

    Example:
        >>> L = [[0, 0, 1], [1, 1, 0], [0, 0, -1], [1, 1, 1]] * 10
        >>> FlyingSquid(2).fit(L).predict_proba([[0, 0, 1]]).argmax()
        np.int64(0)
    """

    name = "flying_squid"
    minimum_lfs = 3

    alike: Counts  # [m, m] rows on which two LFs vote alike
    both: Counts  # [m, m] rows on which both vote

    def _count(self, L: Votes) -> None:
        self.alike, self.both = shared_votes(L, self.cardinality)

    def _count_more(self, L: Votes) -> None:
        alike, both = shared_votes(L, self.cardinality)
        self.alike, self.both = self.alike + alike, self.both + both

    def arrays(self) -> Arrays:
        """The parameters, and the counts to go on from."""
        return {**super().arrays(), "alike": self.alike, "both": self.both}

    def restore(self, arrays: Arrays, details: Mapping[str, Any]) -> None:
        """Take both back; models stored earlier have co-votes class by class."""
        super().restore(arrays, details)
        if "co_votes" in arrays:
            k = self.cardinality
            counts = stored_co_votes(arrays).reshape(-1, k, len(self.accuracies), k)
            self.alike, self.both = np.einsum("iaja->ij", counts), counts.sum(axis=(1, 3))
        else:
            self.alike, self.both = arrays["alike"], arrays["both"]

    def _solve(self) -> None:
        k, alike, both = self.cardinality, self.alike, self.both
        m, votes = len(both), both.diagonal()
        agreement = (k * alike / np.maximum(both, 1) - 1) / (k - 1)
        agreement[(both < LEAST_SHARED_VOTES) | np.eye(m, dtype=bool)] = np.nan
        better = _from_triplets(agreement)
        accuracies = np.where(np.isnan(better), PRIOR_MEAN, (better * (k - 1) + 1) / k)
        accuracies = np.clip(accuracies, 0.01, 0.99)
        self.weights = coin_weights(np.repeat(accuracies[:, None], k, axis=1))
        self.accuracies = np.where(votes > 0, accuracies, np.nan)


def _from_triplets(agreement: Floats) -> Floats:
    """[m] b, NaN for an LF without a triplet. Of many LFs, 64 serve as partners of each."""
    m = len(agreement)
    found = np.full(m, np.nan)
    for i in range(m):
        partners = np.flatnonzero(np.abs(np.nan_to_num(agreement[i])) >= LEAST_AGREEMENT)
        step = max(1, -(-len(partners) // MOST_LFS_AT_ONCE))
        partners = partners[::step]
        own = agreement[i, partners]
        others = agreement[np.ix_(partners, partners)]
        usable = np.triu(np.abs(np.nan_to_num(others)) >= LEAST_AGREEMENT, k=1)
        if usable.any():
            squares = (own[:, None] * own[None, :])[usable] / others[usable]
            found[i] = np.sqrt(np.clip(np.median(squares), 0.0, 1.0))
    return found
