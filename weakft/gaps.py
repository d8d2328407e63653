"""Rows that no labeling function covers: what they are about, and which words mark them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

MOST_ROWS = 20_000
MOST_GROUPS = 8
ROWS_A_GROUP = 25
LEAST_ROWS = 10
LEAST_HOLDING = 3
WORDS = 6
EXAMPLES = 3
WORDLESS: Mapping[str, Any] = {"words": [], "word_rows": []}


@dataclass(frozen=True)
class Gap:
    """Uncovered rows that are alike: the next labeling function could be about them.

    Attributes:
        rows: how many of those looked at.
        share: of them.
        words: the words that mark them most, against all other rows; none where no word stands in
            three of them.
        word_rows: for each word, how many of all uncovered rows looked at contain it.
        matched: rows of the group that contain one of the words.
        positions: of the rows among all, those in the middle of the group first.
        ids: of the first three.
    """

    rows: int
    share: float
    words: tuple[str, ...]
    word_rows: tuple[int, ...]
    matched: int
    positions: tuple[int, ...]
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
        >>> sorted((gap.rows, gap.words[0], gap.word_rows[0]) for gap in gaps)
        [(20, 'battery', 20), (20, 'lens', 20)]
    """
    mask = np.asarray(covered, dtype=bool)
    open_rows = _evenly(np.flatnonzero(~mask))
    open_texts = [texts[row] for row in open_rows]
    found = _vectors(open_texts) if len(open_rows) >= LEAST_ROWS else None
    if found is None:
        return []
    vectors, names = found
    lowered = [text.lower() for text in open_texts]
    gaps = []
    for members in _clusters(vectors, seed):
        words = tuple(str(names[i]) for i in _marking(vectors, members))
        positions = open_rows[members]
        gaps.append(
            Gap(
                rows=len(members),
                share=len(members) / len(open_rows),
                words=words,
                word_rows=tuple(sum(word in text for text in lowered) for word in words),
                matched=sum(any(word in lowered[row] for word in words) for row in members),
                positions=tuple(positions.tolist()),
                ids=tuple(ids[row] for row in positions[:EXAMPLES]),
            )
        )
    return sorted(gaps, key=lambda gap: -gap.rows)


def quoted(
    gaps: Sequence[Mapping[str, Any]],
    texts: Mapping[str, str] | None = None,
    hidden: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Gaps to be printed: with the texts of their first rows, without the positions of all.

    Args:
        gaps: each as `vars` of a `Gap`.
        texts: by row id; None: they are not known any more.
        hidden: "text" if no word of a text may be seen, "id" if no id may.
    """
    shown = []
    for gap in gaps:
        row = {name: value for name, value in gap.items() if name != "positions"}
        if texts is not None and "text" not in hidden:
            row["texts"] = [texts[row_id] for row_id in gap["ids"]]
        row |= WORDLESS if "text" in hidden else {}
        row |= {"ids": []} if "id" in hidden else {}
        shown.append(row)
    return shown


def _vectors(texts: Sequence[str]) -> tuple[Any, npt.NDArray[np.object_]] | None:
    """[n, w] TF-IDF and the w words; None where no word occurs twice."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        stop_words="english", sublinear_tf=True, min_df=2, max_features=5000
    )
    try:
        vectors = vectorizer.fit_transform(texts)
    except ValueError:
        return None
    return vectors, vectorizer.get_feature_names_out()


def _clusters(vectors: Any, seed: int) -> Iterator[npt.NDArray[np.intp]]:  # noqa: ANN401  (a sparse matrix)
    """The rows of each group, those nearest to its centre first."""
    from sklearn.cluster import KMeans

    groups = int(np.clip(vectors.shape[0] // ROWS_A_GROUP, 2, MOST_GROUPS))
    groups = min(groups, len({tuple(row.indices) for row in vectors}))
    model = KMeans(groups, n_init=3, random_state=seed).fit(vectors)
    distances = model.transform(vectors)
    for group in range(groups):
        members = np.flatnonzero(model.labels_ == group)
        if len(members):
            yield members[np.argsort(distances[members, group], kind="stable")]


def _marking(vectors: Any, members: npt.NDArray[np.intp]) -> list[int]:  # noqa: ANN401  (a sparse matrix)
    """The words that the greatest share of the members contain beyond that of all other rows."""
    holds = vectors > 0
    inside = np.asarray(holds[members].sum(axis=0)).ravel()
    outside = np.asarray(holds.sum(axis=0)).ravel() - inside
    beyond = inside / len(members) - outside / max(vectors.shape[0] - len(members), 1)
    best = np.argsort(-beyond, kind="stable")[:WORDS]
    return [int(i) for i in best if beyond[i] > 0 and inside[i] >= LEAST_HOLDING]


def _evenly(rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    return rows[:: max(1, -(-len(rows) // MOST_ROWS))]
