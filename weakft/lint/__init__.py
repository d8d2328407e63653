"""Are these labeling functions any good? Their own examples, and what tends to go wrong."""

from weakft.lint.examples import failed_examples
from weakft.lint.findings import Finding, find_faults

__all__ = ["Finding", "failed_examples", "find_faults"]
