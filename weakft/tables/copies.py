"""LFs that say the same: pairs that vote on nearly the same rows, and alike."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from weakft.analysis import NEAR_COPY_AGREEMENT, meet_nearly_always
from weakft.tables.estimates import named_share

Json = dict[str, Any]


def near_copies_among(pairs: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Those that `weakft.analysis.near_copies` finds, from how every two LFs get on.

    Args:
        pairs: as `weakft.tables.summaries.pairs` gives them.

    Returns:
        Objects first, second, votes_first, votes_second, agree, expected_agree (rows), overlap (of
        the rows that either votes on, those that both do) and agreement (of the rows both vote on),
        each with its interval and support; those that agree on most rows first.

    Example:
        >>> votes = {"first": "a", "second": "b", "votes_first": 50, "votes_second": 50}
        >>> pair = votes | {"both": 50, "agree": 49, "expected_agree": 2.0}
        >>> [(found["overlap"], found["agreement"]) for found in near_copies_among([pair])]
        [(1.0, 0.98)]
    """
    found = [_row_of(pair) for pair in pairs if _is_near_copy(pair)]
    return sorted(found, key=lambda pair: -pair["agree"])


def _is_near_copy(pair: Mapping[str, Any]) -> bool:
    meets = meet_nearly_always(np.array(pair["both"]), np.array(_either(pair)))
    return bool(meets) and pair["agree"] / pair["both"] >= NEAR_COPY_AGREEMENT


def _either(pair: Mapping[str, Any]) -> int:
    return int(pair["votes_first"] + pair["votes_second"] - pair["both"])


def _row_of(pair: Mapping[str, Any]) -> Json:
    kept = ("first", "second", "votes_first", "votes_second", "agree", "expected_agree")
    return {
        **{name: pair[name] for name in kept},
        **named_share("overlap", pair["both"], _either(pair)),
        **named_share("agreement", pair["agree"], pair["both"]),
    }
