"""Label Studio and back: tasks people can label, gold that is taken once."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from tests.cli.test_commands import refused, weakft
from weakft.dataset import read_dataset
from weakft.errors import DataError
from weakft.interop.label_studio import import_gold, labeling_interface, write_tasks
from weakft.project import Project
from weakft.review import ReviewLog

CLASSES = ("bad", "good")
TRAIN = frozenset("abcdef")


@pytest.fixture
def log(tmp_path: Path) -> ReviewLog:
    return ReviewLog(tmp_path / "gold.jsonl", CLASSES)


@pytest.fixture
def exported(tmp_path: Path) -> Callable[..., Path]:
    """Write tasks as Label Studio exports them."""

    def write(*tasks: object) -> Path:
        (tmp_path / "export.json").write_text(json.dumps(tasks))
        return tmp_path / "export.json"

    return write


def annotation(*choices: str, by: object = 1, **more: object) -> dict:
    result = {"id": "x", "from_name": "label", "to_name": "text", "type": "choices"}
    return {
        "id": 9,
        "completed_by": by,
        "was_cancelled": False,
        "result": [{**result, "value": {"choices": list(choices)}}],
        **more,
    }


def task(row_id: str, *annotations: dict) -> dict:
    return {"id": 100, "data": {"id": row_id, "text": "t"}, "annotations": list(annotations)}


def test_each_choice_becomes_gold_by_its_author(
    log: ReviewLog, exported: Callable[..., Path]
) -> None:
    file = exported(
        task("a", annotation("good", by=7)),
        task("b", annotation("bad", by={"id": 8, "email": "ada@example.org"})),
        task("c"),
        task("d", annotation("good", was_cancelled=True)),
        task("e", annotation("good", by=7), annotation("good", by=8)),
    )
    done = import_gold(file, log, TRAIN)
    assert (done.tasks, done.given, done.known, done.skipped) == (5, 3, 0, {})
    assert [(line.id, line.label, line.author) for line in log.decisions()] == [
        ("a", "good", "label-studio:7"),
        ("b", "bad", "label-studio:ada@example.org"),
        ("e", "good", "label-studio:7"),
    ]


def test_what_cannot_be_taken_is_told_and_skipped(
    log: ReviewLog, exported: Callable[..., Path]
) -> None:
    file = exported(
        task("a", annotation("good"), annotation("bad", by=2)),
        task("b", annotation("good", "bad")),
        task("c", annotation("lukewarm")),
        task("stranger", annotation("good")),
        task("d", annotation()),
        task("e", annotation("good")),
        task("f", annotation("good")),
        task("f", annotation("bad")),
    )
    done = import_gold(file, log, TRAIN)
    assert done.skipped == {
        "annotators disagree": ("a", "f"),
        "with several choices": ("b",),
        "of an unknown class": ("c",),
        "not in train": ("stranger",),
        "without a choice": ("d",),
    }
    assert done.told()[0] == "2 skipped, annotators disagree: a, f"
    assert log.given() == {"e": "good"}


def test_twice_is_once_whatever_was_said_since(
    log: ReviewLog, exported: Callable[..., Path]
) -> None:
    file = exported(task("a", annotation("good")), task("b", annotation("bad")))
    import_gold(file, log, TRAIN)
    log.give("a", "bad", "ada")
    before = log.path.read_bytes()
    assert import_gold(file, log, TRAIN).known == 2
    assert log.path.read_bytes() == before
    assert log.given() == {"a": "bad", "b": "bad"}
    changed = exported(task("a", annotation("good")), task("b", annotation("good")))
    done = import_gold(changed, log, TRAIN)
    assert (done.given, done.known) == (1, 1)
    assert log.given() == {"a": "bad", "b": "good"}


def test_choices_of_other_controls_do_not_count(
    log: ReviewLog, exported: Callable[..., Path]
) -> None:
    both = annotation("good")
    other = {**both["result"][0], "from_name": "language", "value": {"choices": ["de"]}}
    both["result"].append(other)
    ours_alone = annotation("bad")
    ours_alone["result"][0]["from_name"] = "sentiment"
    import_gold(exported(task("a", both), task("b", ours_alone)), log, TRAIN)
    assert log.given() == {"a": "good", "b": "bad"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "wanted a list of tasks, got dict"),
        ("[", "no UTF-8 JSON"),
        ('[{"id": 1, "text": "t", "sentiment": "good"}]', "JSON-MIN"),
        ('[{"data": {"text": "t"}, "annotations": []}]', "task 0 .*'id'"),
        ('[{"data": {"id": 1}, "annotations": [{"result": [7]}]}]', "task 0"),
    ],
)
def test_what_is_no_export_is_refused(
    log: ReviewLog, tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "other.json").write_text(content)
    with pytest.raises(DataError, match=message):
        import_gold(tmp_path / "other.json", log, TRAIN)
    assert not log.path.exists()


def test_tasks_carry_the_labels_as_predictions(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "id": ["a", "b"],
            "text": ['say "ü"', "nothing"],
            "label": pd.Series(["good", None], dtype="str"),
            "p_bad": [0.25, 0.5],
            "p_good": [0.75, 0.5],
            "covered": [True, False],
        }
    )
    write_tasks(frame, "run-1", tmp_path / "tasks.json")
    first, second = json.loads((tmp_path / "tasks.json").read_text())
    result = {
        "from_name": "label",
        "to_name": "text",
        "type": "choices",
        "value": {"choices": ["good"]},
    }
    assert first == {
        "data": {"id": "a", "text": 'say "ü"'},
        "predictions": [{"model_version": "run-1", "score": 0.75, "result": [result]}],
    }
    assert second == {"data": {"id": "b", "text": "nothing"}, "predictions": []}
    with pytest.raises(DataError, match="hides the column 'text'"):
        write_tasks(frame.drop(columns="text"), "run-1", tmp_path / "tasks.json")


def test_the_interface_names_what_the_tasks_name() -> None:
    view = ElementTree.fromstring(labeling_interface(['a "quoted" <class>', "b"], "image"))
    assert view.find("Image").attrib == {"name": "image", "value": "$image"}
    choices = view.find("Choices")
    assert (choices.get("name"), choices.get("toName")) == ("label", "image")
    assert [choice.get("value") for choice in choices] == ['a "quoted" <class>', "b"]


def test_the_command_gives_train_gold(project: Path, exported: Callable[..., Path]) -> None:
    file = exported(task("train-4", annotation("good")), task("nobody", annotation("bad")))
    imported = ("import", "label-studio", file, "--project", project)
    assert weakft(*imported) == {
        "schema": 1,
        "status": "completed",
        "tasks": 2,
        "given": 1,
        "known": 0,
        "skipped": {"not in train": ["nobody"]},
    }
    assert weakft(*imported)["status"] == "unchanged"
    opened = Project.open(project)
    assert read_dataset(opened.config, opened.root).reviewed == {"train-4": 1}
    assert "no such file" in refused(
        "import", "label-studio", "none.json", "--project", project, code=3
    )
