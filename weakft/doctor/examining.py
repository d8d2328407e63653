"""Everything the doctor looks at."""

from weakft.doctor.finding import Finding
from weakft.doctor.leftovers import leftovers
from weakft.doctor.records import records
from weakft.doctor.surroundings import surroundings
from weakft.project import Project


def examine(project: Project) -> tuple[Finding, ...]:
    """What there is to say about a project; reads only.

    Args:
        project: to be looked at; while another process works on it, what that process uses may
            look like a leftover, so mend only what was found while holding the project's lock.
    """
    return (*surroundings(project), *leftovers(project), *records(project))
