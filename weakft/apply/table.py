"""The label matrix while it is being filled, task by task."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.apply.chunk import ChunkVotes, Terms, recorded
from weakft.apply.workers import Workers
from weakft.data.cells import Columns
from weakft.labels import ABSTAIN, Fault, LabelMatrix


@dataclass(frozen=True)
class Task:
    """Some LFs on some rows.

    Attributes:
        rows: from where to where.
        lfs: positions of the LFs.
    """

    rows: slice
    lfs: tuple[int, ...]


class Table:
    """Votes of m LFs on n rows, abstains at first."""

    def __init__(
        self, lfs: Sequence[SnorkelLF], columns: Columns, ids: tuple[str, ...], terms: Terms
    ) -> None:
        self.lfs = lfs
        self.columns = columns
        self.ids = ids
        self.terms = terms
        self.values = np.full((len(ids), len(lfs)), ABSTAIN, dtype=terms.vote_dtype)
        self._seconds = np.zeros(len(lfs))
        self._faults: dict[tuple[int, int], Fault] = {}  # by first row and LF

    def cells(self, rows: slice) -> Columns:
        """The columns of some rows."""
        return {name: cells[rows] for name, cells in self.columns.items()}

    def compute(self, tasks: Sequence[Task], workers: Workers) -> Iterator[ChunkVotes]:
        """What each task gives, in their order."""
        chunks = (
            ([self.lfs[j] for j in task.lfs], self.cells(task.rows), self.ids[task.rows])
            for task in tasks
        )
        return workers.compute(chunks, self.terms) if tasks else iter(())

    def fill(self, task: Task, part: ChunkVotes) -> None:
        """Put in what a task gave.

        Raises:
            FaultBudgetExceeded: an LF passed its time limit and has used up its budget.
        """
        self.values[task.rows, list(task.lfs)] = part.values
        self._seconds[list(task.lfs)] += part.seconds
        position = {self.lfs[j].name: j for j in task.lfs}
        for fault in part.faults:
            self._faults[task.rows.start, position[fault.lf_name]] = fault
        if part.overdue and self.terms.budget is not None:
            seconds = {lf.name: self._seconds[j] for j, lf in enumerate(self.lfs)}
            faults = [fault for fault in self._merged() if fault.lf_name in part.overdue]
            self.terms.budget.refuse_early(faults, seconds, self.terms.time_limit)

    def matrix(self) -> LabelMatrix:
        """The finished matrix; faults in the order of rows."""
        names = tuple(lf.name for lf in self.lfs)
        seconds = tuple(self._seconds.tolist())
        return LabelMatrix(self.values, names, self.ids, self._merged(), seconds)

    def _merged(self) -> tuple[Fault, ...]:
        return recorded((self._faults[p] for p in sorted(self._faults)), self.terms)
