"""`weakft app`: who may reach it, and under which name."""

import json
import os
import signal
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

from weakft.cli import serve
from weakft.cli.main import app
from weakft.cli.serve import own_names, read_auth
from weakft.errors import ConfigError

ROOT = Path(__file__).parents[2]
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
    started: dict[str, object] = {}

    def run_server(options: dict[str, object]) -> None:
        started.update(options, auth=os.environ["WEAKFT_AUTH"])

    monkeypatch.setattr(serve, "run_server", run_server)
    monkeypatch.setenv("WEAKFT_PROJECT", "elsewhere")
    monkeypatch.setenv("WEAKFT_AUTH", "1")
    arguments = ["app", "--project", str(project), "--host", "0.0.0.0"]
    result = CliRunner().invoke(app, [*arguments, "--allow-unauthenticated"])
    assert result.exit_code == 0, result.stderr
    assert os.environ["WEAKFT_PROJECT"] == str(project)
    assert started["auth"] == "0"
    assert started["browser.serverAddress"] == "localhost"

    secrets = write_secrets(project, AUTH)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.stderr
    assert "Warning" not in result.stderr
    assert started["auth"] == "1"
    assert started["secrets.files"] == [str(secrets)]
    assert started["browser.serverAddress"] == "labels.example.org"


HOSTILE = """
import json, os
from pathlib import Path
from streamlit import config
known = config._config_options_template
others = {bool: "true", int: "7", float: "7.5", str: '"evil.example.org"'}
lines = {}
for key, option in known.items():
    section, _, name = key.rpartition(".")
    if section.split(".")[0] in ("theme", "secrets", "logger") or option.sensitive:
        continue
    if key == "server.maxCacheDataSize":  # refused at the start where it is no size
        continue
    value = "false" if option.default_val is True else others[option.type]
    line = f"{name} = [{value}]" if option.multiple else f"{name} = {value}"
    lines.setdefault(section, []).append(line)
    os.environ[option.env_var] = value.strip('"')
text = "\\n".join("\\n".join([f"[{section}]", *found]) for section, found in lines.items())
for folder in (Path.cwd(), Path.home()):
    (folder / ".streamlit").mkdir(exist_ok=True)
    (folder / ".streamlit" / "config.toml").write_text(text)

from weakft.cli.serve import LEFT_TO_PEOPLE, settings
pinned = settings()
from streamlit.web import bootstrap
bootstrap.load_config_options(pinned)
found = {key: config.get_option(key) for key in pinned}
free = {
    key: option.default_val is None
    for key, option in known.items()
    if key not in pinned and not key.startswith(LEFT_TO_PEOPLE)
}
left = config.get_option("server.baseUrlPath")
print(json.dumps({"pinned": pinned, "found": found, "free": free, "left": left}))
"""
NO_DEFAULT = {
    "runner.parallelMaxWorkers",
    "runner.connectionDefaultTTL",
    "server.maxCacheDataSize",
    "server.address",
    "server.websocketPingInterval",
    "secrets.files",
}
"""Settings that have no default to pin: speed and memory, and what `weakft app` sets itself."""


def test_no_config_file_and_no_variable_undoes_the_lock_down(tmp_path: Path) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    home.mkdir(), here.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", HOSTILE],
        cwd=here,
        env={**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["left"] == "evil.example.org", "the files are read, and count where they may"
    assert told["found"] == told["pinned"]
    assert told["pinned"] == told["pinned"] | serve.LOCKED_DOWN
    guarded = ("enableCORS", "enableXsrfProtection", "corsAllowedOrigins", "enableStaticServing")
    values = [told["found"][f"server.{name}"] for name in guarded]
    assert values == [True, True, [], False]
    assert set(told["free"]) == NO_DEFAULT, "what is new in Streamlit is pinned, or left on purpose"


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts `weakft app` as a process."""
    started: list[subprocess.Popen[str]] = []

    def run(root: Path, port: int, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "weakft", "app", "--project", str(root)]
        command += ["--port", str(port), *options]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        started.append(
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=root,
                env=environment,
            )
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


CASE = "[server]\nenableCORS=false\nenableXsrfProtection=false\nenableAgentApi=true\n"


def answer(port: int, path: str) -> tuple[int, dict[str, str]]:
    """Status and headers for a page of another site."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", path, headers={"Origin": "http://evil.example.org"})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, {name.lower(): value for name, value in response.getheaders()}


@pytest.mark.parametrize(
    ("how", "code"), [("SIGKILL", -9), ("SIGTERM", 143), ("SIGINT", 130), ("SIGHUP", -1)]
)
def test_locked_down_whatever_lies_in_the_folder_and_gone_with_its_process(
    project: Path, start: Start, monkeypatch: pytest.MonkeyPatch, how: str, code: int
) -> None:
    folder = project / ".streamlit"
    folder.mkdir()
    (folder / "config.toml").write_text(CASE)
    monkeypatch.setenv("STREAMLIT_SERVER_ENABLE_CORS", "false")
    port = free_port()
    process = start(project, port)
    wait_for(port)
    status, headers = answer(port, "/_stcore/health")
    assert status == 200
    assert "access-control-allow-origin" not in headers
    assert "_streamlit_xsrf" in headers.get("set-cookie", "")
    assert not upgraded(port, "evil.example.org")
    process.send_signal(signal.Signals[how])
    process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))


def test_a_taken_port_is_refused(project: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "weakft", "app", "--project", str(project)]
        done = subprocess.run(
            [*command, "--port", port], capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert f"is port {port} of 127.0.0.1 taken?" in done.stderr
