"""`weakft analyze --diff`: today's LFs against a published run."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.conftest import CONFIG, LF_FILE
from weakft.cli.main import app
from weakft.dataset import read_dataset
from weakft.narration import SILENCE
from weakft.pipeline.story import write_config
from weakft.pipeline.voting import vote
from weakft.project import Project

SHOUTS = 'shouts = keyword_lf("shouts", ["phone"], 1)\n'
RENAMED = LF_FILE.replace("mentions_poor", "says_poor").replace('"good" in', '"great" in') + SHOUTS


@pytest.fixture
def run_id(project: Path) -> str:
    """A published run of the votes alone."""
    opened = Project.open(project)
    with opened.runs.staging() as folder:
        vote(opened, read_dataset(opened.config, opened.root), folder, SILENCE)
        write_config(opened, folder)
        return opened.runs.publish(folder, {}).id


def analyze(project: Path, *words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["analyze", "--project", str(project), *words])
    assert result.exit_code == code, result.output
    return result.stdout or result.stderr


def test_what_moved_since_a_run_is_markdown(project: Path, run_id: str) -> None:
    (project / "labeling" / "tiny.py").write_text(RENAMED)
    markdown = analyze(project, "--diff", "latest")
    content = json.loads(analyze(project, "--diff", run_id, "--json"))
    assert (content["status"], content["run_id"]) == ("completed", run_id)
    assert content["markdown"] + "\n" == markdown
    lines = markdown.splitlines()
    assert lines[0] == "## 5 LFs: 2 added, 1 removed, 1 changed"
    assert [line.split(" | ")[0] for line in lines if " votes changed)" in line] == [
        "| mentions_good (12 votes changed)"
    ]
    assert any(line.startswith("| mentions_poor (removed) | bad → – | 12.5% → –") for line in lines)
    assert all(line.endswith(" |") for line in lines if line.startswith("|"))
    assert content["diff"]["flip_count"] >= 6


def test_without_an_edit_nothing_moved(project: Path, run_id: str) -> None:
    said = analyze(project, "--diff", run_id)
    assert said == "Nothing moved: 4 LFs vote as before on 48 training rows.\n"


@pytest.mark.usefixtures("run_id")
def test_what_cannot_be_compared_is_refused(project: Path) -> None:
    assert "got both" in analyze(project, "--diff", "latest", "--run", "latest", code=2)
    assert "No run 'nonsense'" in analyze(project, "--diff", "nonsense", code=2)
    other = CONFIG.replace('["bad", "good"]', '["good", "bad"]')
    (project / "weakft.toml").write_text(other)
    assert "cannot be compared" in analyze(project, "--diff", "latest", code=2)


def test_two_checkouts_are_compared_without_any_run(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helped = "from words import PRAISE\n" + LF_FILE.replace(
        '["great", "love", "perfect"]', "PRAISE"
    )
    (project / "labeling" / "tiny.py").write_text(helped)
    (project / "labeling" / "words.py").write_text('PRAISE = ["great", "love", "perfect"]\n')
    base = tmp_path / "base"
    shutil.copytree(project, base, symlinks=True)
    (project / "labeling" / "words.py").write_text('PRAISE = ["great"]\n')
    content = json.loads(analyze(project, "--diff", str(base), "--json"))
    assert content["folder"] == str(base)
    changes = content["diff"]["changes"]
    assert [(c["name"], c["kind"], c["rows"]) for c in changes] == [("praises", "changed", 12)]
    assert content["diff"]["flip_count"] == 12
    assert not (project / "runs").exists()
    monkeypatch.chdir(tmp_path)
    assert analyze(project, "--diff", "base") == analyze(project, "--diff", str(base))
    other = CONFIG.replace('["bad", "good"]', '["good", "bad"]')
    (base / "weakft.toml").write_text(other)
    assert f"The project in {base} tells" in analyze(project, "--diff", "base", code=2)


def test_hidden_columns_stay_out_of_what_goes_to_a_pull_request(project: Path, run_id: str) -> None:
    (project / "labeling" / "tiny.py").write_text(RENAMED)
    assert "the phone is bad" in analyze(project, "--diff", run_id)
    toml = project / "weakft.toml"
    toml.write_text(toml.read_text() + '\n[privacy]\nhidden = ["text"]\n')
    hidden = analyze(project, "--diff", run_id)
    assert "phone" not in hidden
    assert "| (hidden) |" in hidden
    assert "phone" not in analyze(project, "--diff", run_id, "--json")
