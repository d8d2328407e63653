"""`weakft init`: what it makes runs, and what it adds does its work where it is meant to."""

import json
import os
import py_compile
import shlex
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from filelock import FileLock
from typer.testing import CliRunner

from tests.test_retrain import edit_lf
from weakft.cli.main import app
from weakft.project import Project
from weakft.scaffold.deploying import SAY_WHERE

CRON_GIVES = {"PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "HOME": "/tmp", "LOGNAME": "root"}
GH = """#!/bin/sh
echo "$@" >> "$CALLS"
case "$*" in *--jq*) cat "$KNOWN" ;; esac
"""


def weakft(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_a_new_project_runs_as_it_is(tmp_path: Path, tiny_model: Path) -> None:
    told = weakft("init", str(tmp_path / "shop"))
    assert told["next"][-3:] == ["weakft analyze", "weakft run", "weakft app"]
    assert set(told["files"]) == set(files_below(tmp_path / "shop"))
    weakft("check", "--project", str(tmp_path / "shop"))
    model = f"train.model={tiny_model}"
    ran = weakft("run", "--project", str(tmp_path / "shop"), "--set", model)
    assert 0 <= ran["metrics"]["end_model"]["test"]["macro_f1"]["value"] <= 1
    assert ran["metrics"]["rivals"]["majority_vote"]["test"]["accuracy"]["value"] > 0.5


CALLED_BY_CRON = (
    "grep -v '^#' deploy/weakft.cron | cut -d' ' -f6- "
    '| env -i PATH=/usr/bin:/bin HOME="$HOME" sh > by-cron.txt 2>&1'
)
LOSES_AN_LF = """echo 'reports_damage = None' >> labeling/rules.py
weakft retrain || echo "exit $?"
"""


def typed(block: str) -> list[str]:
    """A block of the guide: what installs is left out, and what asks cron does what cron would."""
    lines = [line for line in block.splitlines() if "pip install" not in line]
    return [CALLED_BY_CRON if "crontab" in line else line for line in lines]


def test_the_guide_can_be_followed(tmp_path: Path, tiny_model: Path) -> None:
    """Typed as it stands, with a tiny model; between its blocks an edit that must be refused."""
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    guide = text.split("## Retrain every night")[1].split("\n## ")[0]
    start, refused = (block.split("```")[0] for block in guide.split("```sh\n")[1:])
    tiny = f'sed -i \'s|"default"|"{tiny_model}"|\' weakft.toml'
    tiny += "; sed -i 's|^\\[retrain\\].*|&\\nfirst = \"promote\"|' weakft.toml"
    lines = [*typed(start), LOSES_AN_LF, *typed(refused), "weakft runs list --json"]
    entered = next(i for i, line in enumerate(lines) if line.startswith("cd ~/shop"))
    lines.insert(entered + 1, tiny)
    assert len(typed(start)) == len(start.splitlines()) - 1 and CALLED_BY_CRON in lines
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        ["bash", "-ec", "\n".join(lines)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = ["is in service now", "Nothing changed since", "(current)", "is refused", "exit 5"]
    places = [done.stdout.index(words) for words in told]
    assert places == sorted(places)
    first, second = json.loads(done.stdout.splitlines()[-1])["runs"]
    assert (first["current"], second["current"]) == (True, False)
    assert (tmp_path / "shop" / "by-cron.txt").read_text() == ""
    log = (tmp_path / "shop" / "runs" / "weakft.log.jsonl").read_text().splitlines()
    outcome = json.loads(log[-1])
    assert (outcome["status"], outcome["exit_code"]) == ("unchanged", 0)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_a_project_on_ones_own_rows_has_lasting_ids(tmp_path: Path, suffix: str) -> None:
    rows = pd.DataFrame({"body": ["replace me", "fine", "replace me"], "stars": [1, 5, 2]})
    file = tmp_path / f"mine{suffix}"
    {
        ".csv": lambda: rows.to_csv(file, index=False),
        ".parquet": lambda: rows.to_parquet(file),
        ".jsonl": lambda: rows.to_json(file, orient="records", lines=True),
    }[suffix]()
    own = ("--data", str(file), "--text", "body", "--classes", "not ok,ok")
    told = weakft("init", str(tmp_path / "shop"), *own)
    assert told["rows"] == {"train": 3}
    weakft("check", "--project", str(tmp_path / "shop"))
    votes = weakft("analyze", "--project", str(tmp_path / "shop"))
    assert votes["status"] == "completed"


@pytest.mark.parametrize(("labels", "told"), [(["ham", None], ["1 row has"]), ([None, None], [])])
def test_labels_in_the_pool_are_said_not_to_be_read(
    tmp_path: Path, labels: list[str | None], told: list[str]
) -> None:
    file = tmp_path / "mine.csv"
    pd.DataFrame({"text": ["hi", "win"], "label": labels}).to_csv(file, index=False)
    shown = weakft("init", str(tmp_path / "shop"), "--data", str(file), "--classes", "ham,spam")
    assert [hint[: len("1 row has")] for hint in shown["warnings"]] == told


def init_fails(*words: object, code: int = 2) -> str:
    done = CliRunner().invoke(app, ["init", *map(str, words), "--json"])
    assert done.exit_code == code, done.output
    told: str = json.loads(done.stdout)["error"]["message"]
    return told


@pytest.mark.parametrize("column", ["text", 'the "text"', "Größe"])
def test_odd_names_of_columns_and_classes_are_written_so_that_they_load(
    tmp_path: Path, column: str
) -> None:
    file, root = tmp_path / "mine.csv", tmp_path / 'my "shop"'
    pd.DataFrame({"id": ["a", "b"], column: ["by words", "ok"]}).to_csv(file, index=False)
    classes = '5 stars,a-b,a b,class,"q"'
    weakft("init", str(root), "--data", str(file), "--text", column, "--classes", classes)
    told = weakft("check", "--project", str(root))
    assert (told["classes"], told["examples"]) == (classes.split(","), 6)
    assert (root / "data" / "train.csv").read_bytes() == file.read_bytes()
    assert weakft("analyze", "--project", str(root))["coverage"] == 0.5


def test_what_a_project_cannot_be_made_of_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    file, root = tmp_path / "mine.csv", tmp_path / "shop"
    file.write_text("id,body\na,fine\na,again\n")
    own = (root, "--data", file, "--text", "body")
    assert "--text COLUMN" in init_fails(root, "--data", file, "--classes", "a,b")
    assert "at least two different names" in init_fails(*own, "--classes", "a,a")
    assert "--classes spam,ham" in init_fails(*own)
    message = init_fails(*own, "--classes", "a,b", code=3)
    assert message.startswith(f"{file}: 'id' must be distinct")
    assert "go with --data FILE" in init_fails(root, "--classes", "a,b")
    assert not root.exists()
    assert "cannot be read" in init_fails(root, "--add", "cron")


def test_a_gitignore_that_is_there_is_kept_and_a_second_init_refused(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.tmp\nruns/\n")
    told = weakft("init", str(tmp_path))
    (hint,) = told["warnings"]
    assert ".weakft/" in hint and "runs/" not in hint
    assert (tmp_path / ".gitignore").read_text() == "*.tmp\nruns/\n"
    assert "is a project already" in init_fails(tmp_path)
    weakft("init", str(tmp_path), "--add", "cron")
    before = files_below(tmp_path)
    assert "weakft.cron" in init_fails(tmp_path, "--add", "systemd", "--add", "cron")
    assert "not with --add" in init_fails(tmp_path, "--add", "airflow", "--classes", "a,b")
    assert files_below(tmp_path) == before


@pytest.mark.parametrize("there", ["weakft.toml", "labeling/rules.py", "data/dev.csv"])
def test_nothing_is_written_over(tmp_path: Path, there: str) -> None:
    file = tmp_path / there
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    done = CliRunner().invoke(app, ["init", str(tmp_path)])
    assert done.exit_code == 2, done.output
    assert files_below(tmp_path) == {there: b"mine"}
    assert "already" in " ".join(done.output.split())


@pytest.fixture
def night(project: Path) -> Path:
    """A project that retrains quickly, with `weakft init --add` of everything."""
    toml = project / "weakft.toml"
    settings = {"num_train_epochs": "1", "gold": '"none"'}
    text = toml.read_text().replace("num_train_epochs = 1\n", "")
    lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
    toml.write_text(text.replace("[train]\n", f"[train]\n{lines}") + 'rivals = ["majority_vote"]\n')
    kinds = [word for kind in ("cron", "systemd", "airflow") for word in ("--add", kind)]
    weakft("init", "--project", str(project), *kinds)
    return project


def test_commands_to_copy_stay_one_line(tmp_path: Path) -> None:
    root = tmp_path / ("a-long-name-" * 8)
    weakft("init", str(root))
    done = CliRunner().invoke(app, ["init", str(root), "--add", "systemd"])
    (line,) = [line for line in done.output.splitlines() if "sudo" in line]
    assert line.endswith(".timer") and "systemctl enable --now" in line


def sh(command: str, cwd: Path = Path("/")) -> subprocess.CompletedProcess[str]:
    """A command as cron calls it."""
    return subprocess.run(
        ["/bin/sh", "-c", command],
        env=CRON_GIVES,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def cron_command(project: Path) -> str:
    (line,) = [
        line
        for line in (project / "deploy" / "weakft.cron").read_text().splitlines()
        if not line.startswith("#")
    ]
    times, command = line.split(" ", 5)[:5], line.split(" ", 5)[5]
    assert times == ["17", "3", "*", "*", "*"]
    return command.replace(r"\%", "%")  # as cron does


def test_cron_is_quiet_unless_a_person_should_look(night: Path) -> None:
    command = cron_command(night)
    first = sh(command)
    assert (first.returncode, first.stdout, first.stderr) == (0, "", "")
    assert Project.open(night).registry.current() is not None
    log = (night / "runs" / "weakft.log.jsonl").read_text().splitlines()
    assert json.loads(log[-1])["exit_code"] == 0
    with FileLock(night / "runs" / ".lock"):
        busy = sh(command)
    assert (busy.returncode, busy.stdout) == (75, "")
    edit_lf(night)
    toml = night / "weakft.toml"
    toml.write_text(toml.read_text().replace("[retrain]\n", "[retrain]\nmax_coverage_drop = 0\n"))
    refused = sh(command)
    assert refused.returncode == 5
    assert "is refused" in refused.stdout


def test_systemd_starts_it(night: Path) -> None:
    service, timer = sorted((night / "deploy").glob("weakft-tiny.*"))
    (start,) = [
        line.partition("=")[2]
        for line in service.read_text().splitlines()
        if line.startswith("ExecStart=")
    ]
    settings = dict(
        line.split("=", 1) for line in service.read_text().splitlines() if "=" in line[:30]
    )
    assert settings["WorkingDirectory"] == str(night)
    assert settings["SuccessExitStatus"] == "75 143"
    done = sh(start, cwd=Path(settings["WorkingDirectory"]))
    assert done.returncode == 0, done.stderr
    assert Project.open(night).registry.current() is not None
    assert "OnCalendar=*-*-* 03:17:00" in timer.read_text()
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: the units were run, not verified")
    verified = subprocess.run(
        ["systemd-analyze", "verify", str(service), str(timer)], capture_output=True, text=True
    )
    assert verified.returncode == 0, verified.stderr


def test_airflow_gets_a_task_that_runs(night: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Airflow is not installed, its two classes are stood in for."""
    (file,) = (night / "deploy").glob("*_dag.py")
    py_compile.compile(str(file), doraise=True)
    told: dict[str, Any] = {}

    class Dag:
        def __init__(self, **settings: Any) -> None:  # noqa: ANN401
            told["dag"] = settings

        def __enter__(self) -> "Dag":
            return self

        def __exit__(self, *_: object) -> None: ...

    modules = {
        "airflow": {},
        "airflow.sdk": {"DAG": Dag},
        "airflow.providers": {},
        "airflow.providers.standard": {},
        "airflow.providers.standard.operators": {},
        "airflow.providers.standard.operators.bash": {
            "BashOperator": lambda **settings: told.update(task=settings)
        },
    }
    for name, content in modules.items():
        module = types.ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    exec(compile(file.read_text(), str(file), "exec"), {})
    assert told["dag"]["dag_id"] == "weakft_tiny" and told["dag"]["max_active_runs"] == 1
    assert told["task"]["skip_on_exit_code"] == 75 and told["task"]["retries"] == 0
    done = sh(told["task"]["bash_command"], cwd=Path(told["task"]["cwd"]))
    assert done.returncode == 0, done.stderr
    assert Project.open(night).registry.current() is not None


def test_airflow_reads_the_dag(night: Path) -> None:
    models = pytest.importorskip("airflow.models", reason="Airflow is not installed")
    bag = models.DagBag(str(night / "deploy"))
    assert not bag.import_errors
    task = bag.dags["weakft_tiny"].get_task("retrain")
    assert list(task.skip_on_exit_code) == [75] and task.retries == 0


@pytest.mark.parametrize("known", ["", "17\n"])
def test_github_comments_on_an_edit_of_lfs(project: Path, tmp_path: Path, known: str) -> None:
    """The workflow's own steps, in a clone with a merged pull request; `gh` alone is stood in."""
    git(project, "init", "--quiet")
    weakft("init", "--project", str(project), "--add", "github")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "before")
    edit_lf(project)
    git(project, "commit", "--quiet", "--all", "--message", "praise is not perfect")
    file = project / ".github" / "workflows" / "weakft.yml"
    workflow = yaml.safe_load(file.read_text())
    assert "labeling/**" in workflow[True]["pull_request"]["paths"]  # YAML 1.1 reads `on` so
    calls, gh = tmp_path / "calls", tmp_path / "bin" / "gh"
    gh.parent.mkdir()
    gh.write_text(GH)
    gh.chmod(0o755)
    (tmp_path / "known").write_text(known)
    environment = {
        **os.environ,
        "PATH": f"{gh.parent}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "CALLS": str(calls),
        "KNOWN": str(tmp_path / "known"),
        "REPOSITORY": "owner/shop",
        "NUMBER": "3",
        "FOLDER": ".",
    }
    steps = {step["name"]: step for step in workflow["jobs"]["labeling-functions"]["steps"][2:]}
    assert list(steps) == ["Install", "Check", "Compare", "Comment"]
    assert steps["Install"]["env"]["WEAKFT"].startswith(("weakft", SAY_WHERE))
    for name in ("Check", "Compare", "Comment"):
        bash = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", steps[name]["run"]]
        done = subprocess.run(
            bash, cwd=project, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (name, done.stderr)
    comment = (tmp_path / "comment.md").read_text()
    assert comment.startswith("<!-- weakft -->\n")
    assert "praises" in comment and "|" in comment
    assert (tmp_path / "summary").read_text() == comment
    posted = calls.read_text().splitlines()[-1]
    where = "--method PATCH repos/owner/shop/issues/comments/17" if known else "--method POST"
    assert posted.startswith(f"api {where}") and posted.endswith(f"body=@{tmp_path}/comment.md")


def git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def test_paths_that_cron_and_systemd_would_read_otherwise(project: Path, tmp_path: Path) -> None:
    odd = tmp_path / "100% mine; $HOME"
    project.rename(odd)
    weakft("init", "--project", str(odd), "--add", "cron", "--add", "systemd")
    words = shlex.split(cron_command(odd).replace(";", " ; "))
    assert str(odd) in cron_command(odd).replace("'", "") and words[0] == "cd"
    assert "100%% mine; $HOME" in (odd / "deploy" / "weakft-tiny.service").read_text()
