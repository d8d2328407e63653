"""Which run answers where none is named: never silently one that the gate refused."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.faults import flipped
from tests.published import Votes, publish, write_gold, write_small_project
from weakft.cli.main import app
from weakft.config import RetrainConfig, Splits
from weakft.errors import RunNotFound
from weakft.gate import check_first
from weakft.labels import LabelMatrix
from weakft.project import Project
from weakft.report import Report


@pytest.fixture
def small(tmp_path: Path) -> Project:
    return write_small_project(tmp_path)


def refuse(project: Project, run_id: str) -> None:
    project.registry.judgements.add({"run_id": run_id, "status": "refused"}, RetrainConfig())


def three_runs(project: Project) -> list[str]:
    return [publish(project).run.id for _ in range(3)]


def test_the_run_in_service_answers_whatever_is_newer(small: Project) -> None:
    old, _, _ = three_runs(small)
    small.registry.promote(old, by="me")
    serving = small.registry.serving()
    assert (serving.run.id, serving.why) == (old, "it is in service")


def test_without_one_the_newest_that_was_not_refused_answers(small: Project) -> None:
    first, second, third = three_runs(small)
    assert small.registry.serving().run.id == third
    refuse(small, third)
    serving = small.registry.serving()
    assert serving.run.id == second
    assert serving.why.endswith("has not refused, unlike 1 newer")
    refuse(small, first)
    assert small.registry.serving().run.id == second
    assert small.runs.open("latest").id == third


def test_where_all_were_refused_one_has_to_be_named(small: Project) -> None:
    with pytest.raises(RunNotFound, match="There is none yet"):
        small.registry.serving()
    for run_id in three_runs(small):
        refuse(small, run_id)
    with pytest.raises(RunNotFound, match=r"refused all of them: .* Name one with --run"):
        small.registry.serving()


def test_a_run_that_repeats_a_refused_one_is_served_with_a_warning(small: Project) -> None:
    refused = publish(small).run.id
    assert small.registry.serving().warning == ""
    refuse(small, refused)
    again = publish(small).run.id
    serving = small.registry.serving()
    assert serving.run.id == again
    assert f"the gate refused {refused}, which was made from the same inputs" in serving.warning
    write_gold(small.root, "test", [1, 0, 0, 0])
    other = publish(small).run.id
    assert (small.registry.serving().run.id, small.registry.serving().warning) == (other, "")


def test_a_run_in_service_that_is_gone_is_not_replaced_silently(small: Project) -> None:
    old, *_ = three_runs(small)
    small.registry.promote(old, by="me")
    shutil.rmtree(small.runs.root / old)
    with pytest.raises(RunNotFound, match=old):
        small.registry.serving()


def test_every_run_has_a_status(small: Project) -> None:
    first, second, third = three_runs(small)
    refuse(small, third)
    assert set(small.registry.statuses().values()) == {"candidate", "refused"}
    small.registry.promote(first, by="me")
    small.registry.promote(second, by="me")
    assert small.registry.statuses() == {
        first: "retired",
        second: "in service",
        third: "refused",
    }
    small.registry.promote(third, by="me", why="all the same")
    assert small.registry.statuses([third]) == {third: "in service"}


def weakft(project: Project, *arguments: str) -> tuple[int, dict, str]:
    done = CliRunner().invoke(app, [*arguments, "--project", str(project.root), "--json"])
    return done.exit_code, json.loads(done.stdout), done.stderr


def test_predict_says_which_run_answers_and_why(small: Project, tiny_model: Path) -> None:
    old, new = (publish(small, model=tiny_model).run.id for _ in range(2))
    rows = str(small.root / "test.parquet")
    answers = str(small.root / "out.csv")
    refuse(small, new)
    code, said, told = weakft(small, "predict", rows, answers)
    assert (code, said["run_id"]) == (0, old)
    assert f"By run {old}: none is in service" in told
    assert f"the gate refused {new}" in told
    code, said, told = weakft(small, "predict", rows, answers, "--run", "latest")
    assert (code, said["run_id"]) == (0, new)
    assert "the gate refused it" in told
    refuse(small, old)
    code, said, _ = weakft(small, "predict", rows, answers)
    assert code == 2 and "--run" in said["error"]["message"]
    code, said, _ = weakft(small, "export", "model", str(small.root / "model.onnx"))
    assert code == 2 and "--run" in said["error"]["message"]
    small.registry.promote(old, by="me")
    code, said, told = weakft(small, "predict", rows, answers)
    assert (code, said["run_id"]) == (0, old)
    assert "it is in service" in told


def test_a_damaged_model_predicts_nothing(small: Project, tiny_model: Path) -> None:
    run = publish(small, model=tiny_model).run
    flipped(run.model / "model.safetensors", 0.9)
    rows, answers = small.root / "test.parquet", small.root / "out.csv"
    code, said, _ = weakft(small, "predict", str(rows), str(answers))
    assert code == 3 and "model/model.safetensors" in said["error"]["message"]
    assert not answers.exists()


def test_the_list_shows_what_became_of_each_run(small: Project) -> None:
    first, second, third = three_runs(small)
    refuse(small, second)
    small.registry.promote(first, by="me")
    _, said, _ = weakft(small, "runs", "list")
    assert [run["status"] for run in said["runs"]] == ["in service", "refused", "candidate"]
    assert [run["current"] for run in said["runs"]] == [True, False, False]
    shown = CliRunner().invoke(app, ["runs", "list", "--project", str(small.root)]).stdout
    for run_id, status in zip((first, second, third), ("in service", "refused"), strict=False):
        assert any(run_id in line and status in line for line in shown.splitlines())


RIGHT: Votes = {"right": [1, 1, 0, 0]}


def first_run(
    project: Project, test: Sequence[int], votes: Votes = RIGHT, train: Sequence[int] = (0, 1)
) -> Report:
    """A run that predicts this on test and train; beside it, what LFs vote on test."""
    predictions: dict[Splits, dict[str, int]] = {
        "train": dict(zip("ab", train, strict=True)),
        "test": {f"test_{row}": k for row, k in enumerate(test)},
    }
    return publish(project, predictions=predictions, test_votes=votes)


@pytest.mark.parametrize(
    ("test", "votes", "train", "failed"),
    [
        ([1, 1, 0, 0], RIGHT, (0, 1), []),
        ([1, 0, 0, 0], {"poor": [1, 0, 1, 0]}, (0, 1), []),
        ([0, 0, 1, 1], RIGHT, (0, 1), ["majority vote"]),
        ([1, 0, 0, 0], RIGHT, (0, 1), []),
        ([0, 0, 0, 0], {"wrong": [0, 0, 1, 1]}, (0, 1), []),
        ([0, 0, 0, 0], {"wrong": [0, 0, 1, 1]}, (0, 0), ["classes"]),
    ],
)
def test_a_first_run_predicts_every_class_and_is_no_worse_than_the_vote(
    small: Project, test: list[int], votes: Votes, train: tuple[int, int], failed: list[str]
) -> None:
    report = first_run(small, test, votes, train)
    verdict = check_first(report, RetrainConfig())
    assert [check.name for check in verdict.checks if not check.passed] == failed
    assert verdict.split == "test"
    assert all("runs promote latest" in reason for reason in verdict.reasons)
    assert check_first(report, RetrainConfig(first="promote")).passed


@pytest.mark.parametrize(
    ("wrong", "passed", "says"),
    [
        (0, True, "is 1.000, that of a plain majority vote 1.000 (14 rows): no less."),
        (1, True, "(14 rows): less, but so few rows may say so by chance."),
        (6, False, "(14 rows): shown to be less (95% sure)."),
    ],
)
def test_a_first_run_is_refused_where_chance_does_not_put_it_below_the_vote(
    small: Project, wrong: int, passed: bool, says: str
) -> None:
    gold = [0, 1] * 7
    write_gold(small.root, "test", gold)
    predicted = [1 - k if row < wrong else k for row, k in enumerate(gold)]
    verdict = check_first(first_run(small, predicted, {"right": gold}), RetrainConfig())
    (check,) = (check for check in verdict.checks if check.name == "majority vote")
    assert (check.passed, verdict.passed) == (passed, passed)
    assert says in check.says


def test_a_class_missed_on_many_gold_rows_refuses_a_first_run(small: Project) -> None:
    """Of four rows chance may do that, of five it does not."""
    wrong: Votes = {"wrong": [0] * 5 + [1] * 5}
    write_gold(small.root, "test", [1] * 5 + [0] * 5)
    verdict = check_first(first_run(small, [0] * 10, wrong), RetrainConfig())
    assert [check.name for check in verdict.checks if not check.passed] == ["recall"]
    assert "'spam', the class of 5 rows, on test" in verdict.reasons[0]


@pytest.mark.parametrize(("right", "failed"), [(14, []), (8, ["majority vote"]), (7, ["recall"])])
def test_where_only_dev_has_gold_a_first_run_is_checked_there(
    small: Project, right: int, failed: list[str]
) -> None:
    gold = [0] * 7 + [1] * 7
    write_gold(small.root, "dev", gold)
    toml = small.root / "weakft.toml"
    settings = toml.read_text().replace("test = 'test.parquet'\nvalid = 'valid", "dev = 'dev")
    toml.write_text(settings)
    predicted = {f"dev_{row}": k if row < right else 0 for row, k in enumerate(gold)}
    votes = np.array(gold if failed != ["recall"] else [0] * 14, dtype=np.int8)[:, None]

    class Voted(Report):
        def votes(self, split: Splits) -> LabelMatrix:
            ids = tuple(predicted)
            return LabelMatrix(votes, ("lf",), ids) if split == "dev" else super().votes(split)

    project = Project.open(small.root)
    predictions: dict[Splits, dict[str, int]] = {"train": {"a": 0, "b": 1}, "dev": predicted}
    report = publish(project, predictions=predictions)
    verdict = check_first(Voted(project, report.run), RetrainConfig())
    assert [check.name for check in verdict.checks if not check.passed] == failed
    assert verdict.split == "dev"


def test_without_gold_a_first_run_has_to_predict_every_class(small: Project) -> None:
    toml = small.root / "weakft.toml"
    toml.write_text(toml.read_text().replace("test = 'test.parquet'\nvalid = ", "# valid = "))
    project = Project.open(small.root)
    for train, passed in (((0, 1), True), ((1, 1), False)):
        predictions: dict[Splits, dict[str, int]] = {"train": dict(zip("ab", train, strict=True))}
        verdict = check_first(publish(project, predictions=predictions), RetrainConfig())
        assert (verdict.passed, verdict.split) == (passed, None)
