"""Rows to train on, encoded once and given in batches."""

import numpy as np
import torch
from torch.utils.data import Dataset

from weakft.frozen_body import FrozenBody, padded
from weakft.processors import Batch, Processor
from weakft.training.rows import TrainingSet


class EncodedRows(Dataset[Batch]):
    """A training set, its rows encoded one by one and given as batches, padded to the longest."""

    def __init__(
        self, processor: Processor, rows: TrainingSet, body: FrozenBody | None = None
    ) -> None:
        self._processor = processor
        encoded = processor.encode(rows.texts)
        self._encoded = encoded if body is None else [body.seen(ids) for ids in encoded]
        self._states = None if body is None else body.states(encoded)
        self._probs = torch.from_numpy(rows.probs).float()
        self._weights = torch.from_numpy(rows.weights).float()

    def __len__(self) -> int:
        return len(self._encoded)

    @property
    def lengths(self) -> list[int]:
        """How much of a batch's width each row needs."""
        return [self._processor.length(entry) for entry in self._encoded]

    def __getitem__(self, row: int) -> Batch:
        return self.__getitems__([row])

    def __getitems__(self, rows: list[int]) -> Batch:
        """These rows with their targets, weights and numbers; what torch's loader asks for."""
        numbers = torch.tensor(rows)
        batch = {
            **self._processor.batch(self._encoded[row] for row in rows),
            "labels": self._probs[numbers],
            "row_weights": self._weights[numbers],
            "rows": numbers,
        }
        return batch if self._states is None else {**batch, "states": padded(self._states, rows)}


def longest_first(
    processor: Processor, rows: TrainingSet, body: FrozenBody | None = None
) -> EncodedRows:
    """The rows encoded, those of like length beside each other."""
    lengths = EncodedRows(processor, rows).lengths
    order = np.argsort([-length for length in lengths], kind="stable")
    return EncodedRows(processor, rows.take(order), body)


def as_it_is(batch: Batch) -> Batch:
    """The collator of rows that come as batches."""
    return batch
