"""A reviewer at work, in a real browser: chromium, headless, against `weakft app` itself."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.app.conftest import PAGES, TRAIN, TWINS, make_project, publish_run
from weakft.cli.main import app
from weakft.project import Project

playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
expect = playwright.expect
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium here: apt-get install chromium"
)

PATHS = {page: "" if page == "overview" else page for page in PAGES}
CHART_COUNTS = {
    "overview": 1,
    "lfs": 1,
    "conflicts": 1,
    "labels": 3,
    "model": 4,
    "errors": 1,
    "runs": 1,
}
CHARTS = "[...document.querySelectorAll('[data-testid=stVegaLiteChart]')]"
ALL_DRAWN = f"{CHARTS}.every(e => e.querySelector('svg.marks') || !e.checkVisibility())"
CUT_OFF = """[...document.querySelectorAll("svg.marks")].flatMap(chart => {
    const frame = chart.getBoundingClientRect(), slack = 2
    return [...chart.querySelectorAll("text")].filter(text => {
        const box = text.getBoundingClientRect()
        return box.left < frame.left - slack || box.right > frame.right + slack
            || box.top < frame.top - slack || box.bottom > frame.bottom + slack
    }).map(text => text.textContent)
})"""
SHOTS = os.environ.get("WEAKFT_SCREENSHOTS")
"""Where screenshots are kept to be looked at; a temporary folder otherwise."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, str]]:
    """A tiny project with a run, and the address of its app."""
    project = make_project(tmp_path_factory.mktemp("served"), rows=(*TRAIN, *TWINS))
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port = opened.getsockname()[1]
    command = [sys.executable, "-m", "weakft", "app", "--project", str(project.root)]
    process = subprocess.Popen(
        [*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_healthy(address)
        yield project, address
    finally:
        process.terminate()
        process.wait()


def wait_until_healthy(address: str) -> None:
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health").close()
        except OSError:
            time.sleep(0.25)
        else:
            return
    raise AssertionError(f"{address} does not answer")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:  # noqa: ANN401
    """A tab; an error in the page's own scripts fails the test."""
    tab = browser.new_page(viewport={"width": 1280, "height": 1400})
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    yield tab
    tab.close()
    assert not errors


def open_page(tab: Any, address: str, path: str) -> None:  # noqa: ANN401
    tab.goto(f"{address}/{path}")
    tab.get_by_test_id("stHeading").first.wait_for(timeout=60_000)
    settle(tab)


def settle(tab: Any) -> None:  # noqa: ANN401
    """Until the app has run to its end."""
    tab.wait_for_function(
        "document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'",
        timeout=60_000,
    )


def rest(tab: Any) -> None:  # noqa: ANN401
    """Until keys and charts are listened to: from a moment after they are drawn on."""
    tab.wait_for_function(ALL_DRAWN)
    tab.wait_for_timeout(1000)


@pytest.mark.parametrize(
    ("width", "scheme"), [(820, "light"), (820, "dark"), (1280, "light"), (2560, "dark")]
)
def test_every_page_looks_like_one(
    browser: Any,  # noqa: ANN401
    served: tuple[Project, str],
    tmp_path: Path,
    scheme: str,
    width: int,
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 1200}, color_scheme=scheme)
    tab = context.new_page()
    cut_off: list[str] = []
    for name, path in PATHS.items():
        open_page(tab, served[1], path)
        assert tab.get_by_role("dialog").count() == 0, name
        assert tab.get_by_test_id("stException").count() == 0, name
        overflow = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not tab.evaluate(overflow), f"{name} is wider than {width} pixels"
        expect(tab.get_by_test_id("stVegaLiteChart")).to_have_count(CHART_COUNTS.get(name, 0))
        tab.wait_for_function(ALL_DRAWN)
        cut_off += tab.evaluate(CUT_OFF)
        folder = Path(SHOTS) if SHOTS else tmp_path
        tab.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
    context.close()
    assert not cut_off, "text of charts is cut off"


def test_from_a_number_to_the_rows_behind_it(page: Any, served: tuple[Project, str]) -> None:  # noqa: ANN401
    open_page(page, served[1], "lfs")
    page.get_by_role("link", name="Rows in conflict").click()
    page.get_by_role("heading", name="Training rows").wait_for()
    settle(page)
    assert "keep=in" in page.url
    page.goto(page.url)  # as a colleague would, who got the address
    page.get_by_text("1 row", exact=True).first.wait_for(timeout=60_000)


def test_the_address_opens_an_lf_and_its_wrong_rows(
    page: Any,  # noqa: ANN401
    served: tuple[Project, str],
) -> None:
    open_page(page, served[1], "lfs?lf=says_cash&on=train&which=wrong")
    page.get_by_text("1 row", exact=True).first.wait_for()
    page.get_by_text("How it is written today").click()
    page.get_by_text("It does not stand by itself").wait_for()
    assert "lf=says_cash&on=train&which=wrong" in page.url


def test_scores_on_test_are_hidden_until_asked_for(
    page: Any,  # noqa: ANN401
    served: tuple[Project, str],
) -> None:
    open_page(page, served[1], "")
    assert page.get_by_text("same encoder").count() == 0
    page.get_by_role("button", name="Show scores on test").click()
    page.get_by_text("have been looked at once").wait_for()


@pytest.mark.parametrize(
    ("path", "table", "row", "chosen", "rows"),
    [
        ("lfs?on=train", "lf_table", 3, "lf=says_noon", 2),
        ("conflicts", "copies", 0, "first=says_cash second=says_win how=agree", 31),
        ("model", "slices", 1, "slice=shop%3A+north", 2),
        ("errors", "blame", 0, "voter=says_win", 1),
    ],
)
def test_a_clicked_row_leads_to_the_rows_behind_it(
    path: str,
    table: str,
    row: int,
    chosen: str,
    rows: int,
    page: Any,  # noqa: ANN401
    served: tuple[Project, str],
) -> None:
    open_page(page, served[1], path)
    cells = page.locator(f".st-key-{table}").get_by_test_id("stDataFrame")
    cells.wait_for()
    rest(page)
    choose(page, chosen, lambda: cells.click(position={"x": 16, "y": 35 * row + 52}))
    assert_shown(page, rows)


@pytest.mark.parametrize(
    ("path", "chart", "mark", "chosen", "rows"),
    [
        ("conflicts", "pairs", 0, "first=says_cash second=says_noon", 1),
        ("model", "confusion", 1, "gold=ham predicted=spam", 3),
        ("errors", "states_chart", 0, "state=none", 1),
    ],
)
def test_a_clicked_mark_leads_to_the_rows_behind_it(
    path: str,
    chart: str,
    mark: int,
    chosen: str,
    rows: int,
    page: Any,  # noqa: ANN401
    served: tuple[Project, str],
) -> None:
    open_page(page, served[1], path)
    marks = page.locator(f".st-key-{chart} svg.marks .mark-rect.role-mark path")
    marks.nth(mark).wait_for()
    rest(page)
    through_its_number = partial(marks.nth(mark).click, force=True)
    choose(page, chosen, through_its_number)
    assert_shown(page, rows)


def choose(tab: Any, chosen: str, click: Callable[[], None], patience: int = 6) -> None:  # noqa: ANN401
    """Click until it stands in the address: a drawing in its first second can miss a click."""
    first, *others = chosen.split()
    for _ in range(patience):
        click()
        with suppress(playwright.TimeoutError):
            tab.wait_for_url(f"**{first}*", timeout=5_000)
            break
    for words in (first, *others):
        tab.wait_for_url(f"**{words}*", timeout=5_000)


def assert_shown(tab: Any, rows: int) -> None:  # noqa: ANN401
    told = "1 row" if rows == 1 else f"{rows} rows"
    tab.get_by_test_id("stText").get_by_text(told, exact=True).wait_for()


def give_by_key(tab: Any, address: str, project: Project) -> None:  # noqa: ANN401
    """Say by its key that the first row without votes is of the second class."""
    open_page(tab, address, "review?queue=no+LF+votes")
    tab.get_by_role("button", name=project.config.classes[1]).first.wait_for()
    rest(tab)
    tab.keyboard.press("2")
    tab.get_by_text("1 row is labelled by hand").wait_for()


def test_gold_is_given_by_key_and_taken_back(
    page: Any,  # noqa: ANN401
    served: tuple[Project, str],
) -> None:
    project, address = served
    give_by_key(page, address, project)
    (label,) = project.review.given().values()
    assert label == project.config.classes[1]
    settle(page)
    page.keyboard.press("u")
    page.get_by_text("0 rows are labelled by hand").wait_for()
    assert project.review.given() == {}


def test_a_run_is_promoted_and_rolled_back(page: Any, served: tuple[Project, str]) -> None:  # noqa: ANN401
    project, address = served
    open_page(page, address, "runs")
    first = project.runs.ids()[-1]
    promote(page)
    assert project.registry.current() == first
    second = publish_run(project).id
    open_page(page, address, f"runs?run={second}")
    promote(page)
    page.get_by_role("button", name="Roll back").click()
    assert project.registry.current() == second
    page.get_by_role("button", name="Go back to").click()
    page.get_by_role("button", name="Promote the run shown").wait_for()
    assert project.registry.current() == first


def promote(tab: Any) -> None:  # noqa: ANN401
    """Put the run shown into service; one click alone does not."""
    tab.get_by_role("button", name="Promote the run shown").click()
    tab.get_by_role("button", name="into service").click()
    tab.get_by_role("button", name="Promote the run shown").wait_for(state="detached")
    rest(tab)  # it closes what opens too soon


RULES_OF_THUMB = """
from weakft import keyword_lf

says_cash = keyword_lf("says_cash", ["cash"], 1)
says_noon = keyword_lf("says_noon", ["noon"], 0)
says_win = keyword_lf("says_win", ["win"], 1)
"""


def test_gold_given_by_key_is_counted_by_the_next_run(
    page: Any,  # noqa: ANN401
    served: tuple[Project, str],
    tiny_model: Path,
) -> None:
    """The last test: it leaves another run."""
    project, address = served
    give_by_key(page, address, project)
    open_page(page, address, "labels")
    by_hand = page.get_by_test_id("stMetric").filter(has_text="Labelled by hand")
    expect(by_hand).to_contain_text("0")
    project.lf_files[0].write_text(RULES_OF_THUMB)
    quick = ("gold=none", "gold_epochs=1", "gold_steps=3", "num_train_epochs=1", "max_length=16")
    settings = (f"train.model={tiny_model}", *(f"train.{each}" for each in quick))
    words = ["run", "--project", str(project.root), *(f"--set={each}" for each in settings)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    open_page(page, address, "labels")
    expect(by_hand).to_contain_text("1")
    expect(page.get_by_test_id("stMetric").filter(has_text="Covered")).to_contain_text("100.0%")
