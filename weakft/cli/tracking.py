"""What commands say of MLflow: where a run stands there, or why it does not."""

from dataclasses import asdict
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from weakft.cli import screens
from weakft.interop.mlflow import Logged, tell
from weakft.project import Project
from weakft.ranks import leads


def tracked(
    project: Project, run_id: str, content: dict[str, Any]
) -> tuple[dict[str, Any], list[RenderableType]]:
    """Tell MLflow of a run, where `[mlflow] uri` is set.

    Returns:
        The content of `--json` with what came of it, and the same for people.
    """
    if not (project.config.mlflow.uri and leads()):
        return content, []
    told = tell(project, run_id)
    if told.logged is None:
        warnings = [*content.get("warnings", []), *told.warnings]
        return {**content, "warnings": warnings}, [screens.bullets(told.warnings)]
    return {**content, "mlflow": asdict(told.logged)}, [line(told.logged)]


def line(logged: Logged) -> Text:
    """Where a run stands in MLflow, for people."""
    version = "" if logged.version is None else f", version {logged.version} of {logged.model}"
    return Text(f"In MLflow at {logged.uri}: run {logged.run_id}{version}.", style="dim")
