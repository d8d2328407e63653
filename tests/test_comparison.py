"""What moved between label matrices that can be counted by hand."""

import json

import numpy as np
import pytest
from rich.console import Console

from weakft import LabelMatrix
from weakft.cli.moved import as_markdown, as_screen
from weakft.comparison import Comparison, compare_votes, majority_labels
from weakft.intervals import jeffreys

CLASSES = ["ham", "spam"]
NAMES = ("free", "call", "greets")
BEFORE = [[1, 1, -1], [1, -1, 0], [-1, -1, 0], [-1, -1, -1], [-1, 1, -1]]
AFTER = [[1, 1, -1], [-1, -1, 0], [1, -1, 0], [-1, -1, -1], [-1, 1, -1]]
GOLD = {"p": 1, "q": 0, "r": 1}


def matrix(
    rows: list[list[int]], names: tuple[str, ...] = NAMES, ids: str = "abcde"
) -> LabelMatrix:
    return LabelMatrix(np.array(rows, dtype=np.int8), names, tuple(ids))


def compared(before: LabelMatrix, after: LabelMatrix, **options: object) -> Comparison:
    given = {"texts": {row_id: f"text {row_id}" for row_id in after.ids}, "gold": {}} | options
    return compare_votes({"train": before}, {"train": after}, CLASSES, **given)  # type: ignore[arg-type]


def test_an_edited_lf_is_the_one_change() -> None:
    moved = compared(matrix(BEFORE), matrix(AFTER))
    (change,) = moved.changes
    assert (change.kind, change.name, change.rows) == ("changed", "free", 2)
    assert change.before and change.after
    assert (change.before.coverage, change.after.coverage) == (2 / 5, 2 / 5)
    assert (change.before.conflicts, change.after.conflicts) == (1 / 5, 1 / 5)
    assert change.after.votes_for == ("spam",) and change.after.accuracy is None
    assert (moved.coverage_before, moved.coverage_after) == (4 / 5, 4 / 5)


def test_ties_are_no_label() -> None:
    assert majority_labels(np.array(BEFORE, dtype=np.int8), 2).tolist() == [1, -2, 0, -1, 1]
    flips = compared(matrix(BEFORE), matrix(AFTER)).flips
    assert [(f.id, f.text, f.before, f.after) for f in flips] == [
        ("b", "text b", "(tie)", "ham"),
        ("c", "text c", "ham", "(tie)"),
    ]


def test_accuracies_are_measured_on_dev_with_gold() -> None:
    dev = [matrix([[1, -1], [1, -1], [rows, -1]], ("free", "call"), "pqr") for rows in (-1, 1)]
    train = matrix([[-1, -1]], ("free", "call"), "a")
    votes = [{"train": train, "dev": side} for side in dev]
    moved = compare_votes(votes[0], votes[1], CLASSES, texts={}, gold=GOLD)
    (change,) = moved.changes
    assert change.rows == 0 and moved.flip_count == 0
    assert change.before and change.before.accuracy == jeffreys(1, 2)
    assert change.after and change.after.accuracy == jeffreys(2, 3)
    unseen = compare_votes(votes[0], votes[1], CLASSES, texts={}, gold={"q": 0})
    assert unseen.changes == () and unseen.lfs == 2


def test_lfs_come_and_go() -> None:
    shouts = [[-1], [-1], [-1], [1], [-1]]
    after = matrix(np.hstack([BEFORE, shouts])[:, [0, 2, 3]].tolist(), ("free", "greets", "shouts"))
    moved = compared(matrix(BEFORE), after)
    assert [(c.name, c.kind, c.rows) for c in moved.changes] == [
        ("shouts", "added", 1),
        ("call", "removed", 2),
    ]
    assert [moved.count(kind) for kind in ("added", "removed", "changed")] == [1, 1, 0]
    assert [(f.id, f.before, f.after) for f in moved.flips] == [
        ("d", "(uncovered)", "spam"),
        ("e", "spam", "(uncovered)"),
    ]


def test_rows_are_matched_by_id() -> None:
    after = matrix([BEFORE[4], BEFORE[0], [0, 0, 0], AFTER[2]], ids="eaxc")
    moved = compared(matrix(BEFORE), after)
    assert (moved.rows, moved.rows_new, moved.rows_gone) == (3, 1, 2)
    assert [(f.id, f.before, f.after) for f in moved.flips] == [("c", "ham", "(tie)")]
    assert "Not compared: 1 new rows, 2 gone." in as_markdown(moved)
    strangers = compared(matrix(BEFORE), matrix(BEFORE, ids="vwxyz"))
    assert (strangers.rows, strangers.changes, strangers.coverage_after) == (0, (), 0.0)


def test_markdown_shows_what_moved_and_nothing_else() -> None:
    moved = compared(matrix(BEFORE), matrix(AFTER), shown=1)
    assert as_markdown(moved).splitlines() == [
        "## 3 LFs: 0 added, 0 removed, 1 changed",
        "",
        "| LF | votes for | coverage | conflicts | accuracy on dev [low, high] (support) |",
        "| --- | --- | --- | --- | --- |",
        "| free (2 votes changed) | spam | 40.0% | 20.0% | no evidence |",
        "",
        "2 rows change their label (the first 1 below); 80.0% of train covered.",
        "",
        "| id | before | after | text |",
        "| --- | --- | --- | --- |",
        "| b | (tie) | ham | text b |",
    ]


def test_a_terminal_shows_the_same() -> None:
    console = Console(width=200)
    texts = dict.fromkeys("abcde", "[bold]as it stands[/bold]")
    with console.capture() as shown:
        console.print(as_screen(compared(matrix(BEFORE), matrix(AFTER), texts=texts)))
    for words in (
        "1 changed",
        "dev [low, high] (support)",
        "free (2 votes",
        "2 rows change",
        "[bold]",
    ):
        assert words in shown.get()


def test_where_nothing_moved_one_sentence_says_so() -> None:
    moved = compared(matrix(BEFORE), matrix(BEFORE))
    assert as_markdown(moved) == "Nothing moved: 3 LFs vote as before on 5 training rows."


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("a|b\nc", r"a\|b c"),
        (r"back\|slash", r"back\\\|slash"),
        ("*bold* <b> `code`", r"\*bold\* \<b\> \`code\`"),
        ("[click](here)", r"[click\](here)"),
        ("snake_case but _not_ here", r"snake_case but \_not\_ here"),
        ("thanks @ann, see #12", "thanks @&#8203;ann, see #&#8203;12"),
        ("x" * 81, "x" * 79 + "…"),
    ],
)
def test_texts_show_as_they_stand(text: str, cell: str) -> None:
    moved = compared(matrix(BEFORE), matrix(AFTER), texts=dict.fromkeys("abcde", text))
    assert as_markdown(moved).splitlines()[-1] == f"| c | ham | (tie) | {cell} |"


def test_json_says_each_kind() -> None:
    content = json.loads(json.dumps(compared(matrix(BEFORE), matrix(AFTER)).as_dict()))
    assert [change["kind"] for change in content["changes"]] == ["changed"]
    assert (content["flip_count"], content["flips"][0]["after"]) == (2, "ham")
