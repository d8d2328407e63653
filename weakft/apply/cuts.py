"""Where a table is cut into chunks: evenly, or where it will be cut again when rows come and go."""

import zlib
from collections.abc import Collection, Sequence

import numpy as np


def even_slices(rows: int, size: int) -> list[slice]:
    """Chunks of `size` rows; one empty chunk of no rows.

    Example:
        >>> even_slices(5, 2)
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(start, min(start + size, rows)) for start in range(0, max(rows, 1), size)]


def lasting_slices(ids: Sequence[str], size: int, ends: Collection[str]) -> list[slice]:
    """Chunks of at most `size` rows that stay the same where rows are added or taken away.

    A chunk ends after a row whose id says so (one in `size // 4`, by its checksum), as in
    content-defined chunking (Muthitacharoen et al., SOSP 2001), and after the rows in `ends`:
    the last ones of earlier tables, so that what was appended since is a chunk by itself.

    Args:
        ids: [n] row ids.
        size: most rows of a chunk.
        ends: ids of rows after which to cut.

    Example:
        >>> lasting_slices(["a", "b", "c"], 100, {"b"})
        [slice(0, 2, None), slice(2, 3, None)]
    """
    sums = np.fromiter((zlib.crc32(row.encode()) for row in ids), dtype=np.int64, count=len(ids))
    cuts = sums % max(size // 4, 1) == 0
    cuts |= np.fromiter((row in ends for row in ids), dtype=bool, count=len(ids))
    stops = sorted({*(np.flatnonzero(cuts) + 1).tolist(), len(ids)})
    return [
        slice(start + part.start, start + part.stop)
        for start, stop in zip([0, *stops], stops, strict=False)
        for part in even_slices(stop - start, size)
    ]
