"""The pages about the end model; scores on test are hidden, and looking at them is counted."""

import re

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import PERSON, Open, Shop, publish_run, put_json
from tests.app.reading import cards, evidence, ids, said, table
from weakft.files import sha256
from weakft.looks import Looks
from weakft.project import Project
from weakft.runs import read_json

HIDDEN = "Choose between runs by valid."


@pytest.fixture
def project(shop: Shop) -> Project:
    return shop()


def ask_for_test(app: AppTest) -> AppTest:
    (button,) = [button for button in app.button if button.label == "Show scores on test"]
    return button.click().run()


@pytest.mark.usefixtures("project")
def test_the_overview_tells_how_good_the_run_is(opened: Open) -> None:
    app = opened("overview")
    assert cards(app) == {
        "Macro-F1 on valid": "25.0%",
        "Labels right on valid": "66.7%",
        "Covered": "83.3%",
        "LFs": "4",
    }
    assert evidence(app)["Macro-F1 on valid"] == "0% to 70%, 4 rows"
    assert "Most wrong votes are says_win's: 1 of its 1 on dev" in said(app)
    assert "No run is in service yet" in said(app)
    assert len(app.get("vega_lite_chart")) == 1, "the scores over all runs"


def test_without_gold_the_overview_says_so(shop: Shop, opened: Open) -> None:
    shop(gold=False)
    app = opened("overview")
    assert "no honest score" in said(app)
    assert cards(app)["Macro-F1 on valid"] == "–"
    assert evidence(app)["Macro-F1 on valid"] == "no evidence"


def test_scores_on_test_are_shown_on_demand_and_counted(project: Project, opened: Open) -> None:
    looks = Looks(project.runs.root / ".looks.jsonl")
    test = sha256(project.root / "test.parquet")
    app = opened("overview")
    assert HIDDEN in said(app)
    assert "so looks are counted: 0 so far." in said(app)
    assert not [t for t in app.dataframe if "f1_evidence" in t.value.columns]
    assert looks.at_test(test) == []
    assert " on test." not in said(app), "a warning that tells a score on test"
    assert " on test," not in said(app)

    ask_for_test(app)
    board = table(app, "key", "f1_evidence").set_index("key")
    assert set(board.index) == {"end_model", "gold_only", "majority_vote"}
    assert board.loc["end_model", "accuracy"] == 50
    assert "have been looked at once" in said(app)
    (look,) = looks.at_test(test)
    assert (look.run_id, look.by) == (project.runs.open().id, PERSON)

    app.run()
    assert len(looks.at_test(test)) == 1, "the same look, still"
    ask_for_test(opened("overview"))
    assert len(looks.at_test(test)) == 2, "a second session looks again"


def test_one_look_opens_test_on_all_pages_of_that_run(project: Project, opened: Open) -> None:
    newest = publish_run(project).id
    app = opened("errors", split="test")
    assert HIDDEN in said(app)
    assert not app.dataframe
    ask_for_test(app)
    assert ids(app) == ["test_2", "test_3"]
    app.switch_page("app_pages/model.py").run()
    app.get_by_key("split").set_value("test").run()
    assert ids(app)
    older = next(run for run in project.runs.ids() if run != newest)
    app.selectbox(key="run").select(older).run()
    assert HIDDEN in said(app)
    assert ids(app) == []


@pytest.mark.usefixtures("project")
def test_the_model_page_hides_test_until_asked(opened: Open) -> None:
    app = opened("model", split="test")
    assert HIDDEN in said(app)
    assert not [t for t in app.dataframe if "text" in t.value.columns]
    ask_for_test(app)
    assert ids(app) == ["test_2", "test_3", "test_1", "test_0"], "the largest loss first"


@pytest.mark.usefixtures("project")
def test_the_model_page_tells_scores_recipe_and_classes(opened: Open) -> None:
    app = opened("model")
    assert cards(app)["Accuracy on valid"] == "25.0%"
    assert cards(app)["Gold enters by"] == "mix"
    ways = table(app, "recipe").set_index("recipe")
    assert ways["accuracy"].tolist()[0] == 50
    assert ways["evidence"].tolist() == ["20% to 80%, 8 rows", "no evidence"]
    assert "valid chose the checkpoint" in said(app)
    spam = table(app, "class", "of_gold").set_index("class").loc["spam"]
    assert (spam["precision"], spam["recall"]) == (25, 100)
    assert spam["of_gold"].endswith(", 1 row")
    assert spam["f1"] == pytest.approx(40)
    assert spam["f1_evidence"].endswith(", 4 rows")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({}, [1, 2, 3, 0]),
        ({"gold": "ham"}, [1, 2, 3]),
        ({"gold": "spam"}, [0]),
        ({"gold": "ham", "predicted": "spam"}, [1, 2, 3]),
        ({"predicted": "ham"}, []),
    ],
)
def test_rows_behind_a_cell(query: dict[str, str], rows: list[int], opened: Open) -> None:
    """The largest loss first: surest of the wrong ones is row 1."""
    app = opened("model", **query)
    assert not app.exception
    assert ids(app) == [f"valid_{row}" for row in rows]


def test_the_slider_finds_the_confidence_that_is_precise_enough(
    project: Project, opened: Open
) -> None:
    """Of 2,000 rows the surer half is right, the other in half of the cases."""
    n = 2000
    curve = [
        {
            "threshold": threshold,
            "accepted": accepted,
            "precision": precision,
            "precision_low": precision - 0.02,
            "precision_high": precision,
            "precision_support": int(accepted * n),
        }
        for threshold, accepted, precision in [(0.95, 0.25, 1.0), (0.9, 0.5, 0.99), (0.6, 1, 0.75)]
    ]
    run = project.runs.open()
    told = read_json(run.summaries)
    told["model"]["valid"] |= {"accept": curve, "rows": n}
    put_json(run, run.summaries, told)

    app = opened("model")
    assert cards(app)["Accept from"] == "90.0%"
    assert cards(app)["Rows accepted"] == "50.0%"
    assert cards(app)["Right among them, on valid"] == "99.0%"
    assert evidence(app)["Right among them, on valid"] == "97% to 99%, 1,000 rows"
    app.slider(key="precision").set_value(0.98).run()
    assert cards(app)["Accept from"] == "95.0%"
    app.slider(key="precision").set_value(0.5).run()
    assert cards(app)["Rows accepted"] == "100.0%"
    app.slider(key="precision").set_value(0.99).run()
    assert "No confidence is high enough to be sure of 99%, given 2000 rows of valid." in said(app)
    assert cards(opened("model", precision="0.98"))["Accept from"] == "95.0%"


NORTH, SOUTH = "shop: north", "shop: south"


@pytest.mark.usefixtures("project")
def test_slices_by_columns_have_evidence_and_lead_to_their_rows(opened: Open) -> None:
    """The model is right on row 0 alone, which is of the shop in the north."""
    app = opened("model")
    slices = table(app, "column", "value", "evidence")
    assert slices["value"].tolist() == ["south", "north"], "the surely worst first"
    assert slices["accuracy"].tolist() == [0, 50]
    assert re.fullmatch(r"0% to \d+%, 2 rows", slices["evidence"][0])
    assert app.selectbox(key="slice").options == [SOUTH, NORTH]
    app.selectbox(key="slice").select(SOUTH).run()
    assert ids(app) == ["valid_1", "valid_3"]
    app.get_by_key("gold").set_value("ham").run()
    assert ids(app) == ["valid_1", "valid_3"]
    app.selectbox(key="slice").select(NORTH).run()
    assert ids(app) == ["valid_2"]
    assert ids(opened("model", slice=NORTH)) == ["valid_2", "valid_0"]


@pytest.mark.usefixtures("project")
def test_a_slice_that_is_not_there_is_none(opened: Open) -> None:
    app = opened("model", slice="shop: east")
    assert not app.exception
    assert app.selectbox(key="slice").value is None
    assert len(ids(app)) == 4


@pytest.mark.parametrize("since", ["before the run", "after the run"])
def test_a_hidden_column_is_no_slice(since: str, project: Project, opened: Open) -> None:
    with (project.root / "weakft.toml").open("a") as file:
        file.write('[privacy]\nhidden = ["shop"]\n')
    if since == "before the run":
        run = publish_run(Project.open(project.root))
        assert b"north" not in run.columns("valid").read_bytes() + run.summaries.read_bytes()
    app = opened("model", slice=SOUTH)
    assert not app.exception
    assert "No column of the data that may be shown" in said(app)
    assert "south" not in said(app) + str([each.value.to_csv() for each in app.dataframe])
    assert not [box for box in app.selectbox if box.key == "slice"]
    assert len(ids(app)) == 4


def test_an_older_run_says_that_it_has_no_slices_by_columns(project: Project, opened: Open) -> None:
    run = project.runs.open()
    told = read_json(run.summaries)
    for model in told["model"].values():
        del model["columns"]
    put_json(run, run.summaries, told)
    app = opened("model")
    assert not app.exception
    assert "An older weakft made this run, without such slices." in said(app)
    assert len(ids(app)) == 4


@pytest.mark.usefixtures("project")
def test_errors_by_what_the_lfs_say(opened: Open) -> None:
    """Wrong on valid are rows 1 (says_noon is right), 2 (a conflict) and 3 (no LF)."""
    app = opened("errors")
    wrong = [value for label, value in cards(app).items()]
    assert wrong == ["1 mistake", "1 mistake", "0 mistakes", "1 mistake"]
    counted = [told.split(",")[0] for told in evidence(app).values()]
    assert counted == ["of 1: 100%", "of 2: 50%", "of 0 rows", "of 1: 100%"]
    assert re.fullmatch(r"of 2: 50%, \d% to 9\d%", list(evidence(app).values())[1])
    assert ids(app) == ["valid_1", "valid_2", "valid_3"]
    app.selectbox(key="order").select("least sure model").run()
    assert ids(app) == ["valid_3", "valid_2", "valid_1"]
    blame = table(app, "lf", "like_the_model")
    assert blame.to_numpy().tolist() == [["says_win", 1, 0], ["says_noon", 0, 2]]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({"state": "none"}, [3]),
        ({"state": "agreed"}, [1]),
        ({"state": "wrong"}, []),
        ({"state": "conflicted"}, [2]),
        ({"voter": "says_noon"}, [1, 2]),
        ({"voter": "says_noon", "state": "agreed"}, [1]),
        ({"voter": "says_cash"}, []),
    ],
)
def test_errors_are_filtered(query: dict[str, str], rows: list[int], opened: Open) -> None:
    app = opened("errors", **query)
    assert not app.exception
    assert ids(app) == [f"valid_{row}" for row in rows]


@pytest.mark.usefixtures("project")
def test_losses_are_those_of_gold(opened: Open) -> None:
    """The model gives ham 0.21 on row 1."""
    row = table(opened("errors"), "id", "loss").iloc[0]
    assert row["loss"] == pytest.approx(-np.log(0.21), abs=1e-4)
    assert (row["gold"], row["predicted"], row["confidence"]) == ("ham", "spam", 79)


def test_the_threshold_picked_on_valid_is_judged_on_test(project: Project, opened: Open) -> None:
    """From 50 % on, all four rows of test are accepted; the curve of test has no part in it."""
    run = project.runs.open()
    told = read_json(run.summaries)
    point = {"accepted": 0.5, "precision": 0.95, "precision_low": 0.92, "precision_high": 0.99}
    told["model"]["valid"]["accept"] = [{"threshold": 0.5, **point, "precision_support": 2}]
    put_json(run, run.summaries, told)
    app = opened("model", split="test")
    (ask,) = [button for button in app.button if button.label == "Show scores on test"]
    ask.click().run()
    rows = pd.read_parquet(run.columns("test"))
    right = (rows["gold"] == rows["predicted"]).mean()
    assert cards(app)["Accept from"] == "50.0%"
    assert evidence(app)["Accept from"] == "confidence, picked on valid"
    assert cards(app)["Rows accepted"] == "100.0%"
    assert cards(app)["Right among them, on test"] == f"{right:.1%}"
