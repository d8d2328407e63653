"""The fault budget: how often an LF may raise."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from weakft.errors import FaultBudgetExceeded
from weakft.labels import Fault


@dataclass(frozen=True)
class FaultBudget:
    """The share of rows on which an LF may raise, or pass its time limit.

    Attributes:
        rows: how many the LFs vote on.
        max_fault_rate: the share allowed.
        what: names the rows in messages: a split, a file.
    """

    rows: int
    max_fault_rate: float = 1.0
    what: str = ""

    def is_exceeded_by(self, count: int) -> bool:
        """Whether faults on `count` rows are too many, whatever the other rows bring."""
        return count > 0 and count / self.rows > self.max_fault_rate

    def refuse(self, faults: Iterable[Fault]) -> None:
        """Refuse the votes of an LF that raised too often.

        Raises:
            FaultBudgetExceeded: naming the first such LF, with its first row and traceback.
        """
        for fault in faults:
            if self.is_exceeded_by(fault.count):
                raise self._exceeded(
                    fault,
                    f"LF {fault.lf_name!r} raised on {fault.count} of {self._rows} "
                    f"({fault.count / self.rows:.1%}; labeling.max_fault_rate allows "
                    f"{self.max_fault_rate:.1%})",
                )

    def refuse_early(
        self, faults: Iterable[Fault], seconds: Mapping[str, float], time_limit: float | None
    ) -> None:
        """Refuse an LF that passes its time limit as soon as `refuse` is bound to at the end.

        Args:
            faults: those so far of LFs that passed it.
            seconds: what each LF has cost so far, by name.
            time_limit: seconds allowed on a row.

        Raises:
            FaultBudgetExceeded: naming the LF, its rows and seconds.
        """
        for fault in faults:
            if self.is_exceeded_by(fault.count):
                raise self._exceeded(
                    fault,
                    f"LF {fault.lf_name!r} passed its time limit ({time_limit or 0:g} seconds a "
                    f"row, apply.time_limit) or raised on {fault.count} of {self._rows}, in "
                    f"{seconds[fault.lf_name]:.3g} seconds. labeling.max_fault_rate allows "
                    f"{self.max_fault_rate:.1%}, so the other rows were left out. It did so",
                )

    @property
    def _rows(self) -> str:
        return f"{self.rows} {self.what} rows" if self.what else f"{self.rows} rows"

    def _exceeded(self, fault: Fault, message: str) -> FaultBudgetExceeded:
        return FaultBudgetExceeded(
            f"{message}, first on row {fault.row_id!r}:\n{fault.traceback}",
            lf_name=fault.lf_name,
            row_id=fault.row_id,
        )
