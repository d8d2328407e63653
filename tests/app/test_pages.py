"""Every page from the entry point: with nothing, without gold, with old, broken, hostile runs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import APP, LFS, PAGES, TEST, TRAIN, Open, Shop, make_project, publish_run
from tests.app.reading import ids, said, table
from weakft.live import told_live
from weakft.narration import SILENCE
from weakft.project import Project
from weakft.runs import RunFolder, read_json, write_json

HOSTILE = "<img src=x onerror=alert(1)> **loud** [go](javascript:alert(1)) :red[x] $a$ `c`"
MARKUP = re.compile(r"(?<!\\)(<img|\*\*loud|\[go|:red|\$a|`c)")
PLAIN_ELEMENTS = {
    "arrow_data_frame",
    "code",
    "dataframe",
    "selectbox",
    "text",
    "text_input",
    "vega_lite_chart",
}
WITHOUT_ROWS = {"overview", "runs"}
CHOSEN = {"lfs": "lf", "errors": "voter", "conflicts": "first", "model": "gold"}

every_page = pytest.mark.parametrize("page", PAGES)


def test_there_are_nine_pages() -> None:
    names = "conflicts coverage errors labels lfs model overview review runs"
    assert names.split() == PAGES


@every_page
def test_without_a_project_the_error_is_the_librarys(
    page: str, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEAKFT_PROJECT", str(tmp_path))
    app = opened(page)
    assert not app.exception
    assert "weakft.toml" in said(app)


@every_page
def test_without_a_run_the_page_says_how_to_make_one(page: str, shop: Shop, opened: Open) -> None:
    shop(run=False)
    app = opened(page)
    assert not app.exception
    assert app.code[0].value == "weakft run"
    assert not app.metric


@every_page
def test_a_run_is_shown(page: str, shop: Shop, opened: Open) -> None:
    shop()
    app = opened(page)
    assert not app.exception
    assert "This cannot be shown." not in said(app)
    assert app.metric or app.dataframe
    shown = [each.value["text"] for each in app.dataframe if "text" in each.value.columns]
    assert not {f"test {text}" for text, _ in TEST} & {text for texts in shown for text in texts}


@every_page
def test_a_run_without_gold_is_shown(page: str, shop: Shop, opened: Open) -> None:
    shop(gold=False)
    app = opened(page)
    assert not app.exception
    assert "This cannot be shown." not in said(app)
    missing = {
        "errors": "mistakes cannot be told",
        "labels": "No split has gold",
        "lfs": "there is no evidence yet",
        "model": "mistakes cannot be told",
        "overview": "No run has a score on valid yet",
    }
    assert missing.get(page, "") in said(app)


@every_page
def test_a_run_of_an_older_weakft_is_refused_where_it_has_no_tables(
    page: str, shop: Shop, opened: Open
) -> None:
    make_older(shop().runs.open())
    app = opened(page)
    assert not app.exception
    assert ("older weakft" in said(app)) == (page not in WITHOUT_ROWS)


@pytest.mark.parametrize("page", ["overview", "labels", "runs"])
def test_a_run_that_was_cut_off_is_not_there(page: str, shop: Shop, opened: Open) -> None:
    project = shop()
    file = project.runs.open().rows("train")
    file.write_bytes(file.read_bytes()[:-10])
    app = opened(page)
    assert not app.exception
    assert app.code[0].value == "weakft run"
    whole = publish_run(project)
    app = opened(page)
    assert not app.exception
    assert app.selectbox(key="run").options == [whole.id]


@pytest.mark.parametrize(
    ("page", "table"),
    [*((page, "rows") for page in PAGES), ("labels", "columns"), ("labels", "votes")],
)
def test_a_table_that_rotted_is_refused_in_words(
    page: str, table: str, shop: Shop, opened: Open
) -> None:
    run = shop().runs.open()
    for split in ("train", "dev", "valid", "test"):
        file: Path = getattr(run, table)(split)
        file.write_bytes(b"\xff" * file.stat().st_size)
    pair = {"first": "says_cash", "second": "says_noon"}
    query = {"lfs": {"lf": "says_cash"}, "conflicts": pair}
    app = opened(page, **query.get(page, {}))
    assert not app.exception
    is_refused = "is damaged: it cannot be read" in said(app) or "wanted sha256" in said(app)
    assert is_refused == (page not in WITHOUT_ROWS)


@every_page
def test_rows_stay_when_the_data_changes(page: str, shop: Shop, opened: Open) -> None:
    """They are the run's own."""
    project = shop()
    for split in ("train", "dev", "valid", "test"):
        path = project.root / f"{split}.parquet"
        pd.read_parquet(path).iloc[:2].to_parquet(path)
    app = opened(page)
    assert not app.exception
    assert "This cannot be shown." not in said(app)
    if page == "labels":
        assert table(app, "id", "text")["text"].tolist() == [f"train {text}" for text, _ in TRAIN]


@pytest.mark.parametrize("page", ["coverage", "errors", "labels", "review"])
def test_what_is_hidden_today_is_hidden_of_older_runs(page: str, shop: Shop, opened: Open) -> None:
    project = shop()
    with (project.root / "weakft.toml").open("a") as file:
        file.write('[privacy]\nhidden = ["text"]\n')
    app = opened(page)
    assert not app.exception
    assert "(hidden)" in said(app) + str([each.value.to_csv() for each in app.dataframe])
    assert not [text for text, _ in TRAIN if text in said(app)]
    for each in app.dataframe:
        assert set(each.value.get("text", ["(hidden)"])) == {"(hidden)"}


@pytest.mark.parametrize("since", ["before the run", "after the run"])
@pytest.mark.parametrize("searched", ["lunch", "no row says so", "hidden"])
def test_hidden_texts_cannot_be_searched(
    since: str, searched: str, shop: Shop, opened: Open
) -> None:
    """Whether something is found would tell what the texts say."""
    project = shop()
    with (project.root / "weakft.toml").open("a") as file:
        file.write('[privacy]\nhidden = ["text"]\n')
    if since == "before the run":
        publish_run(Project.open(project.root))
    assert ids(opened("coverage")) == ["train_3"]
    app = opened("coverage", search=searched)
    assert not app.exception
    assert "Texts are hidden ([privacy] hidden), so they cannot be searched" in said(app)
    assert ids(app) == []
    assert app.text_input(key="search").disabled


@every_page
def test_hostile_names_and_texts_are_never_markdown(page: str, shop: Shop, opened: Open) -> None:
    project = shop(
        classes=(f"{HOSTILE} 0", f"{HOSTILE} 1"),
        lf_names=tuple(f"{HOSTILE} {j}" for j in range(4)),
        prefix=HOSTILE,
    )
    if page in WITHOUT_ROWS:
        publish_run(project, tuple(f"{HOSTILE} {j + 1}" for j in range(4)))
    app = opened(page)
    if key := CHOSEN.get(page):
        app.selectbox(key=key).select(f"{HOSTILE} 1").run()
    if page == "conflicts":
        app.selectbox(key="second").select(f"{HOSTILE} 0").run()
    assert not app.exception
    assert_plain(app)
    if ids(app):
        assert table(app, "id", "text")["text"].str.startswith(HOSTILE).all()
    assert "onerror" in said(app) + str([t.value.to_csv() for t in app.dataframe])


def assert_plain(app: AppTest) -> None:
    """Raw data stands in elements alone that know neither HTML nor Markdown."""
    for place in (app.main, app.sidebar):
        for element in place:
            if element.type not in PLAIN_ELEMENTS:
                proto = str(getattr(element, "proto", ""))
                assert not MARKUP.search(proto), (element.type, proto)


def test_a_run_can_be_chosen(shop: Shop, opened: Open) -> None:
    project = shop()
    older = project.runs.open().id
    newest = publish_run(project, (*LFS[:3], "the_new_one")).id
    app = opened("lfs")
    assert app.selectbox(key="run").options == [newest, older]
    assert table(app, "evidence")["lf"].isin(["the_new_one"]).any()
    app.selectbox(key="run").select(older).run()
    assert not app.exception
    assert table(app, "evidence")["lf"].isin(["never_fires"]).any()


@pytest.mark.parametrize("page", ["overview", "lfs", "runs"])
def test_an_address_may_name_a_run(page: str, shop: Shop, opened: Open) -> None:
    project = shop()
    older = project.runs.open().id
    publish_run(project)
    app = opened(page, run=older)
    assert not app.exception
    assert app.selectbox(key="run").value == older


@every_page
def test_an_address_of_what_is_not_there_opens_all_the_same(
    page: str, shop: Shop, opened: Open
) -> None:
    """A link may be older than the LFs, or somebody changed it by hand."""
    project = shop()
    words = {name: "nonsense" for name in QUERY} | {"precision": "200"}
    app = opened(page, **words)
    assert not app.exception
    assert app.selectbox(key="run").value == project.runs.open().id


QUERY = (
    "class first gold group how keep lf on order other predicted precision queue right run second "
    "shade split state voter which word"
).split()


def test_a_run_that_is_going_on_is_shown_beside_every_page(shop: Shop, opened: Open) -> None:
    project = shop()
    with told_live(project.runs.root, SILENCE) as narrator:
        narrator.stage("train")
        with narrator.task("[Fine-tuning](x)", 10, "steps") as advance:
            advance(4)
            narrator.loss(1, 0.7)
            narrator.loss(2, 0.5)
            app = opened("runs")
    assert not app.exception
    assert "A run is going on: train" in said(app)
    assert_plain(app)


def test_test_rows_are_no_choice_for_lf_authors(shop: Shop, opened: Open) -> None:
    shop()
    assert opened("lfs").get_by_key("on").options == ["dev", "train"]


def make_older(run: RunFolder) -> None:
    """Take out what runs have had since they have tables."""
    shutil.rmtree(run.rows("train").parent)
    shutil.rmtree(run.columns("train").parent)
    run.summaries.unlink()
    manifest = read_json(run.manifest)
    left = {name: file for name, file in manifest["files"].items() if (run.path / name).exists()}
    write_json(run.manifest, {**manifest, "files": left})


def test_the_app_imports_neither_torch_nor_snorkel_nor_lf_files(tmp_path: Path) -> None:
    make_project(tmp_path)
    script = f"""
import sys
from streamlit.testing.v1 import AppTest
for page in {PAGES!r}:
    app = AppTest.from_file({str(APP)!r}, default_timeout=60)
    app.switch_page(f"app_pages/{{page}}.py").run()
    assert not app.exception, (page, app.exception)
    assert app.metric or app.dataframe, page
app.switch_page("app_pages/lfs.py").run()
app.selectbox(key="lf").select("says_cash").run()
assert not app.exception, app.exception
heavy = {{"torch", "transformers", "snorkel", "rules_of_thumb"}} & set(sys.modules)
assert not heavy, heavy
files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
assert not [file for file in files if file.endswith("rules_of_thumb.py")]
"""
    environment = {**os.environ, "WEAKFT_PROJECT": str(tmp_path), "PYTHONPATH": str(APP.parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
