"""The commands as a person or a script meets them."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from tests.conftest import CONFIG, LF_FILE, write_project
from weakft.cli.main import app
from weakft.pipeline.evaluating import PROBES
from weakft.project import Project
from weakft.report import Report

runner = CliRunner()


def weakft(*arguments: object, code: int = 0) -> dict:
    """Run a command with --json; exactly one object must stand on stdout."""
    result = runner.invoke(app, [*map(str, arguments), "--json"])
    assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
    (line,) = result.stdout.splitlines()
    content = json.loads(line)
    assert content["schema"] == 1
    return content


def refused(*arguments: object, code: int) -> str:
    return weakft(*arguments, code=code)["error"]["message"]


def leftovers(root: Path) -> list[Path]:
    return [path for path in root.glob("runs/*") if path.name != ".lock"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Path, dict]:
    """One whole run, shared by the tests that only look at it."""
    root = write_project(tmp_path_factory.mktemp("finished") / "project", tiny_model)
    return root, weakft("run", "--project", root)


def test_run_keeps_the_json_contract(finished: tuple[Path, dict]) -> None:
    root, content = finished
    metrics = content["metrics"]
    assert content["status"] == "completed"
    assert Path(content["run_dir"]) == root / "runs" / content["run_id"]
    for name in ("accuracy", "macro_f1"):
        for scored in (
            metrics["end_model"]["test"],
            metrics["end_model"]["valid"],
            metrics["rivals"]["majority_vote"]["test"],
            metrics["rivals"]["gold_only"]["test"],
            metrics["rivals"]["weak_only"]["test"],
            *(metrics["rivals"][probe][on] for probe in PROBES for on in ("valid", "test")),
        ):
            assert 0 <= scored[name]["low"] <= scored[name]["value"] <= scored[name]["high"] <= 1
    assert metrics["end_model"]["train"]["rows"] > 0
    assert metrics["end_model"]["train"]["examples_per_second"] > 0
    assert set(content["timings"]) == {"read", "apply", "label", "train", "evaluate"}
    assert metrics["labels"]["chosen"] in {"majority_vote", "one_coin", "snorkel"}
    assert {c["name"] for c in metrics["labels"]["candidates"]} >= {"snorkel", "majority_vote"}


def test_that_labels_were_read_together_with_texts_is_told(finished: tuple[Path, dict]) -> None:
    root, content = finished
    moved = content["metrics"]["end_model"]["weak"]["relabelled"]
    assert 0 <= moved < 0.5
    project = Project.open(root)
    report = Report(project, project.runs.open(content["run_id"]))
    assert f"moved {moved:.1%} of the covered ones" in str(report.relabelling)
    card = (report.run.model / "README.md").read_text()
    assert f"relabelled by votes and texts; {moved:.1%} of the covered rows moved" in card


def test_the_run_folder_is_as_promised(finished: tuple[Path, dict]) -> None:
    folder = Path(finished[1]["run_dir"])
    for name in (
        "manifest.json",
        "config.toml",
        "votes/train.parquet",
        "lf_summary.parquet",
        "label_model/label_model.json",
        "soft_labels.parquet",
        "model/config.json",
        "predictions/test.parquet",
        "metrics.json",
    ):
        assert (folder / name).is_file(), name
    votes = pd.read_parquet(folder / "votes" / "train.parquet")
    assert votes.dtypes.iloc[1:].eq("int8").all()
    assert not [f for f in folder.rglob("*") if f.suffix in {".pkl", ".bin", ".pt"}]
    assert [p.name for p in (finished[0] / "runs").iterdir() if p.is_dir()] == [folder.name]


def test_the_model_loads_in_transformers_without_weakft(finished: tuple[Path, dict]) -> None:
    code = (
        "import sys; from transformers import pipeline; "
        "print(pipeline('text-classification', model=sys.argv[1])('great phone')[0]['label']); "
        "assert 'weakft' not in sys.modules"
    )
    model = Path(finished[1]["run_dir"]) / "model"
    result = subprocess.run(
        [sys.executable, "-c", code, str(model)],
        capture_output=True,
        text=True,
        check=True,
        cwd=model,
    )
    assert result.stdout.strip() in {"good", "bad"}


def test_runs_are_listed_shown_and_predict(finished: tuple[Path, dict], tmp_path: Path) -> None:
    root, content = finished
    assert [r["id"] for r in weakft("runs", "list", "--project", root)["runs"]] == [
        content["run_id"]
    ]
    shown = weakft("runs", "show", content["run_id"], "--project", root)
    assert shown["metrics"]["end_model"]["test"] == content["metrics"]["end_model"]["test"]
    new = tmp_path / "new.csv"
    new.write_text("id,text\nx,great phone\ny,bad camera\n")
    answer = weakft("predict", new, tmp_path / "out.jsonl", "--project", root)
    assert answer["rows"] == 2
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["x", "y"]
    assert all(row["p_bad"] + row["p_good"] == pytest.approx(1) for row in rows)
    refused("predict", new, tmp_path / "out.xls", "--project", root, code=3)
    refused("runs", "show", "nonsense", "--project", root, code=2)


def test_the_screen_says_what_matters(finished: tuple[Path, dict]) -> None:
    result = runner.invoke(app, ["runs", "show", "--project", str(finished[0])])
    assert result.exit_code == 0
    for words in (
        "praises",
        "Took ",
        "majority vote of the LFs",
        "gold alone",
        "What to do next",
        finished[1]["run_id"],
    ):
        assert words in result.stdout


def test_stages_one_at_a_time_give_the_same_labels(
    finished: tuple[Path, dict], make_project: Callable[..., Path]
) -> None:
    root = make_project()
    assert "run that first" in refused("label", "--project", root, code=2)
    applied = weakft("apply", "--project", root)
    assert applied["rows"] == {"train": 48, "dev": 24, "valid": 24, "test": 20}
    assert "run that first" in refused("train", "--project", root, code=2)
    weakft("label", "--project", root)
    none = ("--set", "train.gold=none")
    weakft("train", "--project", root, *none)
    assert "run that again" in refused("evaluate", "--project", root, code=2)
    evaluated = weakft("evaluate", "--project", root, *none)
    assert evaluated["metrics"]["rivals"]["gold_only"]["test"]
    whole, staged = Path(finished[1]["run_dir"]), Path(evaluated["run_dir"])
    for name in ("votes/train.parquet", "votes/test.parquet", "soft_labels.parquet"):
        assert (whole / name).read_bytes() == (staged / name).read_bytes(), name


def test_a_changed_lf_file_makes_the_votes_stale(project: Path) -> None:
    weakft("apply", "--project", project)
    (project / "labeling" / "tiny.py").write_text(LF_FILE + "\n# edited\n")
    assert "since `weakft apply`" in refused("label", "--project", project, code=2)


def test_labelling_again_voids_what_was_trained(project: Path) -> None:
    for stage in ("apply", "label", "train", "label"):
        weakft(stage, "--project", project, "--set", "train.gold=none")
    assert "weakft train" in refused("evaluate", "--project", project, code=2)


def test_analyze_shows_every_lf_and_writes_nothing(project: Path) -> None:
    table = weakft("analyze", "--project", project)["lfs"]
    assert [row["lf"] for row in table] == ["praises", "blames", "mentions_good", "mentions_poor"]
    assert all(row["accuracy"] == 1.0 and row["support"] > 0 for row in table)
    assert not (project / "runs").exists()


def test_lf_code_that_prints_does_not_spoil_the_json(make_project: Callable[..., Path]) -> None:
    root = make_project(lfs=LF_FILE + "\nprint('hello from the LF file')\n")
    assert weakft("check", "--project", root)["status"] == "ok"


def broken(body: str) -> str:
    return f"{LF_FILE}\n\n@labeling_function()\ndef broken(x):\n    {body}\n"


@pytest.mark.parametrize(
    ("lfs", "command", "code", "message"),
    [
        ("import nothing_there", "check", 4, "nothing_there"),
        ("x = 1", "check", 4, "found none"),
        (broken("raise ValueError('no luck')"), "apply", 4, "'broken' raised on 48 of 48.*no luck"),
        (broken("return 'good'"), "apply", 4, "'broken' returned 'good'"),
        (broken("return 0.7"), "apply", 4, "'broken' returned 0.7"),
        (broken("return 2"), "apply", 4, "'broken' returned 2 .*0..1"),
        (broken("return 10**30"), "apply", 4, "'broken' returned 1000000000"),
        (broken("raise SystemExit(0)"), "apply", 4, "'broken' raised on 48 of 48"),
        (
            "from weakft import keyword_lf\nlf = keyword_lf('never', ['zzz'], 0)\n",
            "run",
            3,
            "No LF",
        ),
    ],
)
def test_bad_lfs_end_with_their_code(
    make_project: Callable[..., Path], lfs: str, command: str, code: int, message: str
) -> None:
    root = make_project(lfs=lfs)
    assert re.search(message, refused(command, "--project", root, code=code), re.DOTALL)
    assert not leftovers(root)


def test_a_few_faults_are_counted_and_told(make_project: Callable[..., Path]) -> None:
    lfs = broken("return 1 // 0 if x.id == 'train-3' else -1")
    root = make_project(lfs=lfs)
    (fault,) = weakft("apply", "--project", root)["faults"]
    assert (fault["lf_name"], fault["count"], fault["row_id"]) == ("broken", 1, "train-3")
    assert "ZeroDivisionError" in fault["traceback"]


def test_faults_are_not_forgotten_between_stages(make_project: Callable[..., Path]) -> None:
    root = make_project(lfs=broken("return 1 // 0 if x.id == 'train-3' else -1"))
    weakft("apply", "--project", root)
    assert any("broken raised on 1" in w for w in weakft("label", "--project", root)["warnings"])


@pytest.mark.parametrize("count", [1, 2])
def test_one_lf_and_two_lfs_are_enough(make_project: Callable[..., Path], count: int) -> None:
    lines = [
        "praises = keyword_lf('praises', ['great', 'love', 'good'], 1)",
        "blames = keyword_lf('blames', ['bad', 'broke', 'poor'], 0)",
    ]
    lfs = "from weakft import keyword_lf\n" + "\n".join(lines[:count])
    content = weakft("run", "--project", make_project(lfs=lfs), "--set", "train.gold=none")
    notes = {c["name"]: c["note"] for c in content["metrics"]["labels"]["candidates"]}
    assert "at least 3" in notes["snorkel"]


def test_check_names_lfs_that_no_variable_holds(make_project: Callable[..., Path]) -> None:
    root = make_project(lfs=LF_FILE + "\nkeyword_lf('lost', ['zzz'], 0)\n")
    content = weakft("check", "--project", root)
    assert "lost" not in content["lfs"]
    (warning,) = [each for each in content["warnings"] if "lost" in each]
    assert "1 labeling function is not used" in warning


def test_an_lf_that_never_fires_is_named(make_project: Callable[..., Path]) -> None:
    root = make_project(lfs=LF_FILE + "\nsilent = keyword_lf('silent', ['zzz'], 0)\n")
    weakft("apply", "--project", root)
    warnings = weakft("label", "--project", root)["warnings"]
    assert any("silent never voted" in warning for warning in warnings)
    row = next(r for r in weakft("analyze", "--project", root)["lfs"] if r["lf"] == "silent")
    assert (row["accuracy"], row["support"]) == (None, 0)


@pytest.mark.parametrize(
    ("override", "code", "message"),
    [
        ("train.modell=x", 2, "did you mean 'model'"),
        ("train.model=no/such/folder", 2, "is no model"),
        ("train.model=data", 2, "is no model"),
        ("data.train=data/gone.parquet", 3, "no such file"),
        ("labeling.modules=[]", 2, "No labeling function"),
        ('labeling.modules=["../outside.py"]', 4, "outside the project"),
        ("label_model.name=magic", 2, "'dawid_skene' or 'snorkel'"),
        ("train.model=./gone", 2, "no such folder"),
        ("train.lr_scheduler_type=foo", 2, "'linear'"),
        ("train.learning_rate=inf", 2, "finite"),
    ],
)
def test_bad_settings_end_with_their_code(
    project: Path, override: str, code: int, message: str
) -> None:
    assert message in refused("run", "--project", project, "--set", override, code=code)
    assert not leftovers(project)


def test_only_train_is_enough(make_project: Callable[..., Path]) -> None:
    lines = [line for line in CONFIG.splitlines() if not line.startswith(("dev", "valid", "test"))]
    content = weakft("run", "--project", make_project("\n".join(lines)))
    assert "test" not in content["metrics"]["end_model"]
    assert content["metrics"]["end_model"]["gold"]["recipe"] == "none"
    assert len(content["warnings"]) >= 3


def test_several_seeds_are_told_apart_and_the_best_by_valid_is_taken(project: Path) -> None:
    answer = weakft("run", "--project", project, "--set", "train.seeds=2", "--json")
    seeds = answer["metrics"]["end_model"]["seeds"]
    assert seeds["seeds"] == [0, 1]
    by_seed = dict(zip(seeds["seeds"], seeds["valid"]["macro_f1"]["values"], strict=True))
    assert by_seed[seeds["taken"]] == max(by_seed.values())
    test = answer["metrics"]["end_model"]["test"]["macro_f1"]["value"]
    assert seeds["test"]["macro_f1"]["values"][seeds["taken"]] == pytest.approx(test, abs=1e-4)
    assert not (project / ".weakft" / "unfinished").exists()


def test_labels_of_one_class_texts_cut_short_and_rows_left_out_are_told(
    make_project: Callable[..., Path],
) -> None:
    lfs = 'from weakft import keyword_lf\n\npraises = keyword_lf("praises", ["great", "love"], 1)\n'
    root = make_project(lfs=lfs)
    settings = ("max_length=6", "max_uncovered_rows=1", "freeze_layers=1", "peft.r=4")
    changes = [part for setting in settings for part in ("--set", f"train.{setting}")]
    answer = weakft("run", "--project", root, *changes)
    told = " ".join(answer["warnings"])
    assert "Training reads 1 of the" in told
    assert "Every covered row is labelled 'good'" in told
    assert "longer than 6 tokens (train.max_length)" in told
    assert 'train.freeze_layers has no effect with strategy = "full", but with "freeze".' in told
    assert 'train.peft has no effect with strategy = "full"' in told


def test_one_class_and_no_gold_is_nothing_to_learn_from(make_project: Callable[..., Path]) -> None:
    lfs = 'from weakft import keyword_lf\n\npraises = keyword_lf("praises", ["great", "love"], 1)\n'
    gold = 'dev = "data/dev.parquet"\nvalid = "data/valid.parquet"\n'
    root = make_project(lfs=lfs, config=CONFIG.replace(gold, ""))
    message = refused("run", "--project", root, code=3)
    assert "labelled 'good', and no gold says otherwise" in message
    assert not leftovers(root)


def test_a_training_that_diverges_names_its_rows(project: Path) -> None:
    wild = ["--set", "train.learning_rate=1e30", "--set", "train.warmup_steps=0"]
    message = refused("run", "--project", project, *wild, code=3)
    assert "training loss became nan in step" in message
    named = re.search(r"Its rows: ((?:(?:train|dev|valid)-\d+(?:, )?)+)\.", message)
    assert named and len(named[1].split(", ")) in (16, 32)  # of 48, 32 a step
    assert not leftovers(project)
