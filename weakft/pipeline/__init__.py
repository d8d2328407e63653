"""One run, stage by stage; `story.py` tells it from top to bottom."""

from weakft.pipeline.story import run

__all__ = ["run"]
