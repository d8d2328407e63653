"""A project: the folder of a weakft.toml, its settings and the run store beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from weakft.config import FILE_NAME, Config, find_project
from weakft.errors import LFImportError
from weakft.looks import Looks
from weakft.registry import Registry
from weakft.review import ReviewLog
from weakft.runs import RunStore

if TYPE_CHECKING:
    from weakft.apply import VoteCache


@dataclass(frozen=True)
class Project:
    """Where things are, and what is asked for.

    Attributes:
        root: the folder of weakft.toml; every path in it is relative to this folder.
        config: its settings.
    """

    root: Path
    config: Config

    @classmethod
    def open(cls, folder: Path | None = None, overrides: Sequence[str] = ()) -> Self:
        """Open the project in `folder`, or the nearest one upwards from here.

        Raises:
            ConfigError: there is no weakft.toml, or something in it is wrong.
        """
        root = find_project(Path.cwd()) if folder is None else folder.resolve()
        return cls(root, Config.load(root / FILE_NAME, overrides))

    @property
    def runs(self) -> RunStore:
        """The run folders of this project."""
        return RunStore(self.root / self.config.project.runs_dir)

    @property
    def registry(self) -> Registry:
        """Which of them is current, and how it came to be."""
        return Registry(self.runs)

    @property
    def review(self) -> ReviewLog:
        """The gold labels that people gave rows of train."""
        return ReviewLog(self.root / self.config.data.review, self.config.classes)

    @property
    def looks(self) -> Looks:
        """Who looked at scores on test."""
        return Looks(self.runs.root / ".looks.jsonl")

    @property
    def vote_cache(self) -> "VoteCache | None":
        """Where votes are kept between runs; None if `[apply] cache` is off."""
        if not self.config.apply.cache:
            return None
        from weakft.apply import VoteCache  # brings snorkel, which the app does not load

        file = self.root / ".weakft" / "votes.sqlite"
        return VoteCache(file, self.config.apply.cache_megabytes)

    @property
    def lf_files(self) -> list[Path]:
        """The LF files, which must lie inside the project.

        Raises:
            LFImportError: a path leads out of the project.
        """
        files = [(self.root / module).resolve() for module in self.config.labeling.modules]
        for file in files:
            if not file.is_relative_to(self.root):
                raise LFImportError(
                    f"{file} lies outside the project {self.root}. LF files are code: weakft runs "
                    "only those of the project itself."
                )
        return files
