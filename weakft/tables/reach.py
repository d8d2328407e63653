"""How far the LFs reach into each class: where gold knows of rows that no LF speaks up for."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from weakft.labels import Votes
from weakft.tables.columns import Columns
from weakft.tables.estimates import named_share

Json = dict[str, Any]


def class_reach(columns: Columns, L: Votes, classes: Sequence[str]) -> list[Json]:
    """Of the gold rows of each class, those that an LF votes for it on, and those labelled so.

    Args:
        columns: of n rows.
        L: [n, m] their votes.
        classes: k class names.

    Returns:
        Objects class, lfs (that vote for it on any row), votes (for it on rows with gold), and with
        intervals and support: reached (of its gold rows, those where an LF votes for it), labelled
        (those whose soft label it is), right (of the votes for it).

    Example:
        >>> L = np.array([[0, -1], [-1, 1], [-1, -1]], dtype=np.int8)
        >>> soft = np.array([[0.9, 0.1], [0.1, 0.9], [0.5, 0.5]]), np.array([True, True, False])
        >>> columns = Columns.of(L, np.array([0, 0, 1]), soft, None)
        >>> told = class_reach(columns, L, ["ham", "spam"])
        >>> [(each["class"], each["reached"], each["right"]) for each in told]
        [('ham', 0.5, 1.0), ('spam', 0.0, 0.0)]
    """
    gold = np.asarray(columns.gold)
    told = []
    for k, name in enumerate(classes):
        of_class, votes = gold == k, L == k
        rows = int(of_class.sum())
        judged = votes[gold >= 0]
        told.append(
            {
                "class": name,
                "lfs": int(votes.any(axis=0).sum()),
                "votes": int(judged.sum()),
                **named_share("reached", int(votes[of_class].any(axis=1).sum()), rows),
                **named_share("labelled", int((columns.label[of_class] == k).sum()), rows),
                **named_share("right", int(votes[of_class].sum()), int(judged.sum())),
            }
        )
    return told
