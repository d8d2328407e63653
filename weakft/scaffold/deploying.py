"""Files with which cron, systemd, Airflow and GitHub look after a project."""

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import distribution
from pathlib import Path

from weakft.account import user_name
from weakft.project import Project
from weakft.scaffold.quoting import cron_words, systemd_value, systemd_words
from weakft.scaffold.templates import filled
from weakft.scaffold.writing import write_new

FOLDER = "deploy"
SAY_WHERE = "say here where pip finds weakft"


class Kind(StrEnum):
    """Who looks after the project."""

    CRON = "cron"
    SYSTEMD = "systemd"
    AIRFLOW = "airflow"
    GITHUB = "github"


@dataclass(frozen=True)
class Deployment:
    """Files of one kind.

    Attributes:
        contents: by the path of the file.
        command: puts them into use, from the project's folder.
    """

    contents: Mapping[Path, str]
    command: str


def add_deployment(project: Project, kinds: Iterable[Kind]) -> list[Deployment]:
    """Write the files of these kinds into a project, all or none.

    Raises:
        ConfigError: one of them is there already.
        DataError: the folder cannot be written.
    """
    made = [_MAKERS[kind](project) for kind in dict.fromkeys(kinds)]
    write_new({path: text for each in made for path, text in each.contents.items()})
    return made


def weakft_command() -> list[str]:
    """How this weakft is called from anywhere: its script, or Python with its module."""
    script = Path(sys.executable).with_name("weakft")
    return [str(script)] if script.exists() else [sys.executable, "-P", "-m", "weakft"]


def requirement() -> str | None:
    """What pip installs elsewhere to get this weakft; None if it came from a folder of here.

    A package that pip did not get from an index says where it came from (PEP 610).
    """
    installed = distribution("weakft")
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    url = origin.get("url")
    if url is None:
        return f"weakft=={installed.version}"
    if vcs := origin.get("vcs_info"):
        return f"weakft @ {vcs['vcs']}+{url}@{vcs['commit_id']}"
    return None if url.startswith("file:") else f"weakft @ {url}"


def _cron(project: Project) -> Deployment:
    file = project.root / FOLDER / "weakft.cron"
    values = {
        "PROJECT": cron_words([str(project.root)]),
        "WEAKFT": cron_words(weakft_command()),
    }
    text = filled("deploy/weakft.cron.in", values)
    both = f"(crontab -l 2>/dev/null; cat {FOLDER}/{file.name})"
    return Deployment({file: text}, f"{both} | crontab -")


def _systemd(project: Project) -> Deployment:
    unit = f"weakft-{_slug(project, '-')}"
    files = [f"{FOLDER}/{unit}.{kind}" for kind in ("service", "timer")]
    values = {
        "UNIT": unit,
        "UNIT_FILES": " ".join(files),
        "TITLE": systemd_value(" ".join(project.config.project.name.split())),
        "USER": user_name(),
        "PROJECT": systemd_value(str(project.root)),
        "WEAKFT": systemd_words(weakft_command()),
    }
    contents = {
        project.root / file: filled(f"deploy/weakft{Path(file).suffix}.in", values)
        for file in files
    }
    copied = f"sudo cp {' '.join(files)} /etc/systemd/system/"
    return Deployment(contents, f"{copied} && sudo systemctl enable --now {unit}.timer")


def _airflow(project: Project) -> Deployment:
    slug = f"weakft_{_slug(project, '_')}"
    file = project.root / FOLDER / f"{slug}_dag.py"
    values = {
        "DAG_ID": _quoted(slug),
        "DESCRIPTION": _quoted(f"weakft retrain of {project.config.project.name}"),
        "COMMAND": _quoted(shlex.join([*weakft_command(), "retrain"])),
        "PROJECT": _quoted(str(project.root)),
    }
    text = filled("deploy/dag.py.in", values)
    return Deployment({file: text}, f'ln -s "$PWD/{FOLDER}/{file.name}" ~/airflow/dags/')


def _github(project: Project) -> Deployment:
    repository = _repository(project.root)
    inside = project.root.relative_to(repository)
    modules = [inside / Path(module).parent for module in project.config.labeling.modules]
    watched = [f"{folder}/**" if folder.parts else "*.py" for folder in dict.fromkeys(modules)]
    watched.append(str(inside / "weakft.toml"))
    values = {
        "PATHS": "\n".join(f"      - {_quoted(path)}" for path in watched),
        "FOLDER": _quoted(str(inside)),
        "REQUIREMENT": _quoted(requirement() or SAY_WHERE),
    }
    file = repository / ".github" / "workflows" / "weakft.yml"
    text = filled("deploy/workflow.yml.in", values)
    todo = "" if requirement() else f"    # first replace there: {SAY_WHERE}"
    return Deployment({file: text}, f"git add {shlex.quote(str(file))}{todo}")


_MAKERS: dict[Kind, Callable[[Project], Deployment]] = {
    Kind.CRON: _cron,
    Kind.SYSTEMD: _systemd,
    Kind.AIRFLOW: _airflow,
    Kind.GITHUB: _github,
}


def _repository(root: Path) -> Path:
    """The folder of the git repository a project lies in; its own where there is none."""
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)


def _slug(project: Project, joint: str) -> str:
    """The project's name in letters that units and DAGs may have."""
    return re.sub(r"[^A-Za-z0-9]+", joint, project.config.project.name).strip(joint) or "project"


def _quoted(text: str) -> str:
    """A string as Python and YAML write it."""
    return json.dumps(text, ensure_ascii=False)
