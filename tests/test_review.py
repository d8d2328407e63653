"""Labels that people give: the log keeps them, the next run learns from them."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.test_commands import refused, weakft
from tests.conftest import CONFIG, LF_FILE, POSITIVE
from weakft.dataset import read_dataset
from weakft.errors import DataError
from weakft.files import sha256
from weakft.labels import SoftLabels
from weakft.narration import SILENCE
from weakft.pipeline import stagewise
from weakft.pipeline.gold_parts import gold_rows
from weakft.project import Project
from weakft.review import Decision, ReviewLog
from weakft.runs import read_json

CLASSES = ("bad", "so so", "good")
IDS = ["a", "b", 'a "quoted"\nid\u2028 ü']
AUTHORS = ["ada", "bob"]

GIVE = st.tuples(st.sampled_from(AUTHORS), st.sampled_from(IDS), st.sampled_from(CLASSES))
UNDO = st.tuples(st.sampled_from(AUTHORS), st.none(), st.none())
STEPS = st.lists(GIVE | UNDO, max_size=12)

PERFECT_IS_UNKNOWN = LF_FILE.replace('"love", "perfect"', '"love"')
HARD, WRONG = "train-4", "train-0"  # no LF votes on the first; the LFs say 'good' of the second


@pytest.fixture
def log(tmp_path: Path) -> ReviewLog:
    return ReviewLog(tmp_path / "review" / "gold.jsonl", CLASSES)


def labels(stacks: dict[str, list[tuple[int, str, str]]]) -> dict[str, str]:
    return {row_id: stack[-1][2] for row_id, stack in stacks.items() if stack}


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_any_giving_and_undoing_agrees_with_stacks_of_labels(steps: list) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = ReviewLog(Path(folder) / "gold.jsonl", CLASSES)
        stacks: dict[str, list[tuple[int, str, str]]] = {row_id: [] for row_id in IDS}
        written = []
        for number, (author, row_id, label) in enumerate(steps):
            if row_id is not None:
                stacks[row_id].append((number, author, label))
                written.append(log.give(row_id, label, author))
            else:
                own = [s for s in stacks.values() if s and s[-1][1] == author]
                undone = log.undo(author)
                assert (undone is None) == (not own)
                if undone is not None:
                    max(own, key=lambda stack: stack[-1]).pop()
                    written.append(undone)
            assert log.given() == labels(stacks)
        assert log.decisions() == written


@settings(max_examples=60, deadline=None)
@given(STEPS.filter(lambda steps: any(step[1] for step in steps)), st.data())
def test_a_torn_line_is_all_a_crash_loses(steps: list, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = ReviewLog(Path(folder) / "gold.jsonl", CLASSES)
        for author, row_id, label in steps:
            _ = log.undo(author) if row_id is None else log.give(row_id, label, author)
        whole, before = log.path.read_bytes(), log.decisions()
        cut = data.draw(st.integers(0, len(whole)))
        log.path.write_bytes(whole[:cut])
        kept = before[: (whole[:cut] + b"\n").count(b"}\n")]
        assert log.decisions() == kept
        after = log.give("next", "good", "ada")
        assert log.decisions() == [*kept, after]
        assert log.path.read_bytes().count(b"\n") == len(kept) + 1


def test_the_file_is_one_plain_line_a_decision(log: ReviewLog) -> None:
    assert (log.given(), log.decisions(), log.undo("ada")) == ({}, [], None)
    assert not log.path.exists()
    log.give("ü", "so so", "ada")
    log.undo("ada")
    first, second = log.path.read_text(encoding="utf-8").splitlines()
    assert "ü" in first
    line = json.loads(first)
    assert list(line) == ["id", "label", "author", "at"]
    age = datetime.now(UTC) - datetime.fromisoformat(line["at"])
    assert timedelta(0) <= age + timedelta(milliseconds=1) < timedelta(minutes=1)
    assert json.loads(second)["label"] is None


def test_undo_among_ones_own_leaves_those_of_the_same_name(log: ReviewLog) -> None:
    mine = [log.give("a", "good", "ada"), log.give("b", "good", "ada")]
    theirs = [log.give("c", "bad", "ada"), log.give("b", "bad", "ada")]
    undone = log.undo("ada", mine)
    assert undone is not None and (undone.id, undone.label) == ("a", None)
    assert log.given() == {"b": "bad", "c": "bad"}
    assert log.undo("ada", mine) is None, "theirs is in force on b"
    undone = log.undo("ada", theirs)
    assert undone is not None and (undone.id, undone.label) == ("b", "good")
    log.undo("ada", mine)
    assert log.given() == {"c": "bad"}
    assert log.undo("ada", []) is None
    assert log.undo("ada") is not None


def test_lines_of_other_hands_count_too(log: ReviewLog) -> None:
    log.path.parent.mkdir()
    lines = [
        {"id": "a", "label": "good", "author": "ada", "at": "2025-01-31T09:00:00+00:00"},
        {"id": "b", "label": "bad", "author": "bob", "at": "2025-01-31T09:00:00+00:00"},
        {"id": "a", "label": None, "author": "bob", "at": "2025-01-31T09:00:00+00:00"},
        {"id": "b", "label": "good", "author": "ada", "at": "2025-01-31T09:00:00+00:00"},
    ]
    log.path.write_text("\n".join(map(json.dumps, lines)))  # the last one without a newline
    assert log.given() == {"b": "good"}
    assert log.undo("bob") is None
    log.undo("ada")
    assert log.given() == {"b": "bad"}
    assert log.decisions()[:4] == [Decision(**line) for line in lines]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"id": "b", "la', "EOF"),
        ("", "EOF"),
        ('{"id": "b", "label": "good", "author": "ada"}', "'at': Field required"),
        ('{"id": 7, "label": "good", "author": "ada", "at": "now"}', "'id': .*string"),
        ('{"id": " ", "label": "good", "author": "ada", "at": "now"}', "the id is empty"),
        ("[]", "object"),
    ],
)
def test_a_broken_line_is_named(log: ReviewLog, line: str, reason: str) -> None:
    log.give("a", "good", "ada")
    log.path.write_text(log.path.read_text() + line + "\n")
    with pytest.raises(DataError, match=rf"gold\.jsonl, line 2: .*{reason}.*Mend the line"):
        log.given()
    with pytest.raises(DataError, match="line 2"):
        log.undo("ada")


@pytest.mark.parametrize(
    ("row_id", "label"), [("", "good"), (" ", "good"), (7, "good"), ("a", "x")]
)
def test_unfit_decisions_are_refused(log: ReviewLog, row_id: str, label: str) -> None:
    with pytest.raises(DataError):
        log.give(row_id, label, "ada")
    assert not log.path.exists()


def test_a_class_that_is_gone_is_refused_where_it_counts(log: ReviewLog) -> None:
    log.give("a", "so so", "ada")
    log.give("b", "so so", "ada")
    log.give("b", "good", "bob")
    fewer = ReviewLog(log.path, ("bad", "good"))
    with pytest.raises(DataError, match=r"gold\.jsonl: 1 row is labelled 'so so'"):
        fewer.given()
    with pytest.raises(DataError, match="'b' cannot be labelled 'so so'"):
        fewer.undo("bob")
    fewer.give("a", "bad", "ada")
    assert fewer.given() == {"a": "bad", "b": "good"}


WORKER = """
import sys
from pathlib import Path
from weakft.review import ReviewLog
log = ReviewLog(Path(sys.argv[1]), ("no", "yes"))
print("ready", flush=True)
sys.stdin.readline()
for number in range(15):
    log.undo("ada")
    log.give(f"{sys.argv[2]}-{number}", "yes", sys.argv[2])
"""


def test_two_processes_lose_nothing_and_undo_nothing_twice(tmp_path: Path) -> None:
    log = ReviewLog(tmp_path / "gold.jsonl", ("no", "yes"))
    for number in range(30):
        log.give(f"ada-{number}", "no", "ada")
    command = [sys.executable, "-W", "ignore", "-c", WORKER, str(log.path)]
    workers = [
        subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name in ("bob", "eve")
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        worker.communicate()
        assert worker.returncode == 0
    assert log.given() == {f"{name}-{n}": "yes" for name in ("bob", "eve") for n in range(15)}
    assert len(log.decisions()) == 30 + 30 + 30


@pytest.fixture
def reviewed(make_project: Callable[..., Path]) -> Project:
    """The tiny project with two reviewed rows, and a third that is not in train any more."""
    project = Project.open(make_project(lfs=PERFECT_IS_UNKNOWN))
    project.review.give(WRONG, "bad", "ada")
    project.review.give("gone", "bad", "ada")
    project.review.give(HARD, "good", "bob")
    return project


def test_the_file_can_lie_elsewhere(reviewed: Project) -> None:
    assert reviewed.review.path == reviewed.root / "review" / "gold.jsonl"
    moved = Project.open(reviewed.root, ["data.review=elsewhere.jsonl"])
    assert moved.review.path == reviewed.root / "elsewhere.jsonl"
    assert read_dataset(moved.config, moved.root).reviewed == {}


def test_the_door_lets_in_rows_of_train_only(reviewed: Project) -> None:
    data = read_dataset(reviewed.config, reviewed.root)
    assert list(data.reviewed.items()) == [(WRONG, 0), (HARD, 1)]
    (warning,) = data.warnings
    assert warning.startswith("1 reviewed row is not in train any more: gone.")
    reviewed.review.give("valid-1", "bad", "ada")
    for number in range(5):
        reviewed.review.give(f"gone-{number}", "bad", "ada")
    (warning,) = read_dataset(reviewed.config, reviewed.root).warnings
    assert warning.startswith("7 reviewed rows are not in train any more: gone, valid-1, gone-0,")
    assert "gone-2 and 2 more." in warning


def test_a_class_that_is_gone_ends_with_its_code(reviewed: Project) -> None:
    ReviewLog(reviewed.review.path, CLASSES).give("train-1", "so so", "ada")
    told = refused("check", "--project", reviewed.root, code=3)
    assert "gold.jsonl: 1 row is labelled 'so so'" in told


def test_check_counts_reviewed_rows(reviewed: Project) -> None:
    assert weakft("check", "--project", reviewed.root)["reviewed"] == 2


def test_the_label_model_learns_nothing_from_reviewed_rows(reviewed: Project) -> None:
    learned = []
    for name in ("gold.jsonl", "none.jsonl"):
        project = Project.open(reviewed.root, [f"data.review=review/{name}"])
        stagewise.apply(project, SILENCE)
        work, metrics = stagewise.label(project, SILENCE)
        soft = SoftLabels.load(work.soft_labels, project.config.classes)
        model = [file.read_bytes() for file in sorted(work.label_model.iterdir())]
        learned.append((soft, model, metrics["labels"]))
    (soft, model, told), (plain, plain_model, plainly_told) = learned
    assert model == plain_model
    assert (told["reviewed"], plainly_told["reviewed"]) == (2, 0)
    assert told["valid"] == plainly_told["valid"]
    others = ~np.isin(soft.ids, [HARD, WRONG])
    assert (soft.probs[others] == plain.probs[others]).all()
    assert (soft.covered[others] == plain.covered[others]).all()
    assert soft.covered.sum() == plain.covered.sum() + 1


def test_reviewed_rows_are_gold_that_never_judges(reviewed: Project) -> None:
    work, votes = stagewise.apply(reviewed, SILENCE)
    data = read_dataset(reviewed.config, reviewed.root)
    gold = gold_rows(data, work, 2)
    assert gold is not None
    assert gold.judged.tolist() == [False] * 24 + [True] * 24 + [False] * 2
    train = data["train"]
    rows = [train.ids.index(WRONG), train.ids.index(HARD)]
    assert gold.rows.texts[-2:] == tuple(train.texts[row] for row in rows)
    assert gold.labels[-2:].tolist() == [0, 1]
    assert (gold.votes[-2:] == votes["train"].values[rows]).all()
    assert (gold.votes[-1] == -1).all()


def test_a_run_learns_from_reviewed_rows(reviewed: Project) -> None:
    content = weakft("run", "--project", reviewed.root)
    folder = Path(content["run_dir"])
    soft = pd.read_parquet(folder / "soft_labels.parquet").set_index("id")
    assert soft.loc[WRONG, ["p_bad", "p_good", "covered"]].tolist() == [1, 0, True]
    assert soft.loc[HARD, ["p_bad", "p_good", "covered"]].tolist() == [0, 1, True]
    told = content["metrics"]["labels"]
    unknown = 48 // 2 // len(POSITIVE)
    assert (told["reviewed"], told["covered"]) == (2, 48 - unknown + 1)
    assert content["metrics"]["end_model"]["gold"]["rows"] == 24 + 24 + 2
    assert any("1 reviewed row is not in train" in warning for warning in content["warnings"])
    recorded = read_json(folder / "manifest.json")["review"]
    path = reviewed.review.path
    assert recorded == {"file": "review/gold.jsonl", "sha256": sha256(path)}


def test_without_a_judge_reviewed_rows_are_sure_labels_only(reviewed: Project) -> None:
    lines = [line for line in CONFIG.splitlines() if not line.startswith(("dev", "valid", "test"))]
    (reviewed.root / "weakft.toml").write_text("\n".join(lines))
    content = weakft("run", "--project", reviewed.root, "--set", "train.gold=mix")
    soft = pd.read_parquet(Path(content["run_dir"]) / "soft_labels.parquet").set_index("id")
    assert soft.loc[HARD, "p_good"] == 1
    gold = content["metrics"]["end_model"]["gold"]
    assert (gold["recipe"], gold["rows"]) == ("none", 0)
    assert any("The reviewed rows (2) enter as sure labels" in w for w in content["warnings"])
    assert any("train.gold = 'mix' has no effect" in warning for warning in content["warnings"])
