"""What crashes and other hands left in a project, and what surrounds it; what can be mended."""

from weakft.doctor.examining import examine
from weakft.doctor.finding import Finding
from weakft.doctor.mending import mend

__all__ = ["Finding", "examine", "mend"]
