"""Put a printed table between its markers, here or in the README; keep the numbers as JSON."""

import json
import os
import platform
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
PAGES = (ROOT / "README.md", Path(__file__).parent / "README.md")


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


def replace_block(name: str, content: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->`, on whichever page."""
    head, _, tail = _around(name)
    page = _page_of(name)
    page.write_text(f"{head}\n{content}\n{tail}", encoding="utf-8")


def block(name: str) -> str:
    """What stands between the markers now."""
    return _around(name)[1].strip()


def _around(name: str) -> tuple[str, str, str]:
    """What stands up to the first marker, between the two, and from the second on."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    head, rest = _page_of(name).read_text(encoding="utf-8").split(start)
    content, tail = rest.split(end)
    return head + start, content, end + tail


def _page_of(name: str) -> Path:
    """The page that has the markers."""
    (page,) = (page for page in PAGES if f"<!-- {name} -->" in page.read_text(encoding="utf-8"))
    return page
