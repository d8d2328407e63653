"""Which run answers for commands that put a model to use."""

from typing import Annotated

import typer

from weakft.cli.session import Session
from weakft.runs import RunFolder

ServingOption = Annotated[
    str | None,
    typer.Option(
        "--run",
        help="A run id, latest or current. Default: the run in service; where there is none, the "
        "newest that the gate has not refused.",
    ),
]


def run_to_serve(cli: Session, name: str | None) -> RunFolder:
    """The run of this name, or that of `Registry.serving`; which one, and why, is said on stderr.

    Raises:
        RunNotFound: there is no such run.
        DataError: aliases.json is broken, or the run's model is not what was published.
    """
    registry = cli.project.registry
    if damage := registry.judgements.damage():
        cli.note(damage)
    if name is None:
        serving = registry.serving()
        cli.note(f"By run {serving.run.id}: {serving.why}.")
        if serving.warning:
            cli.note(serving.warning)
        return serving.run
    run = registry.open(name)
    if registry.statuses([run.id])[run.id] == "refused":
        cli.note(f"By run {run.id}, as asked: the gate refused it.")
    return run
