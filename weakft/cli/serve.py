"""`weakft app`: serve the dashboard of one project, on this machine or, on request, beyond."""

import importlib.util
import ipaddress
import os
import signal
import socket
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

import weakft
from weakft.cli.session import ProjectOption, session
from weakft.errors import ConfigError

LOCKED_DOWN: dict[str, Any] = {
    "global.developmentMode": False,
    "server.headless": True,
    "server.fileWatcherType": "none",
    "server.maxUploadSize": 1,  # megabytes; the app takes no files
    "browser.gatherUsageStats": False,
    "client.allowedOrigins": [],
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "none",
}
"""Streamlit's settings that are not its defaults; no config.toml and no variable changes these."""

LEFT_TO_PEOPLE = (
    "server.baseUrlPath",
    "server.cookieSecret",
    "server.sslCertFile",
    "server.sslKeyFile",
    "browser.serverPort",
    "logger.",
    "theme.",
    "mapbox.",
)
"""Beginnings of the settings that a config.toml may still change: looks, TLS, a reverse proxy."""

AUTH_KEYS = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
SECRETS = Path(".streamlit") / "secrets.toml"
OPEN_TO_ALL = (
    "Warning: nobody has to log in. Everyone who reaches port {port} of {host} sees the texts and "
    "may give gold."
)

Auth = dict[str, Any]


def serve(
    project: ProjectOption = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8501,
    host: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Address to listen on; beyond this machine: log-in."),
    ] = "127.0.0.1",
    allow_unauthenticated: Annotated[
        bool, typer.Option(help="Let whoever reaches the port in, without a log-in.")
    ] = False,
) -> None:
    """Open the project's dashboard on 127.0.0.1; Ctrl-C ends it.

    On another --host, people log in by OpenID Connect: `.streamlit/secrets.toml` of the project
    needs an [auth] section, as Streamlit describes it. Who may is `[app] allowed`.
    """
    with session(project, None, as_json=False) as cli:
        root = cli.project.root
        if importlib.util.find_spec("streamlit") is None:
            raise ConfigError("The app needs streamlit: `make app`, or pip install -e '.[app]'.")
        auth = read_auth(root / SECRETS)
        if auth is None and not is_loopback(host):
            if not allow_unauthenticated:
                raise ConfigError(
                    f"--host {host} can be reached from other machines, and nothing says who may "
                    f"see the texts. Write an [auth] section into {root / SECRETS}, or give "
                    "--allow-unauthenticated where everyone may."
                )
            typer.echo(OPEN_TO_ALL.format(port=port, host=host), err=True)
        options = {
            **settings(),
            "server.address": host,
            "server.port": port,
            "server.allowedHosts": own_names(host, auth),
            "browser.serverAddress": public_name(auth)
            or ("localhost" if is_wildcard(host) else host),
            "secrets.files": [str(root / SECRETS)],
        }
        os.environ |= {"WEAKFT_PROJECT": str(root), "WEAKFT_AUTH": str(int(auth is not None))}
        typer.echo(f"Serving {root} on {url(host, port)} (Ctrl-C ends it)", err=True)
        try:
            ended_by = run_server(options)
        except SystemExit as end:
            raise ConfigError(
                f"streamlit ended with exit code {end.code}; is port {port} of {host} taken?"
            ) from end
        raise typer.Exit(128 + ended_by if ended_by else 0)


def settings() -> dict[str, Any]:
    """All of Streamlit's settings but those left to people: ours, the others as they come.

    Given as flags they outrank every config.toml and every variable.
    """
    from streamlit import config

    known = config._config_options_template
    pinned = {
        key: option.default_val
        for key, option in known.items()
        if not key.startswith(LEFT_TO_PEOPLE)
        and option.default_val is not None
        and not option.is_expired()
    }
    return pinned | {key: value for key, value in LOCKED_DOWN.items() if key in known}


def run_server(options: dict[str, Any]) -> int | None:
    """Serve the app until a signal ends it: in this process, so that nothing outlives it.

    Returns:
        The number of the signal.
    """
    from streamlit import config
    from streamlit.web import bootstrap

    script = str(app_file())
    config._main_script_path = script  # our looks are in the config.toml beside it
    bootstrap.load_config_options(options)
    with noted_signals(bootstrap) as received:
        bootstrap.run(script, False, [], options)
    return received[0] if received else None


@contextmanager
def noted_signals(bootstrap: Any) -> Iterator[list[int]]:  # noqa: ANN401
    """Note each signal on which Streamlit stops its server: it stops as if it had ended itself."""
    received: list[int] = []
    set_up = bootstrap._set_up_signal_handler

    def set_up_noted(server: Any) -> None:  # noqa: ANN401
        set_up(server)
        for number in (signal.SIGINT, signal.SIGTERM):
            stop: Any = signal.getsignal(number)

            def note(number: int, frame: FrameType | None, stop: Any = stop) -> None:  # noqa: ANN401
                received.append(number)
                stop(number, frame)

            signal.signal(number, note)

    bootstrap._set_up_signal_handler = set_up_noted
    try:
        yield received
    finally:
        bootstrap._set_up_signal_handler = set_up


def read_auth(secrets: Path) -> Auth | None:
    """The [auth] section of a secrets.toml; None where there is no file, or none in it.

    Raises:
        ConfigError: the file cannot be read, or Authlib, which logging in needs, is missing.
    """
    if not secrets.exists():
        return None
    try:
        auth = tomllib.loads(secrets.read_text(encoding="utf-8")).get("auth")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{secrets} cannot be read as TOML: {error}.") from error
    if auth is None:
        return None
    missing = AUTH_KEYS if not isinstance(auth, dict) else [k for k in AUTH_KEYS if k not in auth]
    if missing:
        raise ConfigError(
            f"{secrets}: [auth] lacks {', '.join(missing)}; see Streamlit's page on st.login."
        )
    if importlib.util.find_spec("authlib") is None:
        raise ConfigError(f"[auth] in {secrets} needs Authlib: pip install 'Authlib>=1.3.2'.")
    return dict(auth)


def own_names(host: str, auth: Auth | None) -> list[str]:
    """The names under which the app answers.

    Under any other name a page elsewhere, open in a visitor's browser, could read ours (DNS
    rebinding).

    Example:
        >>> own_names("192.0.2.7", None)
        ['localhost', '127.0.0.1', '192.0.2.7']
    """
    names = ["localhost", "127.0.0.1", host]
    if is_wildcard(host):
        names.append(socket.gethostname())
    return list(dict.fromkeys(filter(None, [*names, public_name(auth)])))


def public_name(auth: Auth | None) -> str | None:
    """The name under which people log in; None where nobody has to."""
    return None if auth is None else urlsplit(str(auth["redirect_uri"])).hostname


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it; a name other than localhost may lead anywhere.

    Example:
        >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "")]
        [True, True, True, False, False]
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_wildcard(host: str) -> bool:
    """Whether it stands for all addresses of this machine."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return host == ""


def url(host: str, port: int) -> str:
    """The address to type into a browser.

    Example:
        >>> url("::1", 8501)
        'http://[::1]:8501'
    """
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def app_file() -> Path:
    """The app's entry script: inside the installed package, or beside it in a checkout."""
    package = Path(weakft.__file__).parent
    candidates = [
        package / "_app" / "streamlit_app.py",
        package.parent / "app" / "streamlit_app.py",
    ]
    for file in candidates:
        if file.is_file():
            return file
    raise ConfigError(f"The app is not installed: no {candidates[0]}. Reinstall weakft[app].")
