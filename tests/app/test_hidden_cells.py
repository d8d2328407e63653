"""Hidden columns on every page, in the HTML report and in exports: of a run made before, too."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.app.conftest import PAGES, SHOPS, Open, Shop, put_json
from tests.app.reading import said
from weakft.cli.main import app as commands
from weakft.html_report import html_report
from weakft.project import Project
from weakft.report import Report
from weakft.runs import read_json

CANARY = "xyzzy@example.org"


def everything(app: object) -> str:
    """All that a page sends to the browser: elements as they travel, tables as CSV."""
    tables = [element.value.to_csv() for element in app.dataframe]  # type: ignore[attr-defined]
    elements = [str(getattr(element, "proto", "")) for element in app.main]  # type: ignore[attr-defined]
    return "\n".join([said(app), *tables, *elements])  # type: ignore[arg-type]


@pytest.fixture
def hiding(shop: Shop) -> Project:
    """A run with slices by shop and a traceback that quotes one; then shops are hidden."""
    project = shop()
    run = project.runs.open()
    faults = read_json(run.faults)
    faults["train"][0]["traceback"] = f"Traceback ...\nKeyError: {CANARY!r}"
    put_json(run, run.faults, faults)
    file = project.root / "weakft.toml"
    file.write_text(file.read_text() + '[privacy]\nhidden = ["shop"]\n')
    return Project.open(project.root)


@pytest.mark.parametrize("page", PAGES)
def test_no_page_shows_a_hidden_cell(hiding: Project, opened: Open, page: str) -> None:
    app = opened(page, lf="says_cash")
    assert not app.exception
    shown = everything(app)
    assert CANARY not in shown
    assert not any(shop in shown for shop in SHOPS)
    if page == "lfs":
        assert "withheld: [privacy] hidden" in shown


def test_a_hidden_column_is_no_way_to_slice(hiding: Project, opened: Open) -> None:
    app = opened("errors", slice="shop = north")
    assert not app.exception
    assert "north" not in everything(app)


def test_no_report_and_no_command_tells_a_hidden_cell(hiding: Project, tmp_path: Path) -> None:
    told = html_report(Report.open(hiding, "latest"))
    for command in (
        *(["runs", "show"], ["runs", "list"], ["runs", "diff", "latest", "latest"]),
        *(["analyze", "--run", "latest"], ["doctor"]),
        ["export", "labels", str(tmp_path / "labels.csv")],
    ):
        for more in ([], ["--json"]):
            result = CliRunner().invoke(commands, [*command, "--project", str(hiding.root), *more])
            assert result.exit_code in (0, 2), result.stderr
            told += result.stdout + result.stderr
    told += (tmp_path / "labels.csv").read_text()
    assert CANARY not in told
    assert "north" not in told and "south" not in told
