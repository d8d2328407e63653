"""`weakft app`: who may reach it, and under which name."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest
from typer.testing import CliRunner

from weakft.cli.main import app
from weakft.cli.serve import own_names, read_auth
from weakft.errors import ConfigError

PATIENCE = 120  # seconds; a loaded machine is slow
AUTH = """
[auth]
redirect_uri = "https://labels.example.org/oauth2callback"
cookie_secret = "x"
client_id = "x"
client_secret = "x"
server_metadata_url = "https://id.example.org/.well-known/openid-configuration"
"""

Start = Callable[..., subprocess.Popen[str]]


def write_secrets(root: Path, content: str) -> Path:
    file = root / ".streamlit" / "secrets.toml"
    file.parent.mkdir()
    file.write_text(content)
    return file


def refusal(root: Path, *options: str) -> str:
    result = CliRunner().invoke(app, ["app", "--project", str(root), *options])
    assert result.exit_code == 2
    return result.stderr


@pytest.fixture
def without_authlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "authlib", None)  # type: ignore[arg-type]


@pytest.fixture
def with_authlib(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("authlib")
    module.__spec__ = ModuleSpec("authlib", None)
    monkeypatch.setitem(sys.modules, "authlib", module)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "labels.example.org", ""])
def test_beyond_this_machine_somebody_must_say_who_may(project: Path, host: str) -> None:
    message = refusal(project, "--host", host)
    assert "ConfigError" in message
    assert "[auth]" in message and "--allow-unauthenticated" in message


def test_secrets_without_auth_let_nobody_in(project: Path) -> None:
    write_secrets(project, "[database]\npassword = 'x'\n")
    assert "--allow-unauthenticated" in refusal(project, "--host", "0.0.0.0")


@pytest.mark.usefixtures("without_authlib")
@pytest.mark.parametrize(
    "options", [[], ["--host", "0.0.0.0"], ["--host", "0.0.0.0", "--allow-unauthenticated"]]
)
def test_auth_without_authlib_is_told_and_never_ignored(project: Path, options: list[str]) -> None:
    write_secrets(project, AUTH)
    assert "pip install 'Authlib" in refusal(project, *options)


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("[auth", "TOML"),
        ("auth = 1", "lacks redirect_uri, cookie_secret"),
        ("[auth]", "lacks redirect_uri, cookie_secret"),
        (AUTH.replace("client_id", "client_i"), "lacks client_id;"),
    ],
)
@pytest.mark.usefixtures("with_authlib")
def test_auth_that_lets_nobody_log_in_is_refused(tmp_path: Path, content: str, wanted: str) -> None:
    with pytest.raises(ConfigError, match=wanted):
        read_auth(write_secrets(tmp_path, content))


@pytest.mark.usefixtures("with_authlib")
def test_with_auth_the_public_name_is_answered_to(tmp_path: Path) -> None:
    assert read_auth(tmp_path / "nothing.toml") is None
    auth = read_auth(write_secrets(tmp_path, AUTH))
    names = ["localhost", "127.0.0.1", "192.0.2.7", "labels.example.org"]
    assert own_names("192.0.2.7", auth) == names


@pytest.mark.usefixtures("with_authlib")
def test_with_auth_streamlit_is_told_so(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = {}

    class Streamlit:
        def __init__(self, command: list[str], env: dict[str, str]) -> None:
            started.update(command=command, env=env)

        def wait(self) -> int:
            return 0

        def terminate(self) -> None:
            pass

    monkeypatch.setattr(subprocess, "Popen", Streamlit)
    monkeypatch.setenv("WEAKFT_AUTH", "1")
    arguments = ["app", "--project", str(project), "--host", "0.0.0.0"]
    result = CliRunner().invoke(app, [*arguments, "--allow-unauthenticated"])
    assert result.exit_code == 0, result.stderr
    assert started["env"]["WEAKFT_AUTH"] == "0"
    assert not [flag for flag in started["command"] if "secrets" in flag]

    secrets = write_secrets(project, AUTH)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    assert "Warning" not in result.stderr
    assert started["env"]["WEAKFT_AUTH"] == "1"
    assert f"--secrets.files={secrets}" in started["command"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts `weakft app` as a process."""
    started: list[subprocess.Popen[str]] = []

    def run(root: Path, port: int, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "weakft", "app", "--project", str(root)]
        command += ["--port", str(port), *options]
        started.append(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )
        return started[-1]

    yield run
    for process in started:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"nothing listens on port {port}")


def upgraded(port: int, host: str) -> bool:
    """Whether a WebSocket opens for a page that says it is of this host."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    headers = {
        "Host": f"{host}:{port}",
        "Origin": f"http://{host}:{port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==",
    }
    connection.request("GET", "/_stcore/stream", headers=headers)
    status = connection.getresponse().status
    connection.close()
    assert status in (101, 403)
    return status == 101


def test_only_its_own_names_are_answered_to(project: Path, start: Start) -> None:
    port = free_port()
    start(project, port)
    wait_for(port)
    assert upgraded(port, "127.0.0.1")
    assert upgraded(port, "localhost")
    assert not upgraded(port, "rebound.example.org")


def test_open_to_all_it_warns_and_is_still_no_one_elses(project: Path, start: Start) -> None:
    port = free_port()
    process = start(project, port, "--host", "0.0.0.0", "--allow-unauthenticated")
    assert process.stderr
    warning = process.stderr.readline()
    assert f"Everyone who reaches port {port} of 0.0.0.0 sees the texts" in warning
    wait_for(port)
    assert upgraded(port, socket.gethostname())
    assert not upgraded(port, "rebound.example.org")
