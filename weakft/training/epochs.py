"""The epochs of a training: the score of each on valid, and which of them was best."""

import numpy as np
from sklearn.metrics import accuracy_score, f1_score
from transformers import EvalPrediction, TrainerState


def scores(prediction: EvalPrediction) -> dict[str, float]:
    """Macro-F1, by which the best epoch is chosen, and accuracy; what Trainer asks for."""
    logits, targets = np.asarray(prediction.predictions), np.asarray(prediction.label_ids)
    predicted, gold = logits.argmax(axis=1), targets.argmax(axis=1)
    return {
        "macro_f1": float(f1_score(gold, predicted, average="macro", zero_division=0)),
        "accuracy": float(accuracy_score(gold, predicted)),
    }


def best_epoch(state: TrainerState) -> float | None:
    """Of the checkpoint that Trainer has taken; None where it took none."""
    epochs = [
        entry["epoch"]
        for entry in state.log_history
        if entry.get("step") == state.best_global_step and "epoch" in entry
    ]
    return float(epochs[0]) if epochs else None


def seconds_of_scoring(state: TrainerState) -> float:
    """Of all epochs together."""
    return float(sum(entry.get("eval_runtime", 0.0) for entry in state.log_history))
