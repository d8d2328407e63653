"""The fault budget: how often an LF may raise."""

from collections.abc import Iterable

from weakft.errors import FaultBudgetExceeded
from weakft.labels import Fault


def refuse_faults_over_budget(
    faults: Iterable[Fault], rows: int, what: str, max_fault_rate: float
) -> None:
    """Refuse votes of an LF that raised on a larger share of the rows than allowed.

    Args:
        faults: one for each LF that raised.
        rows: how many the LFs saw.
        what: names the rows in the message: a split, a file.
        max_fault_rate: the share allowed.

    Raises:
        FaultBudgetExceeded: naming the first such LF, with its first row and traceback.
    """
    for fault in faults:
        rate = fault.count / rows
        if rate > max_fault_rate:
            raise FaultBudgetExceeded(
                f"LF {fault.lf_name!r} raised on {fault.count} of {rows} {what} rows "
                f"({rate:.1%}; labeling.max_fault_rate allows {max_fault_rate:.1%}), first on row "
                f"{fault.row_id!r}:\n{fault.traceback}",
                lf_name=fault.lf_name,
                row_id=fault.row_id,
            )
