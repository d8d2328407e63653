"""What stands beside a number: its interval and support, or that it has none."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from weakft.tables.estimates import named_share

Z = 1.96  # standard errors on either side of a 95 % interval

Json = dict[str, Any]


def estimates_against_dev(lfs: pd.DataFrame) -> list[str | None]:
    """Where the label model's estimate of an LF stands beside its accuracy on dev.

    The estimate has no interval of its own. Rows drawn anew would give one far too narrow: what
    is wrong with an estimate is what the label model takes for granted, not how few rows it saw.

    Args:
        lfs: as `weakft.analysis.lf_summary` gives it.

    Returns:
        Of each LF "too high" or "too low" where the interval on dev leaves the estimate out,
        "within" where it does not, None where there is no estimate or no evidence.

    Example:
        >>> bounds = {"accuracy_low": [0.5, None], "accuracy_high": [0.7, None]}
        >>> estimates_against_dev(pd.DataFrame({"estimated_accuracy": [0.9, 0.9], **bounds}))
        ['too high', None]
    """
    columns = ("estimated_accuracy", "accuracy_low", "accuracy_high")
    bounds = lfs.loc[:, list(columns)].astype(float).to_numpy()
    return [_against_interval(estimate, low, high) for estimate, low, high in bounds]


def label_models_compared(candidates: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The label models that `auto` compared.

    Args:
        candidates: as `weakft.label_models.choose.Candidate` has them.

    Returns:
        Columns name, negative_log_likelihood with _low and _high, accuracy with _low, _high and
        _support (0 in runs of an older weakft), macro_f1 with _low and _high, held_out_votes,
        unanimous_flips, note.
    """
    return pd.DataFrame(
        [
            {
                "name": each["name"],
                **_give_or_take(each),
                "accuracy": each.get("accuracy"),
                "accuracy_low": each.get("accuracy_low"),
                "accuracy_high": each.get("accuracy_high"),
                "accuracy_support": each.get("support", 0),
                **{name: each.get(name) for name in _MACRO_F1},
                "held_out_votes": each.get("held_out_votes"),
                "unanimous_flips": each.get("unanimous_flips"),
                "note": each.get("note", ""),
            }
            for each in candidates
        ]
    ).astype(dict.fromkeys(_FLOATS, float))


def ways_compared(candidates: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The ways to use gold that were compared.

    Args:
        candidates: as `weakft.training.judging.Candidate` has them.

    Returns:
        Columns recipe, macro_f1, accuracy with _low, _high and _support,
        negative_log_likelihood.
    """
    rows = []
    for each in candidates:
        judged, share = each["rows"], each.get("accuracy")
        known = 0 if share is None else judged
        told = named_share("accuracy", round((share or 0) * judged), known)
        nats = each.get("negative_log_likelihood")
        f1 = each.get("macro_f1")
        row = {"recipe": each["recipe"], "macro_f1": f1, **told, "negative_log_likelihood": nats}
        rows.append(row)
    floats = ("macro_f1", "accuracy", "accuracy_low", "accuracy_high", "negative_log_likelihood")
    return pd.DataFrame(rows).astype(dict.fromkeys(floats, float))


def class_scores(told: Mapping[str, Any]) -> pd.DataFrame:
    """Scores of each class, F1 with its interval.

    Of the rows that are of a class or said to be, F1 = 2 J / (1 + J), where J is the share of those
    that are both: its interval is that of J, turned into F1.

    Args:
        told: of the end model on one split, as `weakft.tables.summaries` has it.

    Returns:
        Columns class, f1 with _low, _high and _support (rows of the class or said to be; all
        missing where there is none), precision and recall with the same.
    """
    confusion = np.array(told["confusion"])
    hits, either = confusion.diagonal(), confusion.sum(axis=0) + confusion.sum(axis=1)
    both = [named_share("f1", int(h), int(e - h)) for h, e in zip(hits, either, strict=True)]
    f1 = pd.DataFrame(both).astype(dict.fromkeys(("f1", "f1_low", "f1_high"), float))
    for name in ("f1", "f1_low", "f1_high"):
        f1[name] = 2 * f1[name] / (1 + f1[name])
    return pd.DataFrame(told["classes"]).assign(**f1)


def what_to_do(copies: Sequence[Mapping[str, Any]], groups: Sequence[Json]) -> list[str]:
    """A sentence for each pair of near copies.

    Args:
        copies: as `weakft.tables.copies` gives them.
        groups: the dependent ones that the label model found, if it looks for such.
    """
    together = [set(group["lfs"]) for group in groups]
    sentences = []
    for pair in copies:
        both = {pair["first"], pair["second"]}
        fewer = "second" if pair["votes_second"] <= pair["votes_first"] else "first"
        counted = any(both <= group for group in together)
        why = "they count as little more than one already" if counted else "they count twice"
        sentences.append(f"Merge them, or drop {pair[fewer]}: {why}.")
    return sentences


_MACRO_F1 = ("macro_f1", "macro_f1_low", "macro_f1_high")
_FLOATS = (
    *_MACRO_F1,
    *(f"negative_log_likelihood{end}" for end in ("", "_low", "_high")),
    *(f"accuracy{end}" for end in ("", "_low", "_high")),
    "held_out_votes",
    "unanimous_flips",
)


def _against_interval(estimate: float, low: float, high: float) -> str | None:
    if np.isnan([estimate, low, high]).any():
        return None
    if low <= estimate <= high:
        return "within"
    return "too high" if estimate > high else "too low"


def _give_or_take(each: Mapping[str, Any]) -> Json:
    name = "negative_log_likelihood"
    value, error = each.get(name), each.get("standard_error")
    spread = None if value is None or error is None else Z * error
    low, high = (None, None) if spread is None else (value - spread, value + spread)
    return {name: value, f"{name}_low": low, f"{name}_high": high}
