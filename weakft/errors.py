"""The error tree, with the exit code each branch ends a command with.

    WeakftError              1  (a ValueError underneath, like every user mistake)
    ├── ConfigError          2  weakft.toml, --set, an environment variable or a flag
    │   ├── ModelNotFound       train.model names no model
    │   └── RunNotFound         a run id without a valid run folder
    ├── DataError            3  a data file is refused; no retry helps
    │   └── TrainingDiverged    the training loss is no number any more
    ├── LFError              4  labeling functions cannot be used
    │   ├── LFImportError       an LF file does not load, or holds no LF
    │   ├── InvalidVote         an LF returned something that is no vote
    │   ├── FaultBudgetExceeded an LF raised more often than allowed
    │   └── LFTestFailed        an LF votes otherwise than its examples say
    ├── GateError            5  a candidate failed the quality gate
    └── LockedError         75  another run holds the lock

Every message says what was wanted, what was found, where, and what to do.
"""

from collections.abc import Sequence


class WeakftError(ValueError):
    """Base of every error that weakft raises on purpose."""

    exit_code = 1


class ConfigError(WeakftError):
    """A setting is unknown, has the wrong type or contradicts another."""

    exit_code = 2


class ModelNotFound(ConfigError):
    """`train.model` is neither a Hugging Face model folder nor loadable by its id."""


class RunNotFound(ConfigError):
    """No run folder with a valid manifest answers to this id."""


class DataError(WeakftError):
    """A data file is missing, unreadable or breaks a promise the pipeline relies on."""

    exit_code = 3


class TrainingDiverged(DataError):
    """The training loss became infinite or no number at all.

    Attributes:
        texts: of the rows it became so on, where they are known.
    """

    def __init__(self, message: str, texts: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.texts = tuple(texts)


class LFError(WeakftError):
    """Labeling functions cannot be used as they are.

    Attributes:
        lf_name: the LF at fault, where it is one.
        row_id: the first row on which it showed, where it is a row.
    """

    exit_code = 4

    def __init__(
        self, message: str, *, lf_name: str | None = None, row_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.lf_name = lf_name
        self.row_id = row_id


class LFImportError(LFError):
    """An LF file raises on import, or defines no labeling function."""


class InvalidVote(LFError):
    """A labeling function returned something other than a class, ABSTAIN or None."""


class FaultBudgetExceeded(LFError):
    """A labeling function raised on a larger share of rows than `labeling.max_fault_rate`."""


class LFTestFailed(LFError):
    """A labeling function votes otherwise than its examples say."""


class GateError(WeakftError):
    """A candidate is worse than the current model by more than the gate allows."""

    exit_code = 5


class LockedError(WeakftError):
    """Another process holds the project's lock; trying again later may work."""

    exit_code = 75
