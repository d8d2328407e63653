"""`auto`: fit every label model, compare them on evidence, say which it took and why."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np

from weakft.errors import DataError
from weakft.intervals import jeffreys
from weakft.label_models.additive import Additive
from weakft.label_models.base import Explanation, Gold, LabelModel, TooLargeError
from weakft.label_models.dawid_skene import DawidSkene
from weakft.label_models.evidence import Floats, HiddenVotes, turned
from weakft.label_models.gold import LEAST_GOLD, Judged, Verdict, decide
from weakft.label_models.majority_vote import MajorityVote
from weakft.label_models.one_coin import OneCoin
from weakft.label_models.per_class import PerClass
from weakft.label_models.shares import VoteShares
from weakft.label_models.snorkel import Snorkel
from weakft.label_models.weighted_vote import WeightedVote
from weakft.labels import ABSTAIN, Probs, Votes

RESAMPLES = 2000
MOST_RESAMPLED = 1000
FLIP_ROWS = 200_000
FLIP_CELLS = 1 << 22  # rows times classes
MOST_FLIPS = 0.05
MOST_MOVED = 0.15
NEARLY = 1.005

Losses = Mapping[str, Floats]


@dataclass(frozen=True)
class Candidate:
    """How one label model did.

    Attributes:
        name: of the label model.
        negative_log_likelihood: nats per covered dev row, by weights that have not seen its gold
            (temperature and prior have); lower is better.
        standard_error: of that mean.
        accuracy: share of covered dev rows whose most probable class is gold.
        accuracy_low: lower end of its 95 % interval.
        accuracy_high: upper end.
        macro_f1: of the most probable classes of covered dev rows, over the classes these have.
        macro_f1_low: lower end of its 95 % interval.
        macro_f1_high: upper end.
        support: covered dev rows it was judged on.
        held_out_votes: nats per vote that the model has not seen, for foretelling its class by
            what it makes of the other votes on the row; lower is better, and needs no gold.
        unanimous_flips: share of unanimous training rows it labels against all votes.
        labels_moved: by how much the classes' shares of its labels differ from a vote's.
        note: why it was left out, if it was.
    """

    name: str
    negative_log_likelihood: float | None = None
    standard_error: float | None = None
    accuracy: float | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    macro_f1: float | None = None
    macro_f1_low: float | None = None
    macro_f1_high: float | None = None
    support: int = 0
    held_out_votes: float | None = None
    unanimous_flips: float | None = None
    labels_moved: float | None = None
    note: str = ""


class AutoLabelModel(LabelModel):
    """Takes the simplest good label model, or one that gold weighs and whose labels are better.

    Without gold, models are compared by how well they foretell the class of votes that are hidden
    from them, and the simplest is taken that no other is ahead of by half a percent and beyond
    chance, a majority vote first. There only models count that treat all classes alike and take
    LFs for better than chance, and none whose labels turned: unanimous rows labelled otherwise,
    or a class that has swallowed another. Snorkel's labels may turn round there, so they are not
    taken.

    With at least 20 covered gold rows that model, calibrated on them, is compared with the others
    as gold weighs them, each row judged by weights that have not seen its gold (5 folds). One of
    those is taken only if macro-F1 is clearly better for it (`decide`), so that gold never gives
    up a rare class. Snorkel, whose weights gold does not set, is shown for
    comparison.

    The two models that count votes give log-odds here, not shares: a lone vote is no certainty.

    Attributes:
        chosen: the fitted model that was taken.
        candidates: one entry per model tried, Snorkel always among them.
        reason: one paragraph: which, by how much, and what else to know.
    """

    name = "auto"
    uses_gold = True
    family: ClassVar[tuple[type[Additive], ...]] = (
        MajorityVote,
        WeightedVote,
        OneCoin,
        DawidSkene,
        PerClass,
        Snorkel,
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
        self.fitted: dict[str, Additive] = {}
        rows = min(FLIP_ROWS, FLIP_CELLS // self.cardinality)
        self._sample = L[:: max(1, -(-len(L) // rows))]
        notes = {}
        self.too_large: list[str] = []
        for kind in self.family:
            try:
                self.fitted[kind.name] = self._fitted(kind, L)
            except DataError as error:
                notes[kind.name] = str(error)
                self.too_large += [kind.name] if isinstance(error, TooLargeError) else []
        hidden = HiddenVotes.of(L, self.cardinality, self.seed)
        self._losses = _known({name: hidden.losses(m) for name, m in self.fitted.items()})
        self._by_votes = self.candidates = tuple(
            self._candidate(kind.name, notes.get(kind.name, ""), hidden.votes)
            for kind in self.family
        )
        self._take(*self._by_hidden_votes("no gold"))

    def _fitted(self, kind: type[Additive], L: Votes) -> Additive:
        model = kind(self.cardinality, seed=self.seed, class_balance=self.class_balance).fit(L)
        model.lf_names = self.lf_names
        if isinstance(model, VoteShares):
            model.soften(L)
        return model

    def _candidate(self, name: str, note: str, hidden_votes: int) -> Candidate:
        if name not in self.fitted:
            return Candidate(name, note=note)
        losses = self._losses.get(name)
        nats = None if losses is None else float(losses.sum() / hidden_votes)
        return self._compared_with_vote(Candidate(name, held_out_votes=nats))

    def _compared_with_vote(
        self, candidate: Candidate, models: Mapping[str, LabelModel] | None = None
    ) -> Candidate:
        """The candidate with how the labels of its model differ from a vote's."""
        model = (models or self.fitted).get(candidate.name)
        if model is None:
            return candidate
        found = turned(model, self.fitted[MajorityVote.name], self._sample)
        return replace(candidate, unanimous_flips=found.flips, labels_moved=found.moved)

    def _adapt(self, votes: Votes, gold: Gold) -> None:
        self.candidates = self._by_votes
        covered = int((votes != ABSTAIN).any(axis=1).sum())
        if covered < LEAST_GOLD:
            self._take(*self._by_hidden_votes(f"fewer than {LEAST_GOLD} covered gold rows"))
            return
        ways = {name: model.ways(votes, gold) for name, model in self.fitted.items()}
        simplest, _ = self._by_hidden_votes("")
        without = ways[simplest][0]
        weighed = [found[-1] for found in ways.values() if len(found) > 1]
        verdict = decide(without, weighed, self.seed)
        shown = {name: found[-1] for name, found in ways.items()}
        self._show({**shown, verdict.taken.name: verdict.taken})
        self._take(verdict.taken.name, _reason(verdict, without, self.seed), verdict.taken.model)

    def _show(self, judged: Mapping[str, Judged]) -> None:
        """The candidates as gold judges them."""
        models = {name: each.model for name, each in judged.items()}
        self.candidates = tuple(
            self._compared_with_vote(_scored(c, judged.get(c.name)), models) for c in self._by_votes
        )

    def _by_hidden_votes(self, why: str) -> tuple[str, str]:
        """Name and reason of the one taken without gold."""
        near = {kind.name for kind in self.family if kind.stays_near_votes}
        tried = [c for c in self._by_votes if c.name in near and c.name in self.fitted]
        left_out = [c for c in tried if _turned(c)]
        losses = {c.name: self._losses[c.name] for c in tried if c.name in self._losses}
        losses = {name: each for name, each in losses.items() if name not in _names(left_out)}
        if not losses:
            return MajorityVote.name, (
                f"Took majority_vote: {why} to compare label models on, and no two LFs vote on a "
                "row. Label a few dozen rows to choose with evidence."
            )
        nats = {c.name: c.held_out_votes for c in tried}
        taken, best, (low, high) = _simplest(losses, self.seed, NEARLY)
        told = ", ".join(f"{name} {nats[name]:.3f}" for name in losses)
        said = (
            f"Took {taken}: {why} to compare label models on, so by how well they foretell the "
            f"class of votes that are hidden from them, in nats a vote: {told}"
        )
        if taken != best:
            said += (
                f"; the simplest that {best} is not ahead of by half a percent and beyond chance "
                f"([{low:+.3f}, {high:+.3f}] nats a row)"
            )
        for each in left_out:
            said += f"; {each.name} was left out, since its labels turned from those of a vote"
        return taken, f"{said}. Label a few dozen rows to choose with better evidence."

    def _take(self, name: str, reason: str, model: LabelModel | None = None) -> None:
        if self.too_large:
            reason += f" Too large here, see the notes: {', '.join(self.too_large)}."
        self.chosen, self.reason = model or self.fitted[name], reason

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
    f1 = score.macro_f1
    return replace(
        candidate,
        negative_log_likelihood=float(losses.mean()),
        standard_error=float(losses.std(ddof=1) / np.sqrt(len(losses))),
        accuracy=hits.value,
        accuracy_low=hits.low,
        accuracy_high=hits.high,
        macro_f1=f1.value,
        macro_f1_low=f1.low,
        macro_f1_high=f1.high,
        support=hits.support,
    )


def _known(losses: Mapping[str, Floats | None]) -> dict[str, Floats]:
    return {name: each for name, each in losses.items() if each is not None}


def _names(candidates: Sequence[Candidate]) -> set[str]:
    return {each.name for each in candidates}


def _turned(candidate: Candidate) -> bool:
    """Whether its labels are beyond what a vote would make plausible."""
    flips, moved = candidate.unanimous_flips or 0, candidate.labels_moved or 0
    return flips > MOST_FLIPS or moved > MOST_MOVED


def _simplest(
    losses: Losses, seed: int, nearly: float = 1.0
) -> tuple[str, str, tuple[float, float]]:
    """The first that is as good as the best, the best, and by what interval it is behind."""
    best = min(losses, key=lambda name: round(losses[name].mean(), 6))
    for name in losses:
        low, high = _paired(losses[name] - losses[best], seed)
        if name == best or low <= 0 or losses[name].mean() <= nearly * losses[best].mean():
            return name, best, (low, high)
    return best, best, (0.0, 0.0)


def _reason(verdict: Verdict, without: Judged, seed: int) -> str:
    taken, rows = verdict.taken, len(without.gold)
    judged = f"{rows} covered gold rows"
    if taken is without:
        said = f"Took {without.name} as without gold, calibrated on {judged}"
        if verdict.gain is None:
            return f"{said}."
        return (
            f"{said}: where gold weighs the LFs, the best gain in macro-F1 is {verdict.gain:+.3f} "
            f"(standard deviation {verdict.deviation:.3f}), too small to be clear."
        )
    gain = 100 * (taken.right.astype(float) - without.right)
    low, high = _paired(gain, seed)
    compared = "is better than" if low > 0 else "is worse than" if high < 0 else "is as good as"
    nats = without.losses.mean() - taken.losses.mean()
    return (
        f"Took {taken.name}, its LFs weighed by gold, classes counting the same: macro-F1 "
        f"{taken.macro_f1.value:.3f} on {judged} that had not set the weights, "
        f"{without.macro_f1.value:.3f} by {without.name} without gold; negative log-likelihood "
        f"{taken.losses.mean():.3f}, {'lower' if nats >= 0 else 'higher'} by {abs(nats):.3f}. Its "
        f"most probable class {compared} that of {without.name}: {gain.mean():+.1f} points of "
        f"accuracy [{low:+.1f}, {high:+.1f}]."
    )


def _paired(differences: Floats, seed: int) -> tuple[float, float]:
    """95 % interval of a mean of paired differences: bootstrap (Efron, 1979); normal if many."""
    rng = np.random.default_rng(seed)
    n = len(differences)
    if n > MOST_RESAMPLED:
        error = 1.96 * differences.std() / np.sqrt(n)
        return float(differences.mean() - error), float(differences.mean() + error)
    means = [differences[rng.integers(0, n, n)].mean() for _ in range(RESAMPLES)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
