"""The pages about labels: LFs, conflicts, coverage and soft labels, on rows counted by hand."""

import re

import pandas as pd
import pytest

from tests.app.conftest import TRAIN, TWINS, Open, Shop, as_parquet, publish_run, put, put_json
from tests.app.reading import cards, clicked, evidence, ids, said, table
from weakft.runs import read_json


@pytest.fixture
def shown(shop: Shop) -> None:
    shop()


@pytest.mark.usefixtures("shown")
def test_lfs_show_evidence_and_its_absence(opened: Open) -> None:
    app = opened("lfs")
    assert cards(app) == {
        "LFs": "4",
        "Covered by any LF": "5",
        "In conflict": "1",
        "Dev votes with gold": "4",
    }
    assert evidence(app)["LFs"] == "3 vote on train"
    assert evidence(app)["In conflict"] == "of 6 train rows"
    lfs = table(app, "lf", "evidence").set_index("lf")
    assert lfs["accuracy"][["says_cash", "says_noon", "says_win"]].tolist() == [100, 100, 0]
    assert lfs.index[0] == "says_win", "the one that hurts most"
    assert lfs.loc["says_win", "evidence"].endswith(", 1 vote")
    assert lfs.loc["never_fires", "evidence"] == "no evidence"
    assert pd.isna(lfs.loc["never_fires", "accuracy"])
    assert len(app.get("vega_lite_chart")) == 1


@pytest.mark.usefixtures("shown")
@pytest.mark.parametrize(
    ("lf", "split", "keep", "rows"),
    [
        ("says_cash", "train", "all it votes on", [0, 1, 5]),
        ("says_cash", "train", "right", [0, 1]),
        ("says_cash", "train", "wrong", [5]),
        ("says_cash", "train", "in conflict", [5]),
        ("says_cash", "train", "decided alone", [1]),
        ("says_noon", "train", "in conflict", [5]),
        ("says_noon", "train", "wrong", []),
        ("says_win", "train", "decided alone", [4]),
        ("says_win", "dev", "all it votes on", [2]),
        ("says_win", "dev", "wrong", [2]),
        ("says_noon", "dev", "right", [1, 2]),
        ("never_fires", "train", "all it votes on", []),
    ],
)
def test_a_link_leads_to_the_rows_of_an_lf(
    lf: str, split: str, keep: str, rows: list[int], opened: Open
) -> None:
    app = opened("lfs", lf=lf, on=split, which=keep)
    assert not app.exception
    assert (app.get_by_key("on").value, app.get_by_key("which").value) == (split, keep)
    assert app.selectbox(key="lf").value == lf
    assert ids(app) == [f"{split}_{row}" for row in rows]
    assert ("No such rows." in said(app)) == (not rows)


@pytest.mark.usefixtures("shown")
def test_rows_follow_what_is_chosen(opened: Open) -> None:
    app = opened("lfs")
    assert ids(app) == []
    app.selectbox(key="lf").select("says_cash").run()
    assert ids(app) == ["dev_0"]
    app.get_by_key("on").set_value("train").run()
    app.get_by_key("which").set_value("wrong").run()
    row = table(app, "id", "text").iloc[0]
    assert row["text"] == "train the CASH desk opens at noon"
    assert (row["gold"], row["state"]) == ("ham", "conflicted")
    assert row["LF votes"] == "says_cash: spam, says_noon: ham"
    assert "1 row" in said(app).splitlines()


@pytest.mark.usefixtures("shown")
def test_a_clicked_row_is_explained(opened: Open) -> None:
    app = opened("lfs", lf="says_cash", on="train")
    charts = len(app.get("vega_lite_chart"))
    app = clicked(app, "lf_rows", 2)
    assert "train the CASH desk opens at noon" in said(app)
    assert len(app.get("vega_lite_chart")) == charts + 1


@pytest.mark.usefixtures("shown")
def test_what_an_lf_raised_and_how_it_is_written(opened: Open) -> None:
    app = opened("lfs", lf="says_cash")
    assert "Oops: 1" in said(app), "the first traceback of an LF that raised"
    assert "It does not stand by itself in an LF file" in said(app)


def test_the_source_is_read_and_not_run(shop: Shop, opened: Open) -> None:
    project = shop()
    source = "@labeling_function()\ndef says_win(x):\n    raise SystemExit"
    project.lf_files[0].write_text(f"raise SystemExit\n\n\n{source}\n")
    app = opened("lfs", lf="says_win")
    assert app.code[0].value == source


def test_without_gold_nobody_knows_which_votes_are_wrong(shop: Shop, opened: Open) -> None:
    shop(gold=False)
    app = opened("lfs", lf="says_win", which="wrong")
    assert not app.exception
    assert set(table(app, "lf", "evidence")["evidence"]) == {"no evidence"}
    assert "nobody knows which votes are wrong" in said(app)
    assert "nobody knows which are wrong" in said(opened("labels", keep="wrong"))


@pytest.mark.usefixtures("shown")
def test_conflicts_and_their_rows(opened: Open) -> None:
    """Only says_cash meets others on train: says_noon in conflict, says_win in agreement."""
    app = opened("conflicts", first="says_cash", second="says_noon")
    assert cards(app)["Rows in conflict"] == "1"
    assert cards(app)["Pairs that meet"] == "2"
    assert evidence(app)["Pairs that meet"] == "of 6"
    assert ids(app) == ["train_5"]
    app.get_by_key("how").set_value("agree").run()
    assert ids(app) == []
    app.selectbox(key="second").select("says_win").run()
    assert ids(app) == ["train_0"]
    app.get_by_key("shade").set_value("agreement").run()
    assert not app.exception
    assert ids(app) == ["train_0"]


def test_near_copies_stand_in_a_table_of_their_own(shop: Shop, opened: Open) -> None:
    shop(rows=(*TRAIN, *TWINS))
    app = opened("conflicts")
    assert cards(app)["Near copies"] == "1"
    (pair,) = table(app, "what_to_do").to_dict("records")
    assert (pair["first"], pair["second"], pair["agree"]) == ("says_cash", "says_win", 31)
    assert pair["overlap"] == pytest.approx(100 * 31 / 34)
    assert re.fullmatch(r"\d+% to \d+%, 34 rows", pair["overlap_evidence"])
    assert re.fullmatch(r"9\d% to 100%, 31 rows", pair["agreement_evidence"])
    assert pair["expected_agree"] == pytest.approx(33 * 32 / 36, abs=0.01)
    assert pair["what_to_do"].startswith("Merge them, or drop says_win: they count twice")
    agreeing = opened("conflicts", first="says_cash", second="says_win", how="agree")
    assert ids(agreeing) == [f"train_{row}" for row in (0, *range(6, 36))]


@pytest.mark.usefixtures("shown")
def test_without_near_copies_the_page_says_so(opened: Open) -> None:
    app = opened("conflicts")
    assert cards(app)["Near copies"] == "0"
    assert "No two LFs vote on nearly the same rows and alike." in said(app)


def test_an_older_run_says_that_it_did_not_look_for_copies(shop: Shop, opened: Open) -> None:
    run = shop().runs.open()
    told = read_json(run.summaries)
    del told["near_copies"]
    put_json(run, run.summaries, told)
    app = opened("conflicts", first="says_cash", second="says_noon")
    assert not app.exception
    assert cards(app)["Near copies"] == "–"
    assert "did not look for them" in said(app)
    assert ids(app) == ["train_5"], "all else is shown"


def test_estimates_are_held_against_dev(shop: Shop, opened: Open) -> None:
    """An estimate has no interval of its own: the one on dev says whether to believe it."""
    run = shop().runs.open()
    lfs = pd.read_parquet(run.lf_summary).assign(
        estimated_accuracy=[0.99, 0.1, 0.97, 0.7],
        value=[0.25, None, -0.5, None],
        value_low=[0.125, None, -1.0, None],
        value_high=[0.5, None, 0.25, None],
    )
    put(run, run.lf_summary, as_parquet(lfs))
    shown = table(opened("lfs"), "against_dev").set_index("lf")
    assert shown.index.tolist()[:2] == [lfs["lf"][2], lfs["lf"][0]], "the lowest value first"
    shown = shown.loc[lfs["lf"]]
    assert shown["estimated_accuracy"].tolist() == [99, 10, 97, 70]
    assert shown["against_dev"].tolist()[:3] == ["within", "too low", "too high"]
    assert pd.isna(shown["against_dev"]["never_fires"])
    assert shown["votes"].tolist() == [3, 2, 2, 0]
    assert shown["value_bounds"].tolist() == [
        "+0.125 to +0.500",
        "no evidence",
        "-1.000 to +0.250",
        "no evidence",
    ]


def test_label_models_compared_show_their_evidence(shop: Shop, opened: Open) -> None:
    run = shop().runs.open()
    metrics = read_json(run.metrics)
    judged = {"accuracy": 0.75, "accuracy_low": 0.25, "accuracy_high": 0.97, "support": 4}
    nats = {"negative_log_likelihood": 0.5, "standard_error": 0.1}
    metrics["labels"]["candidates"] = [
        {"name": "one_coin", "note": "", **judged, **nats},
        {"name": "snorkel", "note": "needs three LFs"},
        {"name": "older", "note": "", "accuracy": 0.5},
    ]
    put_json(run, run.metrics, metrics)
    shown = table(opened("labels"), "held_out_votes").set_index("name")
    assert shown["accuracy"].tolist()[::2] == [75, 50]
    assert shown["evidence"].tolist() == ["25% to 97%, 4 rows", "no evidence", "no evidence"]
    assert shown["nats_bounds"]["one_coin"] == "0.304 to 0.696"
    assert shown["note"]["snorkel"] == "needs three LFs"


def test_lfs_that_never_meet_have_no_heat_map(shop: Shop, opened: Open) -> None:
    shop(rows=(("win", "spam"), ("noon", "ham"), ("hello", "ham")), gold=False)
    app = opened("conflicts")
    assert not app.exception
    assert cards(app)["Pairs that meet"] == "0"
    assert "No two LFs vote on the same row" in said(app)
    assert not app.get("vega_lite_chart")


@pytest.mark.usefixtures("shown")
def test_coverage_and_what_is_searched_in_it(opened: Open) -> None:
    app = opened("coverage")
    missed = {"No vote for ham": "1 row"}
    assert cards(app) == {"Uncovered": "1", "Covered": "83.3%"} | missed
    assert ids(app) == ["train_3"]
    app.text_input(key="search").set_value("LUNCH").run()
    assert ids(app) == ["train_3"]
    app.text_input(key="search").set_value("noon").run()
    assert ids(app) == []
    assert ids(opened("coverage", search="lunch?")) == ["train_3"]
    assert ids(opened("coverage", search="lunch.")) == [], "no pattern, but a text"


@pytest.mark.usefixtures("shown")
def test_classes_that_lfs_miss_lead_to_their_rows(opened: Open) -> None:
    """Of the ham in dev, "hello" has no vote; "noon" finds the other two; "CASH" the spam."""
    app = opened("coverage")
    reach = table(app, "reached", "labelled")
    assert reach["class"].tolist() == ["ham", "spam"], "the least found first"
    assert reach["reached"].round().tolist() == [67, 100]
    assert reach["right"].round().tolist() == [100, 50], "says_win is wrong on 'win at noon'"
    app = opened("coverage", **{"class": "ham"})
    assert table(app, "text", "LF votes")["text"].tolist() == ["dev hello"]
    app = opened("coverage", **{"class": "spam"})
    assert "No such rows." in said(app)


def test_without_a_vote_on_dev_no_class_is_found(shop: Shop, opened: Open) -> None:
    publish_run(shop(), rules=(("you", 1), ("lunch", 0), ("desk", 0), ("never", 0)))
    app = opened("coverage")
    assert not app.exception
    reach = table(app, "reached", "labelled")
    assert reach["reached"].tolist() == [0, 0]
    assert reach["right"].isna().all()
    assert reach["right_evidence"].tolist() == ["no evidence"] * 2
    assert not opened("overview").exception


def test_a_group_of_uncovered_rows_leads_to_its_rows(shop: Shop, opened: Open) -> None:
    batteries = [(f"battery died {row}", "ham") for row in range(6)]
    shop(rows=(*TRAIN, *batteries, *[("the lens", "ham")] * 6))
    groups = table(opened("coverage"), "rows", "words")
    of_batteries = groups[groups["words"].str.contains("battery")]
    assert of_batteries["words"].tolist() == ["battery (6), died (6)"]
    assert of_batteries["matched"].tolist() == [f"6 of {rows}" for rows in of_batteries["rows"]]
    app = opened("coverage", group=str(of_batteries.index[0] + 1), word="died")
    assert ids(app) == [f"train_{row}" for row in range(6, 12)]


def test_words_of_a_gap_lead_to_its_rows(shop: Shop, opened: Open) -> None:
    batteries = [(f"battery died {row}", "ham") for row in range(6)]
    shop(rows=(*TRAIN, *batteries, *[("the lens", "ham")] * 6))
    app = opened("coverage", word="battery")
    assert cards(app)["Uncovered"] == "13"
    assert table(app, "rows", "words")["rows"].sum() == 13
    assert ids(app) == [f"train_{row}" for row in range(6, 12)]
    app.text_input(key="search").set_value("lens").run()
    assert ids(app) == [f"train_{row}" for row in range(12, 18)]


@pytest.mark.usefixtures("shown")
def test_labels_show_choice_and_quality(opened: Open) -> None:
    app = opened("labels")
    assert cards(app) == {
        "Label model": "majority_vote",
        "Covered": "83.3%",
        "In conflict": "1",
        "Mean confidence": "90.0%",
        "Labelled by hand": "0",
    }
    assert "Took majority_vote, alone." in said(app)
    assert "never_fires never voted on train" in said(app)
    assert table(app, "note")["name"].tolist() == ["majority_vote"]
    assert table(app, "split", "evidence")["split"].tolist() == ["train", "dev", "valid"]
    assert len(app.get("vega_lite_chart")) == 3


@pytest.mark.usefixtures("shown")
@pytest.mark.parametrize(
    ("keep", "rows"),
    [
        ("all", [0, 1, 2, 3, 4, 5]),
        ("unsure", [5]),
        ("in conflict", [5]),
        ("wrong", []),
        ("model says otherwise", [2]),
    ],
)
def test_labels_are_filtered(keep: str, rows: list[int], opened: Open) -> None:
    """The model says spam everywhere; row 2 is labelled ham, the votes on row 5 tie."""
    app = opened("labels", keep=keep)
    assert not app.exception
    assert ids(app) == [f"train_{row}" for row in rows]
    assert app.get_by_key("keep").value == keep


def test_many_rows_stand_on_pages(shop: Shop, opened: Open) -> None:
    shop(rows=(*TRAIN, *((f"win {row}", "spam") for row in range(100))))
    app = opened("labels")
    assert "106 rows" in said(app)
    (pages,) = app.get("pagination")
    assert pages.num_pages == 3
    assert ids(app) == [f"train_{row}" for row in range(50)]
    pages.set_value(3).run()
    assert ids(app) == [f"train_{row}" for row in range(100, 106)]
    app.get_by_key("keep").set_value("in conflict").run()
    assert ids(app) == ["train_5"]
    app.get_by_key("keep").set_value("all").run()
    assert len(ids(app)) == 50
