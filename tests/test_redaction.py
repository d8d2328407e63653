"""Passwords and tokens stand in no message, no log and no file of a run."""

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tests.conftest import CONFIG, write_project
from weakft.cli import session
from weakft.cli.main import app
from weakft.config import Config
from weakft.errors import ConfigError
from weakft.redaction import holds_secret, redacted, redacted_argument

CANARY = "hunter2xyzzy"
SECRETS = [
    f"http://ada:{CANARY}@127.0.0.1:9",
    f"https://{CANARY}@host/path",
    f"http://ada:p@/#?{CANARY}@host",
    f"http://host/mlflow?token={CANARY}",
    f"http://host#api_key={CANARY}",
    f"ada:{CANARY}@host",
    f"http:ada:{CANARY}@host",
    f"ftp://ada:{CANARY}@host",
    f"http://ada:a b {CANARY}@host",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("key", ["mlflow.uri", "mlflow.ury", "mlflow", "mlflow.uri.x"])
def test_no_message_of_the_settings_quotes_a_secret(tmp_path: Path, key: str, secret: str) -> None:
    file = tmp_path / "weakft.toml"
    file.write_text(CONFIG)
    for value in (secret, json.dumps(secret)):
        with pytest.raises(ConfigError) as refused:
            Config.load(file, [f"{key}={value}"], {})
        assert CANARY not in str(refused.value)
        if "." in key:
            variable = f"WEAKFT_{key.replace('.', '__').upper()}"
            with pytest.raises(ConfigError) as refused:
                Config.load(file, environ={variable: value})
            assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    "setting",
    [
        f'apply.scheduler="tcp://ada:{CANARY}@host:8786"',
        f'train.model="https://{CANARY}@hub.example.org/model"',
        f'data.train="s3://ada:{CANARY}@bucket/rows.parquet"',
        f'app.allowed=["https://x?access_token={CANARY}"]',
    ],
)
def test_no_setting_kept_with_a_run_holds_a_secret(tmp_path: Path, setting: str) -> None:
    file = tmp_path / "weakft.toml"
    file.write_text(CONFIG)
    overrides = ["apply.engine=dask", setting]
    with pytest.raises(
        ConfigError, match="a password or a token, and settings are kept"
    ) as refused:
        Config.load(file, overrides, {})
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("secret", SECRETS)
def test_neither_log_nor_streams_hold_a_secret(
    project: Path, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    log = project / "log.jsonl"
    monkeypatch.setenv("WEAKFT_LOG", str(log))
    for arguments in (
        ["runs", "list", "--project", str(project), "--set", f"mlflow.uri={secret}"],
        ["runs", "list", "--project", str(project), "--json", f"--set=mlflow.uri={secret}"],
        ["runs", "list", "--project", str(project), "--set", f"mlflow.password={CANARY}"],
        ["runs", "list", f"--project=http://ada:{CANARY}@host"],
    ):
        monkeypatch.setattr(sys, "argv", ["weakft", *arguments])
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 2
        assert CANARY not in result.stdout + result.stderr
    assert "runs list" in log.read_text()
    assert CANARY not in log.read_text()


def test_usage_errors_quote_no_secret() -> None:
    for arguments in (
        ["run", f"mlflow.uri={SECRETS[0]}"],
        [SECRETS[0]],
        ["run", f"--x={SECRETS[1]}"],
    ):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 2
        assert CANARY not in result.stdout + result.stderr


def test_a_crash_log_holds_no_secret(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(session.typer.Exit), session.session(project, None, as_json=False):
        raise RuntimeError(f"no answer from {SECRETS[0]}")
    text = (tmp_path / "weakft-crash.log").read_text()
    assert "RuntimeError: no answer from http://***@127.0.0.1:9" in text
    assert CANARY not in text


def test_a_crash_in_a_project_with_hidden_columns_quotes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = CONFIG + '[privacy]\nhidden = ["email"]\n'
    root = write_project(tmp_path / "project", tmp_path, config)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(session.typer.Exit), session.session(root, None, as_json=True) as cli:
        assert cli.project
        raise RuntimeError(CANARY)
    text = (tmp_path / "weakft-crash.log").read_text()
    assert "RuntimeError: (message withheld" in text
    printed = capsys.readouterr()
    assert CANARY not in text.replace("RuntimeError(CANARY)", "") + printed.out + printed.err


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The tiny project; no model is needed here."""
    return write_project(tmp_path / "project", tmp_path)


PLAIN = "abcdefghijklmnopqrstuvwxyz0123456789-_.~!$&'()*+,;=:@/?#%"


@given(st.text(PLAIN, min_size=6), st.sampled_from(["http", "sqlite", "s3", "tcp"]))
def test_whatever_a_password_is_made_of_it_is_masked(password: str, scheme: str) -> None:
    url = f"{scheme}://ada:<{password}>@host/x"
    assert f"<{password}>" not in redacted(f"Nothing at {url}; is it up?")
    assert f"<{password}>" not in redacted_argument(f"mlflow.uri={url}")
    assert holds_secret(url)


@pytest.mark.parametrize(
    "name", ["token", "DB_PASS", "passcode", "x-api-key", "client_secret", "AWS_SECRET_ACCESS_KEY"]
)
def test_whatever_a_secret_is_called_it_is_masked(name: str) -> None:
    assert redacted(f"got {name}={CANARY}, wanted none") == f"got {name}=***, wanted none"
    assert CANARY not in redacted_argument(f"mlflow.{name}={CANARY} and more")
    assert holds_secret(f"http://host;{name}={CANARY}")


@pytest.mark.parametrize(
    "text",
    [
        "wanted 1 to 126 classes, got ['a', 'b']",
        "passed: no class is shown to lose recall; the second pass: 3 rows",
        "http://127.0.0.1:5000 does not answer. Is it up?",
        "Write to ada@example.org, or models:/reviews@current",
        "3 of 9 texts are longer than 128 tokens (train.max_length): raise it",
        "train.peft.num_virtual_tokens=20",
        "sqlite:////home/a/mlflow.db",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text
    assert not holds_secret(text)
