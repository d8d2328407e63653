"""LFs over numbers: a column's own, or those of somebody else's model."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from weakft.errors import LFError
from weakft.labels import ABSTAIN
from weakft.lf.function import ColumnLF

MODEL_BATCH = 1024  # cells at most in one call of a model


class Classifier(Protocol):
    """Anything that gives class probabilities for a batch, such as a scikit-learn pipeline."""

    def predict_proba(self, X: Any, /) -> Any:  # noqa: ANN401
        """[n, c] probabilities for n cells."""
        ...


def threshold_lf(
    name: str,
    column: str,
    label: int,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    doc: str = "",
) -> ColumnLF:
    """An LF that votes `label` where a number lies in a range; missing numbers abstain.

    Args:
        name: the LF's name.
        column: the numeric column it reads.
        label: class index 0 .. k-1.
        at_least: lower bound, itself in the range.
        at_most: upper bound, itself in the range.
        doc: one sentence on what the rule looks for.

    Raises:
        LFError: no bound, or bounds that leave nothing between them.

    Example:
        >>> from types import SimpleNamespace
        >>> lf = threshold_lf("few_stars", "stars", 0, at_most=2)
        >>> [lf(SimpleNamespace(stars=stars)) for stars in (1, 2, 2.5, None)]
        [0, 0, -1, -1]
    """
    if at_least is None and at_most is None:
        raise LFError(f"LF {name!r}: wanted at_least, at_most or both, got neither.")
    low = -np.inf if at_least is None else float(at_least)
    high = np.inf if at_most is None else float(at_most)
    if not low <= high:
        raise LFError(f"LF {name!r}: no number lies between {low:g} and {high:g}.")

    def votes(cells: Sequence[Any]) -> list[int]:
        numbers = np.array([np.nan if _is_missing(cell) else float(cell) for cell in cells])
        chosen: list[int] = np.where((numbers >= low) & (numbers <= high), label, ABSTAIN).tolist()
        return chosen

    return ColumnLF(name, column, votes, doc or f"`{column}` lies between {low:g} and {high:g}.")


def _is_missing(cell: Any) -> bool:  # noqa: ANN401
    """Whether a cell is None, pandas' NA or NaT, as Snorkel's appliers may show them."""
    return cell is None or cell is pd.NA or cell is pd.NaT


def model_lf(
    name: str,
    model: Classifier,
    labels: Sequence[int],
    *,
    column: str = "text",
    at_least: float = 0.5,
    doc: str = "",
) -> ColumnLF:
    """An LF that votes as a model does where the model is sure enough.

    Args:
        name: the LF's name.
        model: its `predict_proba` takes a list of cells, 1,024 at most, and gives [n, c].
        labels: the class index of each of the model's c outputs, ABSTAIN for outputs that are
            none of the classes.
        column: the column it reads.
        at_least: probability from which on the likeliest output counts.
        doc: one sentence on what the model is.

    Raises:
        LFError: the model has no `predict_proba`, or `at_least` is no probability.

    Example:
        >>> from types import SimpleNamespace
        >>> class Shouting:
        ...     def predict_proba(self, texts):
        ...         return [[sum(map(str.isupper, t)) / len(t), 0.2] for t in texts]
        >>> lf = model_lf("shouts", Shouting(), labels=[0, ABSTAIN], at_least=0.9)
        >>> [lf(SimpleNamespace(text=t)) for t in ("REFUND", "Refund", "fine")]
        [0, -1, -1]
    """
    if not callable(getattr(model, "predict_proba", None)):
        raise LFError(f"LF {name!r}: wanted a model with predict_proba, got {model!r:.80}.")
    if not 0 <= at_least <= 1:
        raise LFError(f"LF {name!r}: at_least is a probability 0..1, got {at_least!r}.")
    outputs = np.asarray(labels)

    def votes(cells: Sequence[Any]) -> list[int]:
        found: list[int] = []
        for start in range(0, len(cells), MODEL_BATCH):
            batch = list(cells[start : start + MODEL_BATCH])
            probs = _checked(model.predict_proba(batch), (len(batch), len(outputs)))
            sure = probs.max(axis=1) >= at_least
            found += np.where(sure, outputs[probs.argmax(axis=1)], ABSTAIN).tolist()
        return found

    return ColumnLF(name, column, votes, doc or f"{type(model).__name__}, from {at_least:g} on.")


def _checked(probs: Any, shape: tuple[int, int]) -> npt.NDArray[np.float64]:  # noqa: ANN401
    array = np.asarray(probs, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"predict_proba: wanted shape {shape} (cells, labels), got {array.shape}")
    if np.isnan(array).any():
        raise ValueError("predict_proba gave NaN")
    return array
