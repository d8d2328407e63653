"""Every page, from the entry point: empty, full, without gold, with changed data, hostile."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import APP, PAGES, Shop, make_project, publish_run

Open = Callable[[str], AppTest]
LFS, LABELS, MODEL = PAGES

HOSTILE = "<img src=x onerror=alert(1)> **loud** [go](javascript:alert(1)) :red[x] $a$ `c`"
PLAIN_ELEMENTS = {"arrow_data_frame", "dataframe", "text", "code", "selectbox", "vega_lite_chart"}


def said(app: AppTest) -> str:
    """All plain texts and notices of a page."""
    parts = [*app.text, *app.info, *app.error, *app.caption, *app.subheader, *app.code]
    return "\n".join(element.value for element in parts)


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value.replace("\\", "") for metric in app.metric}


def table(app: AppTest, column: str) -> pd.DataFrame:
    """The last table of the page that has this column."""
    return next(t.value for t in reversed(app.dataframe) if column in t.value.columns)


@pytest.mark.parametrize("page", PAGES)
def test_without_a_project_the_error_is_the_librarys(
    page: str, opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEAKFT_PROJECT", str(tmp_path))
    app = opened(page)
    assert not app.exception
    assert "weakft.toml" in said(app)


@pytest.mark.parametrize("page", PAGES)
def test_without_a_run_the_page_says_how_to_make_one(page: str, shop: Shop, opened: Open) -> None:
    shop(run=False)
    app = opened(page)
    assert not app.exception
    assert app.code[0].value == "weakft run"
    assert not app.metric


def test_lfs_shows_evidence_and_its_absence(shop: Shop, opened: Open) -> None:
    shop()
    app = opened(LFS)
    assert not app.exception
    assert metrics(app)["LFs"] == "4"
    assert metrics(app)["Covered by any LF"] == "5"
    assert metrics(app)["In conflict"] == "1"
    lfs = table(app, "evidence").set_index("lf")
    assert lfs.loc["says_win", "accuracy"] == 0
    assert lfs.loc["says_win", "evidence"].endswith(", 1 vote")
    assert lfs.loc["never_fires", "evidence"] == "no evidence"
    assert pd.isna(lfs.loc["never_fires", "accuracy"])
    assert len(app.get("vega_lite_chart")) == 1


def test_rows_of_an_lf_by_split_and_filter(shop: Shop, opened: Open) -> None:
    shop()
    app = opened(LFS)
    app.selectbox(key="lf").select("says_win").run()
    assert table(app, "others")["id"].tolist() == ["dev_2"]
    app.get_by_key("lf_split").set_value("train").run()
    assert table(app, "others")["id"].tolist() == ["train_0", "train_4"]
    app.selectbox(key="lf").select("says_cash").run()
    app.get_by_key("lf_keep").set_value("wrong").run()
    assert table(app, "others")["id"].tolist() == ["train_5"]
    app.get_by_key("lf_keep").set_value("conflict").run()
    assert table(app, "others")["text"].tolist() == ["train the CASH desk opens at noon"]
    assert not app.exception
    assert "Oops: 1" in said(app), "the first traceback of an LF that raised"


def test_test_rows_are_no_choice_for_lf_authors(shop: Shop, opened: Open) -> None:
    shop()
    app = opened(LFS)
    assert app.get_by_key("lf_split").options == ["dev", "train"]


def test_labels_shows_choice_quality_and_rows(shop: Shop, opened: Open) -> None:
    shop()
    app = opened(LABELS)
    assert not app.exception
    assert metrics(app)["Label model"] == "majority_vote"
    assert metrics(app)["Covered"] == "83.3%"
    assert "Took majority_vote, alone." in said(app)
    assert table(app, "note")["name"].tolist() == ["majority_vote"]
    assert table(app, "evidence")["split"].tolist() == ["train", "dev", "valid"]
    assert len(app.get("vega_lite_chart")) == 2
    assert len(table(app, "text")) == 6


@pytest.mark.parametrize(
    ("keep", "ids"),
    [
        ("uncovered", ["train_3"]),
        ("low confidence", ["train_5"]),
        ("wrong", []),
    ],
)
def test_labels_filters(keep: str, ids: list[str], shop: Shop, opened: Open) -> None:
    shop()
    app = opened(LABELS)
    app.get_by_key("labels_keep").set_value(keep).run()
    assert not app.exception
    shown = [t.value for t in app.dataframe if "text" in t.value.columns]
    assert [i for t in shown for i in t["id"]] == ids


def test_model_shows_rivals_gold_and_confusion(shop: Shop, opened: Open) -> None:
    shop()
    app = opened(MODEL)
    assert not app.exception
    assert metrics(app)["Accuracy on test"] == "50.0%"
    assert metrics(app)["Gold enters by"] == "mix"
    board = table(app, "f1_evidence")
    assert sorted(board["key"]) == ["end_model", "gold_only", "majority_vote"]
    assert board.set_index("key").loc["end_model", "accuracy"] == 50
    assert table(app, "recipe")["recipe"].tolist() == ["only", "mix"]
    assert len(app.get("vega_lite_chart")) == 3
    assert "never_fires never voted on train" in said(app)


def test_rows_behind_a_cell(shop: Shop, opened: Open) -> None:
    shop()
    app = opened(MODEL)
    assert len(table(app, "text")) == 4
    app.selectbox(key="gold_class").select("ham").run()
    app.selectbox(key="predicted_class").select("spam").run()
    assert table(app, "text")["id"].tolist() == ["test_2", "test_3"]
    app.get_by_key("model_split").set_value("valid").run()
    assert table(app, "text")["id"].tolist() == ["valid_1", "valid_2", "valid_3"]
    assert "valid chose the checkpoint" in said(app)
    app.selectbox(key="predicted_class").select("ham").run()
    assert "0 rows" in said(app)
    assert not app.exception


def test_without_gold_every_page_says_what_is_missing(shop: Shop, opened: Open) -> None:
    shop(gold=False)
    app = opened(LFS)
    assert not app.exception
    assert set(table(app, "evidence")["evidence"]) == {"no evidence"}
    assert "there is no evidence yet" in said(app)
    app.selectbox(key="lf").select("says_win").run()
    app.get_by_key("lf_keep").set_value("wrong").run()
    assert "nobody knows which are wrong" in said(app)

    app = opened(LABELS)
    assert not app.exception
    assert "No split has gold" in said(app)
    app.get_by_key("labels_keep").set_value("wrong").run()
    assert "nobody knows which are wrong" in said(app)

    app = opened(MODEL)
    assert not app.exception
    assert metrics(app)["Macro-F1 on test"] == "–"
    assert "no honest score" in said(app)
    assert "mistakes cannot be told" in said(app)
    assert "No gold was used." in said(app)


def test_changed_data_refuses_the_rows_and_keeps_the_rest(shop: Shop, opened: Open) -> None:
    project = shop()
    for split in ("train", "dev", "valid", "test"):
        path = project.root / f"{split}.parquet"
        pd.read_parquet(path).iloc[:2].to_parquet(path)

    app = opened(LFS)
    app.selectbox(key="lf").select("says_cash").run()
    assert not app.exception
    assert "Put that file back" in said(app)
    assert metrics(app)["LFs"] == "4"

    app = opened(LABELS)
    assert not app.exception
    assert "Put that file back" in said(app)
    assert "Took majority_vote, alone." in said(app)

    app = opened(MODEL)
    assert not app.exception
    assert "Put that file back" in said(app)
    assert len(table(app, "f1_evidence")) == 3


def test_an_older_run_can_be_chosen(shop: Shop, opened: Open) -> None:
    project = shop()
    first = project.runs.ids()[0]
    publish_run(project, ("says_cash", "says_noon", "says_win", "the_new_one"))
    app = opened(LFS)
    newest = project.runs.open("latest").id
    assert app.selectbox(key="run").value == newest
    older = next(run for run in project.runs.ids() if run != newest)
    app.selectbox(key="run").select(older).run()
    assert not app.exception
    names = {newest: table(opened(LFS), "evidence")["lf"], older: table(app, "evidence")["lf"]}
    assert "never_fires" in names[first].tolist()
    assert "never_fires" not in next(n for run, n in names.items() if run != first).tolist()


@pytest.mark.parametrize("page", PAGES)
def test_hostile_names_and_texts_are_never_markdown(page: str, shop: Shop, opened: Open) -> None:
    shop(
        classes=(f"{HOSTILE} 0", f"{HOSTILE} 1"),
        lf_names=tuple(f"{HOSTILE} {j}" for j in range(4)),
        prefix=HOSTILE,
    )
    app = opened(page)
    if page == LFS:
        app.selectbox(key="lf").select(f"{HOSTILE} 0").run()
    if page == MODEL:
        app.selectbox(key="gold_class").select(f"{HOSTILE} 0").run()
    assert not app.exception
    rows = table(app, "text")
    assert len(rows)
    assert rows["text"].str.startswith(HOSTILE).all()
    for place in (app.main, app.sidebar):
        for element in place:
            if element.type not in PLAIN_ELEMENTS:
                assert "onerror" not in str(getattr(element, "proto", "")), element.type


def test_the_app_imports_neither_torch_nor_lf_files(tmp_path: Path) -> None:
    make_project(tmp_path)
    script = f"""
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file({str(APP)!r}, default_timeout=60).run()
for page in {PAGES!r}:
    app.switch_page(page).run()
    assert not app.exception, app.exception
    assert app.metric, page
app.switch_page({LFS!r}).run()
app.selectbox(key="lf").select("says_cash").run()
assert not app.exception, app.exception
heavy = {{"torch", "transformers", "rules_of_thumb"}} & set(sys.modules)
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
