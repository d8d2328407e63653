"""What was chosen for a project, and on what evidence: one paragraph from the metrics of a run."""

from collections.abc import Mapping
from typing import Any

from weakft.config import Config
from weakft.visible import visible

Json = Mapping[str, Any]


def rationale(config: Config, metrics: Json, *, brief: bool = False) -> list[str]:
    """Label model, targets, class weights, gold, steps, and what came of it on valid.

    Args:
        config: of the run.
        metrics: of the run; what an older one does not record is left out.
        brief: without the reasons for the label model and for the way gold entered.
    """
    labels, end_model = metrics["labels"], metrics["end_model"]
    return [
        *([] if brief else [_label_model(labels)]),
        *_targets(config, end_model),
        *_weights(labels, end_model),
        *([] if brief else [_gold(end_model)]),
        *_steps(end_model),
        *_on_valid(end_model),
    ]


def _label_model(labels: Json) -> str:
    reason = labels.get("reason") or f"{labels['chosen']}, as configured."
    return f"Label model: {reason}"


def _targets(config: Config, end_model: Json) -> list[str]:
    """What the end model learned of each row."""
    weak = end_model.get("weak")
    if weak is None or "relabelled" not in weak:
        return []
    moved = weak["relabelled"]
    if moved is not None:
        return [
            "Targets: the shares of the votes of each row, mixed with its label by votes and texts "
            "together, which counts as two votes, because a linear model of the texts predicts "
            f"held-out labels better than chance. {moved:.1%} of the covered rows have another "
            "likeliest class than by their votes, and rows without votes are learned too."
        ]
    return [
        f"Targets: votes alone, on covered rows, since {_why_votes_alone(config)}. No mass is left "
        "on classes that a row has no vote for."
    ]


def _why_votes_alone(config: Config) -> str:
    if config.train.relabel is False:
        return "train.relabel is false"
    if config.project.task == "image":
        return "rows are images"
    return (
        "covered rows are fewer than 40, or of one class, or a linear model of their texts "
        "predicts their labels no better than chance"
    )


def _weights(labels: Json, end_model: Json) -> list[str]:
    if "weak" not in end_model:
        return []
    shares = labels["class_shares"]
    least, most = min(shares, key=shares.get), max(shares, key=shares.get)
    return [
        "Class weights: one over the share of each class, so that all count about alike in the "
        f"loss; the labels give {shares[least]:.1%} to {visible(least)!r} and {shares[most]:.1%} "
        f"to {visible(most)!r}."
    ]


def _gold(end_model: Json) -> str:
    gold = end_model.get("gold", {})
    rows = f" ({gold['rows']:,} rows)" if gold.get("rows") else ""
    return f"Gold{rows}: {gold.get('reason', 'none was used.')}"


def _steps(end_model: Json) -> list[str]:
    weak = end_model.get("weak", {})
    if "steps" not in weak:
        return []
    best = weak.get("best_epoch")
    taken = "" if best is None else f"; by valid the model after epoch {best:g} was taken"
    return [f"Steps: {weak['steps']:,} on {weak['rows']:,} weak rows of different texts{taken}."]


def _on_valid(end_model: Json) -> list[str]:
    compared = end_model.get("against_labels")
    if compared is None:
        return []
    ours, theirs, gain = (compared[name] for name in ("end_model", "labels", "difference"))
    return [
        f"On the {gain['support']:,} covered rows of valid the end model scores macro-F1 "
        f"{ours['value']:.3f} and the labels {theirs['value']:.3f} (difference "
        f"{gain['value']:+.3f}, 95% interval {gain['low']:+.3f} to {gain['high']:+.3f})."
    ]
