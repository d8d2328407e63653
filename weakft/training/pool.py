"""Which rows of the pool a training reads."""

import numpy as np
import numpy.typing as npt

from weakft.training.rows import Positions

UNCOVERED_PER_COVERED = 4
ALWAYS_READ = 20_000  # uncovered rows: a few minutes on two cores


def rows_to_read(
    covered: npt.NDArray[np.bool_], most_uncovered: int | None = None, seed: int = 0
) -> Positions:
    """Positions, in order, of all covered rows and of a random sample of the others.

    Rows that no LF votes on are learned from too, and each costs as much as a covered one. With a
    large pool and narrow LFs nearly all the time would go to them. The order in which rows are
    drawn does not depend on `covered`, so an edited LF hardly changes the sample, and what is
    kept of its texts can be recalled.

    Args:
        covered: [N] has the row a label?
        most_uncovered: rows without one, at most; None: 4 for each covered row, or 20,000 if that
            is more.
        seed: draws the sample.

    Example:
        >>> rows_to_read(np.array([True, False, False, True]), most_uncovered=1).tolist()
        [0, 2, 3]
    """
    if most_uncovered is None:
        most_uncovered = max(UNCOVERED_PER_COVERED * int(covered.sum()), ALWAYS_READ)
    drawn = np.random.default_rng(seed).permutation(len(covered))
    uncovered = drawn[~covered[drawn]][:most_uncovered]
    return np.sort(np.concatenate([np.flatnonzero(covered), uncovered]))
