"""Runs: promote, roll back, and what changed between two."""

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import LFS, PERSON, Open, Shop, as_parquet, publish_run, put
from tests.app.reading import cards, said, table
from weakft.files import sha256
from weakft.looks import Looks
from weakft.project import Project


def when(run_id: str) -> str:
    """When the run was made, as pages call it."""
    day, clock = run_id.split("-")[:2]
    return f"{day[:4]}-{day[4:6]}-{day[6:]} {clock[:2]}:{clock[2:4]}:{clock[4:6]}"


def button(app: AppTest, key: str) -> str | None:
    """What a button says, if it is there."""
    said = [button.label.replace("\\", "") for button in app.button if button.key == key]
    return said[0] if said else None


@pytest.fixture
def two(shop: Shop) -> tuple[Project, str, str]:
    """A project, its older run, and a newer one with an LF that has another name."""
    project = shop()
    older = project.runs.open().id
    return project, older, publish_run(project, (*LFS[:2], "the_new_one", "never_fires")).id


def test_promoting_and_rolling_back_move_the_run_in_service(
    two: tuple[Project, str, str], opened: Open
) -> None:
    project, older, newer = two
    app = opened("runs", run=older)
    assert "No run is in service yet." in said(app)
    assert set(table(app, "run", "status")["status"]) == {"candidate"}
    assert project.registry.current() is None
    assert button(app, "promote") == f"Put {when(older)} into service"
    app.button(key="promote").click().run()
    assert project.registry.current() == older
    assert button(app, "promote") is None
    app.selectbox(key="run").select(newer).run()
    assert f"It is newer than the one in service, of {when(older)}." in said(app)
    app.button(key="promote").click().run()
    assert project.registry.current() == newer
    assert button(app, "rollback") == f"Go back to {when(older)}"
    assert table(app, "run", "status").set_index("run")["status"].to_dict() == {
        newer: "in service",
        older: "retired",
    }
    app.button(key="rollback").click().run()
    assert project.registry.current() == older
    moves = project.registry.history()
    assert [(move.run_id, move.by, move.rollback) for move in moves] == [
        (older, PERSON, False),
        (newer, PERSON, False),
        (older, PERSON, True),
    ]
    assert table(app, "what", "why")["run"].tolist() == [older, newer, older]
    assert button(app, "rollback") is None, "nothing was before it"
    assert not app.exception


def test_the_overview_compares_with_the_run_in_service(
    two: tuple[Project, str, str], opened: Open
) -> None:
    project, older, newer = two
    project.registry.promote(older, PERSON)
    assert "This run is the one in service." in said(opened("overview", run=older))
    app = opened("overview", run=newer)
    assert (
        "On valid no difference can be measured between the run shown and the one in service"
        in said(app)
    )
    assert "LFs: 1 added, 1 removed." in said(app)
    assert "0 of 6 training rows have a label of another class." in said(app)


def test_two_runs_are_compared(two: tuple[Project, str, str], opened: Open) -> None:
    _, older, _ = two
    app = opened("runs")
    assert app.selectbox(key="other").options == [older]
    assert cards(app) == {
        "LFs moved": "2",
        "Labels of another class": "0",
        "Labels gained": "0",
        "Labels lost": "0",
    }
    assert table(app, "LF", "how").drop(columns="rows").to_numpy().tolist() == [
        ["the_new_one", "only in the run shown"],
        ["says_win", "only in the other run"],
    ]
    scores = table(app, "split", "difference")
    assert scores["split"].tolist() == ["valid", "valid"], "test is hidden"
    assert scores["difference"].tolist() == ["+0.0", "+0.0"]
    assert (scores["rows"] == 4).all()


def test_comparing_on_test_is_a_look(two: tuple[Project, str, str], opened: Open) -> None:
    project, _, newer = two
    app = opened("runs")
    (ask,) = [button for button in app.button if button.label == "Show scores on test"]
    ask.click().run()
    assert table(app, "split", "difference")["split"].tolist() == ["test", "test"]
    looks = Looks(project.runs.root / ".looks.jsonl").at_test(sha256(project.root / "test.parquet"))
    assert [look.run_id for look in looks] == [newer]


def test_flipped_labels_are_listed(shop: Shop, opened: Open) -> None:
    """With its votes turned round, says_win takes row 4 along; on row 0 votes tie now."""
    project = shop()
    turned = (("CASH", 1), ("noon", 0), ("win", 0), ("never", 0))
    publish_run(project, rules=turned)
    app = opened("runs")
    assert cards(app)["Labels of another class"] == "1"
    flips = table(app, "id", "text", "label")
    assert flips["id"].tolist() == ["train_4"]
    assert flips["label"].tolist() == ["ham"], "of the run shown"
    assert flips["other label"].tolist() == ["spam"]
    (kinds,) = [pills for pills in app.button_group if pills.key == "flip"]
    assert [option.replace("\\", "") for option in kinds.options] == ["spam → ham (1)"]
    changed = table(app, "LF", "how")
    assert changed.to_numpy().tolist() == [["says_win", "votes otherwise", 2]]


def test_a_single_run_has_nothing_to_compare_with(shop: Shop, opened: Open) -> None:
    shop()
    app = opened("runs")
    assert "There is only one run." in said(app)


def test_runs_of_other_classes_are_not_compared(shop: Shop, opened: Open) -> None:
    project = shop()
    config = project.root / "weakft.toml"
    config.write_text(config.read_text().replace("'ham'", "'good'"))
    for file in ("dev", "valid", "test", "train_gold"):
        path = project.root / f"{file}.parquet"
        frame = pd.read_parquet(path)
        frame.assign(label=frame["label"].replace("ham", "good")).to_parquet(path)
    publish_run(Project.open(project.root))
    app = opened("runs")
    assert not app.exception
    assert "Runs of the same classes can be compared" in said(app)


def test_rows_that_one_model_alone_has_right_are_listed(
    two: tuple[Project, str, str], opened: Open
) -> None:
    """The newer model turns row 0 of valid round, which the older has right or wrong."""
    project, older, newer = two
    tables = [pd.read_parquet(project.runs.open(run).columns("valid")) for run in (older, newer)]
    gold, was = tables[0]["gold"], tables[0]["predicted"]
    flipped = tables[1].assign(predicted=was.where(was.index != 0, 1 - was).astype("int8"))
    run = project.runs.open(newer)
    put(run, run.columns("valid"), as_parquet(flipped))
    lost = bool(was[0] == gold[0])
    who = "only the other run" if lost else "only the run shown"
    app = opened("runs", right=who)
    assert table(app, "text", "predicted")["id"].tolist() == ["valid_0"]
    other = "only the run shown" if lost else "only the other run"
    assert "No such rows." in said(opened("runs", right=other))


def test_rows_that_would_tell_hidden_gold_are_not_listed(
    two: tuple[Project, str, str], opened: Open
) -> None:
    assert "Rows of valid that one model alone has right" in said(opened("runs"))
    with (two[0].root / "weakft.toml").open("a") as file:
        file.write('[privacy]\nhidden = ["label"]\n')
    app = opened("runs")
    assert not app.exception
    assert "Rows of valid that one model alone has right" not in said(app)


def test_a_difference_without_changed_labels_may_be_chance_in_training(
    two: tuple[Project, str, str], opened: Open
) -> None:
    assert "chance in training, which the interval leaves out, may be all" in said(opened("runs"))
    project, older, newer = two
    project.registry.promote(older, PERSON)
    assert "only 0 of 6 labels changed" in said(opened("overview", run=newer))


def test_the_reason_of_a_promotion_is_kept(two: tuple[Project, str, str], opened: Open) -> None:
    app = opened("runs")
    app.text_input(key="why").set_value("because").run()
    app.button(key="promote").click().run()
    assert [move.why for move in two[0].registry.history()] == ["because"]
