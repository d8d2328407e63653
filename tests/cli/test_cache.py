"""`weakft cache`: what is kept, and forgetting it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from weakft.cli.main import app


def answer(project: Path, *words: str) -> dict[str, object]:
    result = CliRunner().invoke(app, [*words, "--project", str(project), "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout)
    return found


def test_votes_are_kept_until_cleared(project: Path) -> None:
    assert answer(project, "cache", "info")["entries"] == 0
    answer(project, "analyze")
    assert answer(project, "cache", "info")["entries"]
    assert answer(project, "cache", "clear")["status"] == "completed"
    assert answer(project, "cache", "info")["entries"] == 0


def test_a_project_without_cache_says_so(project: Path) -> None:
    words = ["cache", "info", "--project", str(project), "--set", "apply.cache=false"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2 and "keeps no votes" in result.stderr


@pytest.mark.parametrize("command", ["info", "clear"])
def test_help_says_what_it_does(command: str) -> None:
    assert "votes" in CliRunner().invoke(app, ["cache", command, "--help"]).stdout
