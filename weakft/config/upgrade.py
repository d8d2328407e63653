"""Settings that earlier versions had: refused in a project, with advice; read over in a run."""

from collections.abc import Mapping
from typing import Any

RELABEL = "labels by votes and texts together (train.relabel) did better; drop the line"
REMOVED = {
    "train.confidence_weights": "rows always weigh as much as their label is sure; drop the line",
    "train.selection": RELABEL,
    "train.keep": RELABEL,
    "train.uncovered": RELABEL,
    "train.self_training": RELABEL,
    "train.loss": "soft cross-entropy did as well as any other; drop the line",
    "train.early_learning": "it did not raise scores; drop the line",
    "train.mixup": "it did not raise scores; drop the line",
    "train.ema": "it did not raise scores; drop the line",
    "train.tail_average": 'weights are averaged with train.gold = "mix" alone; drop the line',
    "train.layer_lr_decay": "it did not raise scores; drop the line",
    "train.probe_epochs": "a new head is initialised by a linear probe; drop the line",
    "train.recipe": "settings are no longer searched; drop the line",
    "train.budget": "settings are no longer searched; drop the line",
}
"""Settings of earlier versions, and what to do instead."""
REMOVED_VALUES = {
    ("label_model.name", "flying_squid"): "its labels were worse than a vote's; take 'one_coin'",
}


def upgraded(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The settings an earlier version stored with a run, without those that are gone.

    Example:
        >>> upgraded({"train": {"loss": "bootstrapping", "seed": 1}})
        {'train': {'seed': 1}}
    """
    return {
        section: {
            key: value
            for key, value in values.items()
            if f"{section}.{key}" not in REMOVED
            and (f"{section}.{key}", str(value)) not in REMOVED_VALUES
        }
        for section, values in settings.items()
    }
