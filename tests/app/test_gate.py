"""Who gets past the gate, and under which name."""

import getpass
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import APP, Shop

SCRIPT = "import gate\nimport streamlit as st\nst.text(f'Hello {gate.require_login()}')\n"


def opened(tmp_path: Path, user: dict[str, object] | None = None) -> AppTest:
    script = tmp_path / "page.py"
    script.write_text(SCRIPT)
    app = AppTest.from_file(str(script), default_timeout=60)
    if user is not None:
        app.user = user
    return app.run()


def greeted(app: AppTest) -> str | None:
    """Whom the page greets; None if it stopped before."""
    assert not app.exception, app.exception
    (text,) = [element.value for element in app.text]
    return text.removeprefix("Hello ") if text.startswith("Hello ") else None


@pytest.fixture(autouse=True)
def app_folder(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(APP.parent))
    shop(run=False)


@pytest.fixture
def auth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEAKFT_AUTH", "1")


@pytest.fixture
def allowed(tmp_path: Path) -> None:
    with (tmp_path / "weakft.toml").open("a") as file:
        file.write('\n[app]\nallowed = ["*@example.org", "guest@elsewhere.net"]\n')


@pytest.mark.parametrize("setting", [None, "0"])
def test_without_auth_it_is_the_systems_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str | None
) -> None:
    if setting is not None:
        monkeypatch.setenv("WEAKFT_AUTH", setting)
    monkeypatch.setenv("LOGNAME", "ada")
    assert greeted(opened(tmp_path)) == getpass.getuser() == "ada"


@pytest.mark.usefixtures("auth")
def test_who_has_not_logged_in_sees_a_button_and_nothing_else(tmp_path: Path) -> None:
    app = opened(tmp_path, {"is_logged_in": False})
    assert not app.exception
    assert not app.text
    assert [button.label for button in app.button] == ["Log in"]


@pytest.mark.usefixtures("auth")
@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"email": "eve@elsewhere.net"}, "eve@elsewhere.net"),
        ({"name": "Eve", "sub": "7"}, "Eve"),
        ({"sub": "7"}, "7"),
        ({}, "unnamed"),
    ],
)
def test_with_no_list_whoever_logs_in_may(
    tmp_path: Path, claims: dict[str, object], name: str
) -> None:
    assert greeted(opened(tmp_path, {"is_logged_in": True, **claims})) == name


@pytest.mark.usefixtures("auth", "allowed")
@pytest.mark.parametrize(
    ("claims", "enters"),
    [
        ({"email": "eve@example.org"}, True),
        ({"email": "Eve@Example.ORG", "email_verified": True}, True),
        ({"email": "guest@elsewhere.net"}, True),
        ({"email": "eve@elsewhere.net"}, False),
        ({"email": "eve@example.org.elsewhere.net"}, False),
        ({"email": "eve@example.org", "email_verified": False}, False),
        ({"email": "eve@example.org", "email_verified": "false"}, False),
        ({"name": "eve@example.org"}, False),
        ({"email": None}, False),
    ],
)
def test_with_a_list_only_those_on_it_may(
    tmp_path: Path, claims: dict[str, object], enters: bool
) -> None:
    app = opened(tmp_path, {"is_logged_in": True, **claims})
    assert greeted(app) == (claims["email"] if enters else None)
    assert [button.label for button in app.button] == ([] if enters else ["Log out"])
