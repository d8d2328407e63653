"""The `weakft` command: each command's module is loaded when the command is asked for."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import Any

import typer
from typer.core import TyperGroup

from weakft.cli.session import Terminated
from weakft.redaction import redacted

COMMANDS = {
    "init": "init.init",
    "check": "check.check",
    "apply": "stages.apply",
    "analyze": "analyze.analyze",
    "watch": "watch.watch",
    "label": "stages.label",
    "train": "stages.train",
    "evaluate": "stages.evaluate",
    "run": "stages.run",
    "retrain": "retrain.retrain",
    "predict": "predict.predict",
    "report": "report.report",
    "doctor": "doctor.doctor",
    "app": "serve.serve",
    "runs": "runs.group",
    "export": "export.group",
    "import": "imports.group",
    "cache": "cache.group",
}
"""Where each stands in `weakft.cli`; in the order of `weakft --help`."""

USAGE_ERROR: Any = typer.BadParameter.__base__  # of the click inside Typer, or beside it
PLAIN: dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}


class Commands(TyperGroup):
    """All commands by name; `weakft retrain` does not wait for what `weakft watch` needs."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401
        super().__init__(**settings)
        self.commands: Any = dict.fromkeys(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401
        """One of them; None if there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(".")
        found = getattr(import_module(f"weakft.cli.{module}"), name)
        holder = typer.Typer(**PLAIN)
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=cmd_name)
        else:
            holder.command(cmd_name)(found)
        return typer.main.get_group(holder).commands[cmd_name]

    def make_context(self, *arguments: Any, **settings: Any) -> Any:  # noqa: ANN401
        """As Typer does, without a password in what it has against the arguments."""
        with _redacted_usage():
            return super().make_context(*arguments, **settings)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401
        """The same for the arguments of a command."""
        with _redacted_usage():
            return super().invoke(ctx)


@contextmanager
def _redacted_usage() -> Iterator[None]:
    try:
        yield
    except USAGE_ERROR as error:
        error.message = redacted(error.message)
        raise


app = typer.Typer(name="weakft", cls=Commands, no_args_is_help=True, **PLAIN)


@app.callback()
def weakft() -> None:
    """Labeling functions in, a fine-tuned and honestly scored text classifier out."""


def main() -> None:
    """Run the command line; SIGTERM unwinds like Ctrl-C and exits with 143."""
    signal.signal(signal.SIGTERM, _terminate)
    app()


def _terminate(signum: int, frame: FrameType | None) -> None:
    raise Terminated


if __name__ == "__main__":
    main()
