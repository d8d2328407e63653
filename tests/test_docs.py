"""Documentation is executed, and lists are derived from the code."""

import doctest
import importlib
import json
import pkgutil
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

import weakft
from benchmarks import choosing, gold, no_gold, quality, speed, throughput
from benchmarks.readme import PAGES, RESULTS, block, load
from weakft.cli.main import COMMANDS, app
from weakft.config import Config

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = [m.name for m in pkgutil.walk_packages(weakft.__path__, "weakft.")]


@pytest.mark.parametrize("name", [n for n in MODULES if not n.startswith("weakft._")])
def test_docstring_examples_run(name: str) -> None:
    if name == "weakft.__main__":
        pytest.skip("runs the command line")
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_readme_python_runs_and_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    source = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    exec(compile(source, "README.md", "exec"), {})
    promised = re.findall(r"print\(.*\)  # (.*)", source)
    assert capsys.readouterr().out.splitlines() == promised
    assert promised


def test_readme_config_is_valid() -> None:
    (config,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert Config.model_validate(tomllib.loads(config)).classes[0] == "negative"


def test_every_command_in_the_readme_exists_and_has_help() -> None:
    group: Any = typer.main.get_command(app)
    commands = {name: group.get_command(None, name) for name in COMMANDS}
    named = set(re.findall(r"weakft (\w+)", README)) & set(re.findall(r"`?weakft ([a-z]+)", README))
    words = {"run", "runs", "app", "check", "analyze", "import"}
    assert words <= named
    assert words <= set(commands)
    assert all(command.help for command in commands.values())


def test_the_tree_names_what_is_there() -> None:
    tree = README.split("## The tree")[1]
    listed = set(re.findall(r"^  ([a-z_]+)(?:\.py|/)", tree, re.MULTILINE))
    package = Path(weakft.__file__).parent
    present = {
        p.stem for p in package.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()
    }
    small = {"__init__", "__main__", "seeding", "narration"}
    assert listed == present - small


TABLES: dict[str, Callable[[], str]] = {
    "quality": lambda: quality.quality_table(load("quality")),
    "throughput": lambda: throughput.throughput_table(load("throughput")),
    "gold": lambda: gold.gold_table({split: load(name) for split, name in gold.FILES.items()}),
    "no-gold": lambda: no_gold.no_gold_table(load("no_gold")),
    "choosing": choosing.choosing_table,
    "glance": choosing.glance,
    "speed": speed.speed_table,
}


@pytest.mark.parametrize("name", TABLES)
def test_figures_on_the_pages_are_those_the_benchmark_printed(name: str) -> None:
    assert block(name) == TABLES[name]()


def test_links_within_the_repository_lead_somewhere() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for link in re.findall(r"\]\((?!http)([^)]+)\)", text):
            file, _, heading = link.partition("#")
            target = page.parent / file if file else page
            assert target.exists(), link
            if heading:
                assert heading in anchors_of(target), link


def anchors_of(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_demo_line_is_the_measured_one() -> None:
    result = json.loads((RESULTS / "demo.json").read_text())
    assert f"{result['seconds']} s" in block("demo")


def test_public_names_exist() -> None:
    assert all(hasattr(weakft, name) for name in weakft.__all__)
