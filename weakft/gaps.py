"""Rows that no labeling function covers: what they are about, and which words mark them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MOST_ROWS = 20_000
MOST_GROUPS = 8
ROWS_A_GROUP = 25
LEAST_ROWS = 10
WORDS = 6
EXAMPLES = 3


@dataclass(frozen=True)
class Gap:
    """Uncovered rows that are alike: the next labeling function could be about them.

    Attributes:
        rows: how many of those looked at.
        share: of them.
        words: the words that mark them most, against all other rows.
        ids: a few rows in the middle of them.
    """

    rows: int
    share: float
    words: tuple[str, ...]
    ids: tuple[str, ...]


def find_gaps(
    ids: Sequence[str], texts: Sequence[str], covered: Sequence[bool], *, seed: int = 0
) -> list[Gap]:
    """Cluster the uncovered rows by their words (k-means on TF-IDF), the largest group first.

    Args:
        ids: n row ids.
        texts: n texts.
        covered: [n] whether some LF votes on the row.
        seed: of the clustering.

    Returns:
        At most eight groups of what may be 20,000 rows, taken evenly; none for fewer than ten
        rows, or where no word occurs twice.

    Example:
        >>> texts = ["battery died", "battery flat", "the lens", "a lens"] * 10
        >>> gaps = find_gaps([str(i) for i in range(40)], texts, [False] * 40)
        >>> sorted((gap.rows, gap.words[0]) for gap in gaps)
        [(20, 'battery'), (20, 'lens')]
    """
    from sklearn.cluster import KMeans
    from sklearn.feature_extraction.text import TfidfVectorizer

    mask = np.asarray(covered, dtype=bool)
    open_rows = _evenly(np.flatnonzero(~mask))
    if len(open_rows) < LEAST_ROWS:
        return []
    vectorizer = TfidfVectorizer(
        stop_words="english", sublinear_tf=True, min_df=2, max_features=5000
    )
    try:
        vectors = vectorizer.fit_transform([texts[row] for row in open_rows])
    except ValueError:  # no word occurs twice
        return []
    groups = int(np.clip(len(open_rows) // ROWS_A_GROUP, 2, MOST_GROUPS))
    groups = min(groups, len({tuple(row.indices) for row in vectors}))
    model = KMeans(groups, n_init=3, random_state=seed).fit(vectors)
    distances = model.transform(vectors)
    names = vectorizer.get_feature_names_out()
    overall = np.asarray(vectors.mean(axis=0)).ravel()
    gaps = []
    for group in range(groups):
        members = np.flatnonzero(model.labels_ == group)
        if not len(members):
            continue
        marked = np.asarray(vectors[members].mean(axis=0)).ravel() - overall
        best = np.argsort(-marked, kind="stable")[:WORDS]
        near = members[np.argsort(distances[members, group], kind="stable")[:EXAMPLES]]
        gaps.append(
            Gap(
                rows=len(members),
                share=len(members) / len(open_rows),
                words=tuple(str(names[i]) for i in best if marked[i] > 0),
                ids=tuple(ids[row] for row in open_rows[near]),
            )
        )
    return sorted(gaps, key=lambda gap: -gap.rows)


def _evenly(rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    return rows[:: max(1, -(-len(rows) // MOST_ROWS))]
