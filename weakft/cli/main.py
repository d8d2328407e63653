"""The `weakft` command: every group's commands on one typer app."""

import signal
from types import FrameType

import typer

from weakft.cli import (
    analyze,
    cache,
    check,
    doctor,
    export,
    imports,
    init,
    predict,
    report,
    retrain,
    runs,
    serve,
    stages,
    watch,
)
from weakft.cli.session import Terminated

app = typer.Typer(
    name="weakft",
    help="Labeling functions in, a fine-tuned and honestly scored text classifier out.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

for command in (
    init.init,
    check.check,
    stages.apply,
    analyze.analyze,
    watch.watch,
    stages.label,
    stages.train,
    stages.evaluate,
    stages.run,
    retrain.retrain,
    predict.predict,
    report.report,
    doctor.doctor,
):
    app.command()(command)
app.command("app")(serve.serve)
app.add_typer(runs.group, name="runs")
app.add_typer(export.group, name="export")
app.add_typer(imports.group, name="import")
app.add_typer(cache.group, name="cache")


def main() -> None:
    """Run the command line; SIGTERM unwinds like Ctrl-C and exits with 143."""
    signal.signal(signal.SIGTERM, _terminate)
    app()


def _terminate(signum: int, frame: FrameType | None) -> None:
    raise Terminated


if __name__ == "__main__":
    main()
