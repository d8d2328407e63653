"""One thing the doctor has to say."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["fine", "note", "broken"]

REMOVE = "remove it"
REMOVE_LOCK = "remove it, unless somebody holds it by then"
REMOVE_DRAFT = "remove it, when nobody moves an alias"
FORGET = "remove it; votes are computed anew"
MEND_LEDGER = "put what is torn aside; whole lines stay"
PUT_ASIDE = "put it aside under another name"


@dataclass(frozen=True)
class Finding:
    """What was found, and where.

    Attributes:
        what: in words, with what to do where nothing can be done for you.
        where: a path, or what it is about.
        severity: "fine"; "note", harmless; or "broken", in the way of something.
        fix: what `weakft.doctor.mend` does about it; None: nothing.
    """

    what: str
    where: str
    severity: Severity
    fix: str | None = None
