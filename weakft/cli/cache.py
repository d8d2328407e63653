"""`weakft cache info | clear`: the votes kept between runs."""

import typer
from rich.text import Text

from weakft.apply import VoteCache
from weakft.cli.session import JsonOption, ProjectOption, Session, SetOption, session
from weakft.errors import ConfigError

group = typer.Typer(help="Votes kept between runs.", no_args_is_help=True, rich_markup_mode=None)


@group.command("info")
def info(project: ProjectOption = None, set_: SetOption = None, json: JsonOption = False) -> None:
    """Show how many votes are kept, and where."""
    with session(project, set_, json) as cli:
        found = _cache(cli).info()
        cli.show(
            {"status": "ok", **found},
            Text(
                f"{found['entries']} entries, {found['megabytes']:.1f} of "
                f"{found['limit_megabytes']} MB: {found['path']}"
            ),
        )


@group.command("clear")
def clear(project: ProjectOption = None, set_: SetOption = None, json: JsonOption = False) -> None:
    """Forget all kept votes; the next run computes them anew."""
    with session(project, set_, json) as cli:
        cache = _cache(cli)
        cache.clear()
        cli.show({"status": "completed", "path": str(cache.path)}, Text("All votes forgotten."))


def _cache(cli: Session) -> VoteCache:
    cache = cli.project.vote_cache
    if cache is None:
        raise ConfigError("[apply] cache = false: this project keeps no votes.")
    return cache
