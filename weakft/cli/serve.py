"""`weakft app`: serve the dashboard of one project on this machine."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

import weakft
from weakft.cli.session import ProjectOption, session
from weakft.errors import ConfigError

LOCKED_DOWN = {
    "server.address": "127.0.0.1",
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "server.enableStaticServing": "false",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "viewer",
    "client.showErrorDetails": "none",
}


def serve(
    project: ProjectOption = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1.")] = 8501,
) -> None:
    """Open the project's dashboard on 127.0.0.1; Ctrl-C ends it."""
    with session(project, None, as_json=False) as cli:
        root = cli.project.root
        if importlib.util.find_spec("streamlit") is None:
            raise ConfigError("The app needs streamlit: `make app`, or pip install -e '.[app]'.")
        options = [f"--{key}={value}" for key, value in LOCKED_DOWN.items()]
        command = [sys.executable, "-m", "streamlit", "run", str(app_file()), *options]
        typer.echo(f"Serving {root} on http://127.0.0.1:{port} (Ctrl-C ends it)", err=True)
        environment = {**os.environ, "WEAKFT_PROJECT": str(root)}
        process = subprocess.Popen([*command, f"--server.port={port}"], env=environment)
        try:
            code = process.wait()
        finally:
            process.terminate()
            process.wait()
        if code:
            raise ConfigError(f"streamlit ended with exit code {code}; is port {port} taken?")


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
