"""`pytest labeling/`: every labeling function of a project's LF files is a test of its examples.

pytest finds this plugin by the entry point of the package. It collects the files that
`[labeling] modules` of the nearest weakft.toml names, and nothing where there is none.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "LFFile | None":
    """Collect LF files."""
    if file_path.suffix not in (".py", ".tsv"):
        return None
    if not any((folder / "weakft.toml").is_file() for folder in file_path.parents):
        return None
    from weakft.project import Project  # pandas and more: only where there is a project

    project = Project.open(next(f for f in file_path.parents if (f / "weakft.toml").is_file()))
    if file_path.resolve() not in [file.resolve() for file in project.lf_files]:
        return None
    return LFFile.from_parent(parent, path=file_path, project=project)


class LFFile(pytest.File):
    """One LF file."""

    def __init__(self, *, project: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(**kwargs)
        self.project = project

    def collect(self) -> Iterator["LFItem"]:
        """One test for each LF."""
        from weakft.lf import load_lfs

        config = self.project.config
        for lf in load_lfs([self.path], self.project.root, config.classes):
            yield LFItem.from_parent(self, name=lf.name, lf=lf)


class LFItem(pytest.Item):
    """One LF, held to its examples; skipped where it has none."""

    def __init__(self, *, lf: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(**kwargs)
        self.lf = lf

    def runtest(self) -> None:
        """Vote on every example."""
        from weakft.errors import LFTestFailed
        from weakft.lint import failed_examples

        if not getattr(self.lf, "examples", ()):
            pytest.skip("no examples; give it some with examples={...}")
        config = self.parent.project.config  # type: ignore[union-attr]
        failures = failed_examples(self.lf, text_column=config.data.text, classes=config.classes)
        if failures:
            raise LFTestFailed("\n".join(failures))

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:  # noqa: ANN401
        """The sentences alone: a traceback of ours helps nobody."""
        from weakft.errors import LFTestFailed

        if isinstance(excinfo.value, LFTestFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the LF stands."""
        return self.path, 0, self.name
