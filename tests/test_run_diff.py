"""Two runs side by side, counted by hand."""

import json
import re
import string
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.published import CLASSES, GOLD, publish, write_gold, write_small_project
from weakft.errors import DataError
from weakft.files import sha256
from weakft.intervals import jeffreys
from weakft.project import Project
from weakft.run_diff import compare_runs
from weakft.runs import read_json, write_json


@pytest.fixture
def small(tmp_path: Path) -> Project:
    """A project without a run."""
    return write_small_project(tmp_path)


def test_lfs_are_matched_by_name_and_rows_by_id(small: Project) -> None:
    before = {"gone": [0, 0, 0, 0], "noon": [1, 0, -1, 0], "cash": [0, 1, 1, -1]}
    after = {"cash": [1, 1, -1, 1], "noon": [-1, 0, 1, 0], "fresh": [0, 0, 0, 0]}
    old = publish(small, votes=before, ids="abcd")
    new = publish(small, votes=after, ids="cbdx")  # b, c, d stand in both
    found = compare_runs(old, new)
    assert (found.old, found.new, found.rows) == (old.run.id, new.run.id, 3)
    assert (found.lfs_added, found.lfs_removed) == (("fresh",), ("gone",))
    assert (found.lfs_changed, found.lfs_unchanged) == ({"noon": 1}, 1)


def test_labels_flip_come_and_go(small: Project) -> None:
    old = publish(small, labels={"a": 1, "b": 1, "c": 0, "d": None, "e": 0, "gone": 1})
    new = publish(small, labels={"fresh": 0, "e": 1, "d": 1, "c": None, "b": 0, "a": 1})
    found = compare_runs(old, new)
    assert (found.flip_count, found.labels_gained, found.labels_lost) == (2, 1, 1)
    assert found.flips.to_dict("records") == [
        {"id": "e", "old": "ham", "new": "spam"},
        {"id": "b", "old": "spam", "new": "ham"},
    ]


@pytest.mark.parametrize("seed", range(6))
def test_it_finds_what_a_loop_over_the_rows_finds(seed: int, small: Project) -> None:
    """Rows come, go and change places; with seed 0 both runs have the same in the same order."""
    rng = np.random.default_rng(seed)
    letters = [rng.permutation(list(string.ascii_letters))[:40] for _ in range(2)]
    letters = [letters[0]] * 2 if seed == 0 else letters
    votes = [
        {lf: rng.integers(-1, 2, 40).tolist() for lf in names}
        for names in (("stays", "goes", "too"), ("comes", "too", "stays"))
    ]
    labels = [
        {row: [0, 1, None][k] for row, k in zip(rows, rng.integers(0, 3, 40), strict=True)}
        for rows in letters
    ]
    sides = [
        publish(small, votes=votes[side], ids="".join(letters[side]), labels=labels[side])
        for side in (0, 1)
    ]
    found = compare_runs(*sides)
    both = [row for row in letters[1] if row in letters[0]]
    place = [{row: position for position, row in enumerate(rows)} for rows in letters]
    moved = {
        lf: sum(votes[0][lf][place[0][row]] != votes[1][lf][place[1][row]] for row in both)
        for lf in ("too", "stays")
    }
    changes = [(row, labels[0][row], labels[1][row]) for row in both]
    assert found.rows == len(both)
    assert (found.lfs_added, found.lfs_removed) == (("comes",), ("goes",))
    assert found.lfs_changed == {lf: rows for lf, rows in moved.items() if rows}
    assert found.labels_gained == sum(was is None and now is not None for _, was, now in changes)
    assert found.labels_lost == sum(was is not None and now is None for _, was, now in changes)
    assert found.flips.to_numpy().tolist() == [
        [row, CLASSES[was], CLASSES[now]]
        for row, was, now in changes
        if was is not None and now is not None and was != now
    ]
    assert found.flip_count == len(found.flips) > 0


def test_a_tie_is_no_label(small: Project) -> None:
    old, new = publish(small, labels={"a": 1}), publish(small, labels={"a": 0})
    soft = pd.read_parquet(new.run.soft_labels).assign(p_ham=0.5, p_spam=0.5)
    soft.to_parquet(new.run.soft_labels, index=False)
    manifest = read_json(new.run.manifest)
    manifest["files"]["soft_labels.parquet"] = {
        "sha256": sha256(new.run.soft_labels),
        "bytes": new.run.soft_labels.stat().st_size,
    }
    write_json(new.run.manifest, manifest)
    found = compare_runs(old, new)
    assert (found.flip_count, found.labels_gained, found.labels_lost) == (0, 0, 1)
    assert compare_runs(new, old).labels_gained == 1


@pytest.mark.parametrize("name", ["votes/train", "soft_labels", "predictions/test"])
def test_damaged_tables_are_refused(name: str, small: Project) -> None:
    old, new = publish(small), publish(small)
    file = old.run.path / f"{name}.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    told = rf"{name}\.parquet of run {old.run.id} is damaged: .* `weakft runs verify {old.run.id}`"
    if name == "predictions/test":
        (note,) = compare_runs(old, new).notes
        assert re.search(told, note)
        return
    with pytest.raises(DataError, match=told):
        compare_runs(old, new)


def test_all_flips_are_counted_and_a_thousand_listed(small: Project) -> None:
    sides = [publish(small, labels={f"r{row}": k for row in range(1001)}) for k in (0, 1)]
    found = compare_runs(*sides)
    assert (found.flip_count, len(found.flips)) == (1001, 1000)
    assert found.flips["id"].tolist()[::999] == ["r0", "r999"]


def test_models_are_compared_on_the_same_gold_rows(small: Project) -> None:
    old = publish(small, predictions={"test": {f"test_{row}": 1 for row in range(4)}})
    shuffled = {"test_3": 0, "test_2": 0, "test_1": 0, "test_0": 1}
    new = publish(small, predictions={"test": shuffled})
    found = compare_runs(old, new)
    (test,) = found.scores.values()
    assert (test.rows, test.only_old_right, test.only_new_right) == (4, 1, 2)
    assert (test.accuracy.old, test.accuracy.new) == (jeffreys(2, 4), jeffreys(3, 4))
    assert test.macro_f1.new.value == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert found.notes == ()


def test_a_run_does_not_differ_from_itself(small: Project) -> None:
    run = publish(small)
    found = compare_runs(run, run)
    assert (found.rows, found.lfs_unchanged, found.lfs_changed) == (5, 2, {})
    assert found.flips.empty and list(found.flips) == ["id", "old", "new"]
    assert {split: scores.rows for split, scores in found.scores.items()} == {"test": 4, "valid": 2}
    assert all(scores.accuracy.difference.value == 0 for scores in found.scores.values())


def test_what_stands_on_other_data_is_left_out_with_a_note(small: Project) -> None:
    old = publish(small)
    write_gold(small.root, "test", (0, 1, 0, 0))
    new = publish(small, predictions={"test": {f"test_{row}": 1 for row in range(4)}})
    found = compare_runs(old, new)
    assert found.scores == {}
    assert found.notes == (
        "test is left out: the two runs were scored on different files.",
        f"valid is left out: run {new.run.id} was not scored on it.",
    )


def test_gold_that_changed_since_is_not_read(small: Project) -> None:
    old, new = publish(small), publish(small)
    write_gold(small.root, "test", (0, 1, 0, 0))
    found = compare_runs(old, new)
    assert list(found.scores) == ["valid"]
    (note,) = found.notes
    assert note.startswith("test is left out: ") and f"the file run {new.run.id} was made" in note


def test_predictions_of_other_rows_are_left_out(small: Project) -> None:
    old = publish(small, predictions={"test": {f"test_{row}": 1 for row in range(3)}})
    found = compare_runs(old, publish(small, predictions={"test": {"test_0": 1}}))
    assert found.scores == {}
    assert found.notes == (
        f"test is left out: run {old.run.id} has no prediction for row 'test_3'.",
    )


def test_other_classes_are_refused(small: Project) -> None:
    old = publish(small)
    turned = write_small_project(small.root, classes=CLASSES[::-1])
    with pytest.raises(DataError, match=r"'ham', 'spam'.*'spam', 'ham'"):
        compare_runs(old, publish(turned))


def test_it_becomes_json(small: Project) -> None:
    found = compare_runs(publish(small), publish(small, labels={"a": 0, "b": 1}))
    content = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert content["flips"] == [{"id": "a", "old": "spam", "new": "ham"}]
    assert content["scores"]["test"]["accuracy"]["new"]["support"] == len(GOLD["test"])
    assert isinstance(found.flips, pd.DataFrame)
