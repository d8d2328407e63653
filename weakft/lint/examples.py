"""Hold a labeling function to its own examples."""

from collections.abc import Sequence

import pandas as pd
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.apply import apply_lfs
from weakft.errors import InvalidVote
from weakft.labels import ABSTAIN, LabelMatrix
from weakft.lf import Example


def failed_examples(
    lf: SnorkelLF, *, text_column: str = "text", classes: Sequence[str] = ()
) -> list[str]:
    """One sentence for each example that the LF votes on otherwise.

    Args:
        lf: an LF; one of Snorkel's, or without examples, fails none.
        text_column: the column that an example given as a text stands for.
        classes: k class names, for the sentences.

    Example:
        >>> from weakft import keyword_lf
        >>> lf = keyword_lf("praises", ["great"], 1).expecting({"Grand!": 1}, abstains=["great!"])
        >>> for sentence in failed_examples(lf, classes=["bad", "good"]):
        ...     print(sentence)
        praises: wanted good on 'Grand!', got an abstain.
        praises: wanted an abstain on 'great!', got good.
    """
    found = []
    for example in getattr(lf, "examples", ()):
        got = _vote(lf, example, text_column)
        if got != example.vote:
            wanted, shown = (_called(v, classes) for v in (example.vote, got))
            found.append(f"{lf.name}: wanted {wanted} on {example.row!r}, got {shown}.")
    return found


def _vote(lf: SnorkelLF, example: Example, text_column: str) -> int | str:
    """What the applier makes of the row: a vote, or the last line of what went wrong."""
    cells = {text_column: example.row} if isinstance(example.row, str) else dict(example.row)
    try:
        L: LabelMatrix = apply_lfs([lf], pd.DataFrame([cells]), text_column=text_column)
    except InvalidVote as error:
        return str(error)
    return L.faults[0].traceback.strip().splitlines()[-1] if L.faults else int(L.values[0, 0])


def _called(vote: int | str, classes: Sequence[str]) -> str:
    if vote == ABSTAIN:
        return "an abstain"
    if isinstance(vote, int) and vote < len(classes):
        return classes[vote]
    return str(vote)
