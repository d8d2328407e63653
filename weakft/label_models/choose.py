"""`auto`: fit every label model, compare them on evidence, say which it took and why."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np

from weakft.errors import DataError
from weakft.intervals import jeffreys
from weakft.label_models.base import Explanation, Gold, LabelModel
from weakft.label_models.dawid_skene import DawidSkene
from weakft.label_models.evidence import (
    Floats,
    Judged,
    held_out_votes,
    judged,
    unanimous_flips,
)
from weakft.label_models.flying_squid import FlyingSquid
from weakft.label_models.majority_vote import MajorityVote
from weakft.label_models.one_coin import OneCoin
from weakft.label_models.per_class import PerClass
from weakft.label_models.snorkel import Snorkel
from weakft.label_models.weighted_vote import WeightedVote
from weakft.labels import ABSTAIN, Probs, Votes

RESAMPLES = 2000
MINIMUM_JUDGES = 30  # so that what trains in a fold is enough to calibrate on
FLIP_ROWS = 200_000
MOST_FLIPS = 0.05
NEARLY = 1.01


@dataclass(frozen=True)
class Candidate:
    """How one label model did.

    Attributes:
        name: of the label model.
        negative_log_likelihood: nats per covered dev row, cross-fitted; lower is better.
        standard_error: of that mean.
        accuracy: share of covered dev rows whose most probable class is gold.
        accuracy_low: lower end of its 95 % interval.
        accuracy_high: upper end.
        support: covered dev rows it was judged on.
        held_out_votes: nats per vote of an LF that the model has not seen, judged by what it
            makes of the other LFs' votes on the row; lower is better, and needs no gold.
        unanimous_flips: share of unanimous training rows it labels against all votes.
        note: why it was left out, if it was.
    """

    name: str
    negative_log_likelihood: float | None = None
    standard_error: float | None = None
    accuracy: float | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    support: int = 0
    held_out_votes: float | None = None
    unanimous_flips: float | None = None
    note: str = ""


class AutoLabelModel(LabelModel):
    """Takes the label model with the best likelihood of held-out gold.

    With at least 30 covered gold rows: lowest negative log-likelihood on them, each row
    judged by a model that has not seen its gold (5 folds). Without: the model that best
    foretells votes hidden from it, of one_coin, per_class and dawid_skene, which take LFs for
    better than chance and dependent ones for one; Snorkel and triplets may turn round there.

    Attributes:
        chosen: the fitted model that was taken.
        candidates: one entry per model tried, Snorkel always among them.
        reason: one paragraph: which, by how much, and what else to know.
    """

    name = "auto"
    uses_gold = True
    family: ClassVar[tuple[type[LabelModel], ...]] = (
        MajorityVote,
        WeightedVote,
        OneCoin,
        PerClass,
        DawidSkene,
        Snorkel,
        FlyingSquid,
    )

    chosen: LabelModel
    candidates: tuple[Candidate, ...]
    reason: str

    @property
    def lf_accuracies(self) -> Probs:
        """[m] accuracies as the chosen model estimates them."""
        return self.chosen.lf_accuracies

    def explain(self, votes: Sequence[int] | Votes) -> Explanation:
        """As the chosen model explains it."""
        self._checked_row(votes)
        return self.chosen.explain(votes)

    def _learn(self, L: Votes) -> None:
        self.fitted: dict[str, LabelModel] = {}
        self._sample = L[:: max(1, -(-len(L) // FLIP_ROWS))]
        candidates = []
        for kind in self.family:
            model = kind(self.cardinality, seed=self.seed, class_balance=self.class_balance)
            try:
                self.fitted[kind.name] = model.fit(L)
            except DataError as error:
                candidates.append(Candidate(kind.name, note=str(error)))
                continue
            model.lf_names = self.lf_names
            flips = unanimous_flips(model, self._sample)
            held_out = held_out_votes(model, L)
            candidates.append(Candidate(kind.name, held_out_votes=held_out, unanimous_flips=flips))
        self.candidates = tuple(candidates)
        self._take(*_by_held_out_votes(self.candidates, "no gold"))

    def _adapt(self, votes: Votes, gold: Gold) -> None:
        covered = (votes != ABSTAIN).any(axis=1)
        scores: list[Judged] = []
        if covered.sum() >= MINIMUM_JUDGES:
            scores = [judged(model, votes, gold, covered) for model in self.fitted.values()]
        for model in self.fitted.values():
            model._adapt(votes, gold)
        if not scores:
            why = f"fewer than {MINIMUM_JUDGES} covered gold rows"
            self._take(*_by_held_out_votes(self.candidates, why))
            return
        self._recount_flips()
        by_name = {each.name: each for each in scores}
        self.candidates = tuple(_scored(c, by_name.get(c.name)) for c in self.candidates)
        best, *others = sorted(scores, key=lambda each: round(each.losses.mean(), 6))
        self._take(best.name, _reason(best, others, self.seed))

    def _recount_flips(self) -> None:
        """Gold may have turned an LF round."""
        self.candidates = tuple(
            replace(c, unanimous_flips=unanimous_flips(self.fitted[c.name], self._sample))
            if c.name in self.fitted
            else c
            for c in self.candidates
        )

    def _take(self, name: str, reason: str) -> None:
        self.chosen, self.reason = self.fitted[name], reason

    def _predict_proba(self, L: Votes) -> Probs:
        return self.chosen._predict_proba(L)

    def details(self) -> dict[str, Any]:
        """The comparison, and what the chosen model says of itself."""
        return {
            **self.chosen.details(),
            "chosen": self.chosen.name,
            "reason": self.reason,
            "candidates": [asdict(candidate) for candidate in self.candidates],
        }


def _scored(candidate: Candidate, score: Judged | None) -> Candidate:
    if score is None:
        return candidate
    losses, hits = score.losses, jeffreys(int(score.right.sum()), len(score.right))
    assert hits is not None
    return replace(
        candidate,
        negative_log_likelihood=float(losses.mean()),
        standard_error=float(losses.std(ddof=1) / np.sqrt(len(losses))),
        accuracy=hits.value,
        accuracy_low=hits.low,
        accuracy_high=hits.high,
        support=hits.support,
    )


def _by_held_out_votes(candidates: Sequence[Candidate], why: str) -> tuple[str, str]:
    """Name and reason of the one taken without gold."""
    near = {kind.name for kind in AutoLabelModel.family if kind.stays_near_votes}
    losses = {
        c.name: c.held_out_votes
        for c in candidates
        if c.held_out_votes is not None
        and (c.unanimous_flips or 0) <= MOST_FLIPS
        and c.name in near
    }
    if not losses:
        return OneCoin.name, (
            f"Took one_coin: {why} to compare label models on, and no two LFs vote on a row, or "
            "every model turns unanimous rows round. Label a few dozen rows to choose with "
            "evidence."
        )
    least = min(losses.values())
    name = next(name for name, loss in losses.items() if loss <= NEARLY * least)
    told = ", ".join(f"{other} {loss:.3f}" for other, loss in losses.items())
    return name, (
        f"Took {name}: {why} to compare label models on, so by how well they foretell votes that "
        f"are hidden from them, in nats a vote: {told}; the simplest within 1 % of the best. "
        "Label a few dozen rows to choose with better evidence."
    )


def _reason(best: Judged, others: list[Judged], seed: int) -> str:
    same = [each for each in others if np.allclose(each.losses, best.losses)]
    others = [each for each in others if each not in same]
    said = (
        f"Took {best.name}: negative log-likelihood {best.losses.mean():.3f} per covered gold row"
    )
    if same:
        said += f" ({', '.join(each.name for each in same)} comes to the same here)"
    if others:
        second, *rest = others
        low, high = _paired(second.losses - best.losses, seed)
        behind = second.losses.mean() - best.losses.mean()
        said += f"; next is {second.name}, behind by {behind:.3f} [{low:.3f}, {high:.3f}]"
        if rest:
            said += "; then " + ", ".join(f"{each.name} {each.losses.mean():.3f}" for each in rest)
    vote = next((each for each in others if each.name == MajorityVote.name), best)
    if vote is best:
        return f"{said}."
    gain = 100 * (best.right.astype(float) - vote.right)
    low, high = _paired(gain, seed)
    verdict = "is better than" if low > 0 else "is worse than" if high < 0 else "is as good as"
    return (
        f"{said}. On those {len(gain)} rows its most probable class {verdict} a majority vote: "
        f"{gain.mean():+.1f} points [{low:+.1f}, {high:+.1f}]."
    )


def _paired(differences: Floats, seed: int) -> tuple[float, float]:
    """95 % percentile bootstrap interval of a mean of paired differences (Efron, 1979)."""
    rng = np.random.default_rng(seed)
    n = len(differences)
    means = [differences[rng.integers(0, n, n)].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
