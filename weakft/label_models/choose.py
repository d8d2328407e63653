"""`auto`: fit every label model, compare them on evidence, say which it took and why."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from weakft.errors import DataError
from weakft.label_models.base import Gold, LabelModel
from weakft.label_models.majority_vote import MajorityVote
from weakft.label_models.one_coin import OneCoin
from weakft.label_models.snorkel import Snorkel
from weakft.label_models.votes import vote_counts
from weakft.labels import Probs, Votes

FOLDS = 5
MINIMUM_DEV_ROWS = 20
SMALLEST_PROBABILITY = 1e-6  # a wrong vote held for certain costs 13.8 nats, not infinity


@dataclass(frozen=True)
class Candidate:
    """How one label model did.

    Attributes:
        name: of the label model.
        negative_log_likelihood: nats per covered dev row, cross-fitted; lower is better.
        standard_error: of that mean.
        accuracy: share of covered dev rows whose most probable class is gold.
        unanimous_flips: share of unanimous training rows it labels against all votes.
        note: why it was left out, if it was.
    """

    name: str
    negative_log_likelihood: float | None = None
    standard_error: float | None = None
    accuracy: float | None = None
    unanimous_flips: float | None = None
    note: str = ""


class AutoLabelModel(LabelModel):
    """Takes the label model with the best likelihood of held-out gold.

    With at least 20 covered gold rows: lowest negative log-likelihood on them, each row
    judged by a model that has not seen its gold (5 folds). Without: one-coin, which is
    never far behind a vote and whose probabilities are usable.

    Attributes:
        chosen: the fitted model that was taken.
        candidates: one entry per model tried, Snorkel always among them.
        reason: one paragraph: which, by how much, and what else to know.
    """

    name = "auto"
    uses_gold = True
    family: ClassVar[tuple[type[LabelModel], ...]] = (MajorityVote, OneCoin, Snorkel)

    chosen: LabelModel
    candidates: tuple[Candidate, ...]
    reason: str

    @property
    def lf_accuracies(self) -> Probs:
        """[m] accuracies as the chosen model estimates them."""
        return self.chosen.lf_accuracies

    def _fit(self, L: Votes, dev: tuple[Votes, Gold] | None) -> None:
        fitted: dict[str, LabelModel] = {}
        candidates = []
        for kind in self.family:
            model = kind(self.cardinality, seed=self.seed)
            try:
                fitted[kind.name] = _fit_bare(model, L, dev)
            except DataError as error:
                candidates.append(Candidate(kind.name, note=str(error)))
                continue
            candidates.append(_judge(model, L, dev))
        self.candidates = tuple(candidates)
        name, self.reason = _choose(self.candidates, dev)
        self.chosen = fitted[name]
        self.chosen.lf_names = self.lf_names

    def _predict_proba(self, L: Votes) -> Probs:
        return self.chosen._predict_proba(L)

    def details(self) -> dict[str, Any]:
        """The comparison."""
        return {
            "chosen": self.chosen.name,
            "reason": self.reason,
            "candidates": [asdict(candidate) for candidate in self.candidates],
        }


def _fit_bare(model: LabelModel, L: Votes, dev: tuple[Votes, Gold] | None) -> LabelModel:
    return model.fit(L) if dev is None else model.fit(L, Y_dev=dev[1], L_dev=dev[0])


def _judge(model: LabelModel, L: Votes, dev: tuple[Votes, Gold] | None) -> Candidate:
    flips = _unanimous_flips(model, L)
    if dev is None:
        return Candidate(model.name, unanimous_flips=flips)
    covered = (dev[0] >= 0).any(axis=1)
    if covered.sum() < MINIMUM_DEV_ROWS:
        return Candidate(model.name, unanimous_flips=flips)
    probs = _cross_fitted(model, L, dev)[covered]
    gold = dev[1][covered]
    losses = -np.log(np.maximum(probs[np.arange(len(gold)), gold], SMALLEST_PROBABILITY))
    return Candidate(
        model.name,
        negative_log_likelihood=float(losses.mean()),
        standard_error=float(losses.std(ddof=1) / np.sqrt(len(losses))),
        accuracy=float((probs.argmax(axis=1) == gold).mean()),
        unanimous_flips=flips,
    )


def _cross_fitted(model: LabelModel, L: Votes, dev: tuple[Votes, Gold]) -> Probs:
    votes, gold = dev
    if not model.uses_gold:
        return model._predict_proba(votes)
    fold = np.random.default_rng(model.seed).permutation(len(gold)) % FOLDS
    probs = np.empty((len(gold), model.cardinality))
    for held_out in range(FOLDS):
        kept = fold != held_out
        twin = _fit_bare(
            type(model)(model.cardinality, seed=model.seed), L, (votes[kept], gold[kept])
        )
        probs[~kept] = twin._predict_proba(votes[~kept])
    return probs


def _unanimous_flips(model: LabelModel, L: Votes) -> float:
    counts = vote_counts(L, model.cardinality)
    unanimous = (counts > 0).sum(axis=1) == 1
    if not unanimous.any():
        return 0.0
    predicted = model._predict_proba(L[unanimous]).argmax(axis=1)
    return float((predicted != counts[unanimous].argmax(axis=1)).mean())


def _choose(candidates: tuple[Candidate, ...], dev: tuple[Votes, Gold] | None) -> tuple[str, str]:
    judged = sorted(
        (c for c in candidates if c.negative_log_likelihood is not None),
        key=lambda c: c.negative_log_likelihood or 0.0,
    )
    if not judged:
        why = "no gold" if dev is None else f"fewer than {MINIMUM_DEV_ROWS} covered gold rows"
        return OneCoin.name, (
            f"Took one_coin: {why} to compare label models on, and one_coin is the one that "
            "strays least from the votes. Label a few dozen rows to choose with evidence."
        )
    best, *others = judged
    compared = ", ".join(f"{c.name} {c.negative_log_likelihood:.3f}" for c in others)
    return best.name, (
        f"Took {best.name}: negative log-likelihood {best.negative_log_likelihood:.3f} "
        f"(± {best.standard_error:.3f}) per covered gold row, against {compared}."
    )
