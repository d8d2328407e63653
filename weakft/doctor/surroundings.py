"""What weakft needs around it: packages, room on the disk, hardware. Loads nothing heavy."""

import platform
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from weakft.doctor.finding import Finding
from weakft.project import Project

ROOM = 1e9  # bytes; a run with its model, its checkpoints and its tables
EXTRAS = {
    "app": "weakft app",
    "report": "weakft report --html",
    "peft": "train.strategy = lora, ia3, ...",
    "images": 'task = "image"',
    "dask": 'apply.engine = "dask"',
    "onnx": "weakft export --onnx",
}
"""Extras of pyproject.toml, and what each is for."""
NATIVE_BF16 = ("avx512_bf16", "amx_bf16")


def surroundings(project: Project) -> Iterator[Finding]:
    """What is there, what is missing, what is too old."""
    yield from _packages()
    yield _disk(project.root)
    yield _hardware()


def _packages() -> Iterator[Finding]:
    try:
        about, needs = metadata.metadata("weakft"), metadata.requires("weakft") or []
    except metadata.PackageNotFoundError:
        said = "weakft is not installed, so its needs are unknown: pip install -e ."
        yield Finding(said, "packages", "note")
        return
    yield _python(about["Requires-Python"])
    wanted = [Requirement(need) for need in needs]
    core = [need for need in wanted if need.marker is None or need.marker.evaluate({"extra": ""})]
    problems = [problem for need in core if (problem := _problem(need))]
    for problem in problems:
        yield Finding(f"{problem}: pip install -U weakft", "packages", "broken")
    if not problems:
        yield Finding(f"{len(core)} packages that weakft needs are there", "packages", "fine")
    for extra, use in EXTRAS.items():
        yield from _extra(extra, use, [need for need in wanted if _is_of(need, extra)])


def _python(wanted: str) -> Finding:
    version = platform.python_version()
    if SpecifierSet(wanted).contains(version, prereleases=True):
        return Finding(f"Python {version}", "packages", "fine")
    return Finding(f"wanted Python {wanted}, got {version}", "packages", "broken")


def _extra(extra: str, use: str, needs: list[Requirement]) -> Iterator[Finding]:
    if not needs:
        return
    install = f"pip install -U 'weakft[{extra}]'"
    problems = [problem for need in needs if (problem := _problem(need))]
    if not problems:
        yield Finding(f"for {use}: installed", f"extra {extra}", "fine")
    elif all(problem.endswith("got none") for problem in problems):
        yield Finding(f"for {use}: not installed; {install}", f"extra {extra}", "fine")
    else:
        yield Finding(f"for {use}: {'; '.join(problems)}; {install}", f"extra {extra}", "note")


def _is_of(need: Requirement, extra: str) -> bool:
    return (
        need.marker is not None
        and need.marker.evaluate({"extra": extra})
        and not need.marker.evaluate({"extra": ""})
    )


def _problem(need: Requirement) -> str | None:
    """None if it is there in a version that will do."""
    try:
        version = metadata.version(need.name)
    except metadata.PackageNotFoundError:
        return f"wanted {need.name} {need.specifier}, got none"
    if need.specifier.contains(version, prereleases=True):
        return None
    return f"wanted {need.name} {need.specifier}, got {version}"


def _disk(root: Path) -> Finding:
    free = shutil.disk_usage(root).free
    said = f"{free / 1e9:.1f} GB free"
    if free >= ROOM:
        return Finding(said, f"disk of {root}", "fine")
    said += f"; a run may need {ROOM / 1e9:.0f} GB. Make room: `weakft runs gc`"
    return Finding(said, f"disk of {root}", "note")


def _hardware() -> Finding:
    if any(Path("/dev").glob("nvidia[0-9]*")):
        return Finding("an NVIDIA GPU; training uses it if torch can", "hardware", "fine")
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    if any(flag in flags for flag in NATIVE_BF16):
        said = "has bf16, and training is in it where that is quicker than fp32"
    else:
        said = "is without bf16, so training is in fp32"
    return Finding(f"no GPU; the CPU {said}", "hardware", "fine")
