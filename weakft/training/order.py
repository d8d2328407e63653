"""The order in which training rows are seen."""

from collections.abc import Iterator, Sequence

import numpy as np
from torch.utils.data import Sampler

BATCHES_SORTED_TOGETHER = 50


class LikeLengths(Sampler[int]):
    """Rows in random order, but those of a batch of like length, so that little is padded.

    Rows are shuffled, cut into runs of 50 batches, sorted by length within a run and cut into
    batches, which are shuffled. The order depends on the seed and the epoch alone: resumed
    training sees what uninterrupted training would have seen.

    Args:
        lengths: tokens of each row.
        rows_a_step: rows of an optimiser step.
        seed: of the order.

    Example:
        >>> order = LikeLengths([3, 9, 4, 8], rows_a_step=2, seed=0)
        >>> sorted(sorted(pair) for pair in zip(*[iter(order)] * 2))
        [[0, 2], [1, 3]]
    """

    def __init__(self, lengths: Sequence[int], rows_a_step: int, seed: int) -> None:
        self._lengths = np.asarray(lengths)
        self._rows_a_step = rows_a_step
        self._seed = seed
        self._epoch = 0

    def __len__(self) -> int:
        return len(self._lengths)

    def set_epoch(self, epoch: int) -> None:
        """Another epoch, another order."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self._seed, self._epoch])
        step, run = self._rows_a_step, self._rows_a_step * BATCHES_SORTED_TOGETHER
        shuffled = rng.permutation(len(self._lengths))
        batches: list[list[int]] = []
        for start in range(0, len(shuffled), run):
            rows = shuffled[start : start + run]
            ordered = rows[np.argsort(-self._lengths[rows], kind="stable")].tolist()
            batches += [ordered[at : at + step] for at in range(0, len(ordered), step)]
        rest = batches.pop() if len(batches[-1]) < step else []
        for batch in rng.permutation(len(batches)):
            yield from batches[batch]
        yield from rest
