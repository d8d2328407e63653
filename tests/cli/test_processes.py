"""Real processes: what is loaded, how Ctrl-C ends, what stays behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import LF_FILE

HEAVY = ("torch", "transformers", "streamlit")


def python(code: str, *arguments: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", code, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("command", [["--help"], ["check"], ["apply"], ["analyze"]])
def test_light_commands_never_load_torch(project: Path, command: list[str]) -> None:
    if command != ["--help"]:
        command = [*command, "--project", str(project)]
    code = (
        "import sys\nfrom weakft.cli.main import app\n"
        "try: app(sys.argv[1:])\nexcept SystemExit as end: assert not end.code, end.code\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert python(code, *command).splitlines()[-1] == "LOADED []"


SLOW_LFS = LF_FILE + (
    "\n\n@labeling_function()\ndef slow(x):\n    import time\n    time.sleep(0.5)\n    return -1\n"
)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("stage", ["apply", "train"])
def test_an_interrupt_leaves_nothing_behind(
    make_project: Callable[..., Path], number: int, code: int, stage: str
) -> None:
    root = make_project(lfs=SLOW_LFS if stage == "apply" else LF_FILE)
    command = [sys.executable, "-m", "weakft", "run", "--project", str(root)]
    command += ["--set", "train.num_train_epochs=100000", "--set", "train.bf16=false"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ}
    )
    marker = "votes/train.parquet" if stage == "apply" else "soft_labels.parquet"
    wanted = 0 if stage == "apply" else 1
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        staged = list((root / "runs").glob(".tmp-*"))
        if staged and len(list(staged[0].glob(marker))) >= wanted:
            break
        time.sleep(0.05)
    time.sleep(1.0)
    process.send_signal(number)
    try:
        _, stderr = process.communicate(timeout=60)
    finally:
        process.kill()  # or it would train for days
    assert process.returncode == code, stderr.decode()
    assert not [path for path in (root / "runs").iterdir() if path.name != ".lock"]


def test_without_a_terminal_a_command_is_quiet(project: Path) -> None:
    command = [sys.executable, "-m", "weakft", "apply", "--project", str(project)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stderr == ""
    assert "4 LFs voted" in result.stdout


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_reader_that_has_seen_enough_is_no_bug(
    project: Path, tmp_path: Path, options: list[str]
) -> None:
    command = [sys.executable, "-m", "weakft", "analyze", "--project", str(project), *options]
    reading, writing = os.pipe()
    os.close(reading)
    result = subprocess.run(
        command, stdout=writing, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False
    )
    os.close(writing)
    assert (result.returncode, result.stderr) == (0, "")
    assert not (tmp_path / "weakft-crash.log").exists()
