"""The page: its sections in reading order, poured into the template."""

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from weakft.html_report.blocks import (
    Block,
    Bullets,
    Cards,
    Heading,
    Paragraph,
    Section,
    Table,
    count,
    percent,
    score,
)
from weakft.html_report.errors import errors
from weakft.html_report.labels import gaps, soft_labels
from weakft.html_report.lfs import conflicts, lfs
from weakft.html_report.model import model
from weakft.html_report.rivals import rivals
from weakft.report import Report
from weakft.visible import visible


def render(report: Report, *, with_test: bool, examples: int) -> str:
    """See `weakft.html_report.html_report`; counts no look."""
    sections = (
        headline(report),
        next_steps(report, with_test=with_test),
        lfs(report),
        conflicts(report),
        gaps(report, examples),
        soft_labels(report),
        model(report),
        errors(report, examples),
        rivals(report, shown=with_test),
        made_from(report),
    )
    manifest = report.manifest
    return _template().render(
        project=manifest["project"],
        run=report.run.id,
        created=manifest["created"],
        version=manifest["versions"]["weakft"],
        sections=sections,
    )


def headline(report: Report) -> Section:
    """The numbers to know first."""
    told, end_model = report.metrics["labels"], report.metrics["end_model"]
    valid = end_model.get("valid", {})
    judging = next((split for split in ("valid", "dev") if split in told), None)
    right = score(told[judging]["accuracy"]) if judging else score(None)
    cards = (
        ("Macro-F1 on valid", *score(valid.get("macro_f1"))),
        (f"Labels right on {judging}" if judging else "Labels right", *right),
        ("Covered", percent(told["coverage"]), f"of {count(told['rows'], 'train rows')}"),
        ("LFs", f"{told['lfs']}", f"label model: {told['chosen']}"),
    )
    why = (Heading("What was chosen, and why"), Paragraph(report.rationale))
    return Section("headline", "Headline", (Cards(cards), *why))


def next_steps(report: Report, *, with_test: bool) -> Section:
    """What would improve the run most; what only test tells is left out without it."""
    steps = report.next_steps(with_test=with_test)
    blocks: list[Block] = [Bullets(tuple(steps)) if steps else Paragraph("Nothing stands out.")]
    if warnings := report.warnings(with_test=with_test):
        blocks += [Heading("Warnings"), Bullets(tuple(warnings))]
    return Section("next", "What to do next", tuple(blocks))


def made_from(report: Report) -> Section:
    """Data and LF files with their hashes, versions, seeds."""
    manifest = report.manifest
    files = [(split, each["file"], each["sha256"]) for split, each in manifest["data"].items()]
    files += [("LFs", file, digest) for file, digest in manifest.get("lf_files", {}).items()]
    if reviewed := manifest.get("review"):
        files.append(("review", reviewed["file"], reviewed["sha256"]))
    seeds, versions = manifest["seeds"].items(), manifest["versions"].items()
    return Section(
        "made",
        "What it was made from",
        (
            Table("Files", ("what", "file", "sha256"), tuple(files), (1, 2)),
            Table("Seeds", ("of", "seed"), tuple((of, str(seed)) for of, seed in seeds)),
            Table("Versions", ("package", "version"), tuple(versions), (1,)),
        ),
    )


def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("weakft.html_report", "."),
        autoescape=True,
        finalize=_harmless,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("template.html")


def _harmless(value: object) -> object:
    """What is no markup of ours, without controls; the template escapes it then."""
    return value if isinstance(value, Markup) else visible(str(value))
