"""Put a printed table into the README, between its markers, and keep the numbers as JSON."""

import json
import os
import platform
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"


def markdown_table(header: list[str], rows: list[list[str]]) -> str:
    """A GitHub table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def cpu() -> str:
    """What the processor calls itself, and how many cores are there."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{os.cpu_count()} cores of {names[0] if names else platform.machine()}"


def save(name: str, results: Any) -> None:  # noqa: ANN401
    """Keep the figures beside the script that made them."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(results, indent=2) + "\n")


def load(name: str) -> Any:  # noqa: ANN401
    """The figures of the last run of a benchmark."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def replace_block(name: str, content: str, readme: Path = ROOT / "README.md") -> None:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->`."""
    text = readme.read_text(encoding="utf-8")
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    head, rest = text.split(start)
    tail = rest.split(end)[1]
    readme.write_text(f"{head}{start}\n{content}\n{end}{tail}", encoding="utf-8")


def block(name: str, readme: Path = ROOT / "README.md") -> str:
    """What stands between the markers now."""
    text = readme.read_text(encoding="utf-8")
    return text.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0].strip()
