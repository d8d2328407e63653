"""Review: each button writes one line of gold, and the next row appears."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import PERSON, TRAIN, Open, Shop
from tests.app.reading import said, table
from weakft.project import Project

MORE = (("CASH at noon", "ham"), ("win at noon", "spam"))


@pytest.fixture
def project(shop: Shop) -> Project:
    return shop(rows=(*TRAIN, *MORE))


def row_shown(app: AppTest) -> str | None:
    """Id of the row to be labelled; None when the queue is done."""
    told = [c.value for c in app.caption if c.value.startswith("Row ")]
    return told[0].removeprefix("Row ").replace("\\", "") if told else None


def give(app: AppTest, label: str) -> AppTest:
    (button,) = [button for button in app.button if button.label == label]
    return button.click().run()


def test_a_label_is_written_and_the_next_row_appears(project: Project, opened: Open) -> None:
    app = opened("review")
    assert row_shown(app) == "train_5"
    assert "train the CASH desk opens at noon" in said(app)
    assert "0 rows are labelled by hand" in said(app)
    give(app, "ham")
    assert row_shown(app) == "train_6"
    assert project.review.given() == {"train_5": "ham"}
    (decision,) = project.review.decisions()
    assert (decision.id, decision.label, decision.author) == ("train_5", "ham", PERSON)
    give(app, "spam")
    give(app, "ham")
    assert row_shown(app) is None
    assert "This queue is done." in said(app)
    assert project.review.given() == {"train_5": "ham", "train_6": "spam", "train_7": "ham"}
    assert not app.exception
    assert row_shown(opened("review")) is None, "for whoever comes next, too"


def test_the_last_can_be_taken_back(project: Project, opened: Open) -> None:
    app = opened("review")
    give(give(app, "ham"), "spam")
    assert row_shown(app) == "train_7"
    for row, left in (("train_6", {"train_5": "ham"}), ("train_5", {})):
        app.button(key="undo").click().run()
        assert row_shown(app) == row
        assert project.review.given() == left
    assert not app.exception
    assert app.button(key="undo").disabled, "nothing is left to take back"


def test_only_ones_own_labels_are_taken_back(project: Project, opened: Open) -> None:
    project.review.give("train_5", "spam", "bob")
    app = opened("review")
    assert row_shown(app) == "train_6"
    assert app.button(key="undo").disabled
    give(app, "ham")
    app.button(key="undo").click().run()
    assert project.review.given() == {"train_5": "spam"}
    assert app.button(key="undo").disabled


def test_a_session_takes_back_nothing_of_another_under_the_same_account(
    project: Project, opened: Open
) -> None:
    mine, theirs = opened("review"), opened("review")
    give(mine, "ham")
    give(theirs.run(), "spam")
    assert project.review.given() == {"train_5": "ham", "train_6": "spam"}
    mine.run().button(key="undo").click().run()
    assert project.review.given() == {"train_6": "spam"}, "theirs is newer, and stays"
    assert mine.button(key="undo").disabled
    theirs.run().button(key="undo").click().run()
    assert project.review.given() == {}


def test_a_row_that_another_session_labelled_since_stays_theirs(
    project: Project, opened: Open
) -> None:
    mine, theirs = opened("review"), opened("review")
    give(mine, "ham")
    give(theirs, "spam")  # the same row, which their page still showed
    assert [decision.id for decision in project.review.decisions()] == ["train_5", "train_5"]
    mine.run().button(key="undo").click().run()
    assert mine.toast[0].value == "Nothing to take back."
    assert project.review.given() == {"train_5": "spam"}
    theirs.run().button(key="undo").click().run()
    assert project.review.given() == {"train_5": "ham"}, "what stood before theirs"
    mine.run().button(key="undo").click().run()
    assert project.review.given() == {}


def test_hidden_ids_are_labelled_under_their_own_names(project: Project, opened: Open) -> None:
    file = project.root / "weakft.toml"
    file.write_text(file.read_text() + '[privacy]\nhidden = ["id"]\n')
    app = opened("review")
    assert row_shown(app) == "(hidden)"
    give(app, "ham")
    assert project.review.given() == {"train_5": "ham"}
    assert "train_5" not in said(app)
    app.button(key="undo").click().run()
    assert "train_5" not in app.toast[0].value
    assert project.review.given() == {}


def test_a_skipped_row_comes_back_in_the_next_session(project: Project, opened: Open) -> None:
    app = opened("review")
    app.button(key="skip").click().run()
    assert row_shown(app) == "train_6"
    assert project.review.decisions() == []
    assert row_shown(opened("review")) == "train_5"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("queue", "row"),
    [
        ("LFs in conflict", "train_5"),
        ("unsure labels", "train_5"),
        ("model against labels", "train_2"),
        ("no LF votes", "train_3"),
    ],
)
def test_queues(queue: str, row: str, opened: Open) -> None:
    """The model says spam, surest on the first rows; of rows labelled ham the first is 2."""
    app = opened("review", queue=queue)
    assert not app.exception
    assert app.get_by_key("queue").value == queue
    assert row_shown(app) == row


@pytest.mark.usefixtures("project")
def test_everybodys_opinion_stands_beside_the_row(opened: Open) -> None:
    told = table(opened("review"), "who", "says").set_index("who")
    assert told["says"].to_dict() == {
        "labels": "(tie)",
        "end model": "spam",
        "says_cash": "spam",
        "says_noon": "ham",
    }
    assert told.loc["labels", "how sure"] == "50%"
    assert told.loc["end model", "how sure"] == "75%"
    told = table(opened("review", queue="no LF votes"), "who", "says").set_index("who")
    assert told["says"].to_dict() == {"labels": "–", "end model": "spam"}


def test_opinions_of_lfs_and_classes_with_commas(shop: Shop, opened: Open) -> None:
    shop(classes=("ham, or so", "spam: bad"), lf_names=("a, b", "c: d", "e", "f"))
    told = table(opened("review"), "who", "says").set_index("who")
    assert told.loc[["a, b", "c: d"], "says"].tolist() == ["spam: bad", "ham, or so"]


def test_no_class_is_suggested_and_keys_are_digits(project: Project, opened: Open) -> None:
    app = opened("review", queue="model against labels")
    buttons = {button.label: button.proto for button in app.button}
    assert buttons["ham"].type == buttons["spam"].type
    assert (buttons["ham"].shortcut, buttons["spam"].shortcut) == ("1", "2")
    assert buttons["Skip"].shortcut == "s"


def test_a_broken_gold_file_is_refused(project: Project, opened: Open) -> None:
    project.review.path.parent.mkdir()
    project.review.path.write_text('{"id": 3}\n{"id": "x"}\n')
    app = opened("review")
    assert not app.exception
    assert "line 1: wanted a JSON object" in said(app)
