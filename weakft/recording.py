"""What is recorded of an exception that a labeling function raised."""

import sys
import traceback
from pathlib import Path

WITHOUT_FILE = traceback.FrameSummary("(code without a file)", 0, "?", line="")
WITHHELD = "(message withheld: [privacy] hidden)"


def traceback_of(error: BaseException, *, withhold: bool = False) -> str:
    """The traceback of an exception, as Python prints it.

    Args:
        error: what was raised.
        withhold: leave out whatever may quote a cell: the message, notes, causes, and lines of
            code that stand in no file. What is left is the type, the files, and their lines.
    """
    if not withhold:
        return "".join(traceback.format_exception(error))
    frames = [
        frame if Path(frame.filename).is_file() else WITHOUT_FILE
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    lines = "".join(traceback.format_list(frames))
    return f"Traceback (most recent call last):\n{lines}{_type_name(type(error))}: {WITHHELD}\n"


def _type_name(kind: type) -> str:
    """The name of the nearest class that its module knows by that name: no name made of a cell."""
    for base in kind.__mro__:
        module, name = sys.modules.get(str(base.__module__)), str(base.__name__)
        if getattr(module, name, None) is base:
            return name
    return "BaseException"
