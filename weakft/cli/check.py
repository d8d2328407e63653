"""`weakft check`: are config, data and labeling functions sound? Writes nothing."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import RenderableType
from rich.text import Text
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft.cli import screens
from weakft.cli.session import JsonOption, ProjectOption, SetOption, session
from weakft.dataset import Dataset, read_dataset, read_gold
from weakft.errors import LFTestFailed
from weakft.lf import load_lfs
from weakft.lint import Finding, failed_examples, find_faults
from weakft.pipeline.voting import cast_votes
from weakft.project import Project
from weakft.unknown_tokens import unread_texts, warning
from weakft.visible import listed

SAMPLED_ROWS = 1000  # of train, on which LFs are looked at


def check(project: ProjectOption = None, set_: SetOption = None, json: JsonOption = False) -> None:
    """Import the LFs, run their examples, look for their faults; write nothing."""
    with session(project, set_, json) as cli:
        opened = cli.project
        data = read_dataset(opened.config, opened.root)
        if gold := opened.config.evaluate.train_gold:
            config, hidden = opened.config, opened.config.privacy.hidden
            read_gold(opened.root / gold, config.data, config.classes, hidden=hidden)
        findings: list[Finding] = []
        warnings = list(data.warnings)
        examples = 0
        if opened.config.labeling.votes or not opened.config.labeling.modules:
            names = list(cast_votes(opened, data, cli.narrator)["train"].lf_names)
        else:
            classes = opened.config.classes
            lfs = load_lfs(opened.lf_files, opened.root, classes, warn=warnings.append)
            names = [lf.name for lf in lfs]
            examples = _hold_to_examples(opened, lfs)
            findings = _findings(opened, lfs, data)
        rows = {name: len(split) for name, split in data.splits.items()}
        content = {
            "status": "ok",
            "rows": rows,
            "reviewed": len(data.reviewed),
            "lfs": names,
            "classes": list(opened.config.classes),
            "examples": examples,
            "findings": [asdict(finding) for finding in findings],
            "warnings": [*warnings, *_about_tokens(opened, data)],
        }
        cli.show(content, *_screen(content, findings))


def _hold_to_examples(project: Project, lfs: Sequence[SnorkelLF]) -> int:
    """How many examples there are, all of them met.

    Raises:
        LFTestFailed: some are not.
    """
    failures = broken_examples(project, lfs)
    if failures:
        told = "1 example is" if len(failures) == 1 else f"{len(failures)} examples are"
        raise LFTestFailed("\n".join([f"{told} not met; mend the LF or the example.", *failures]))
    return sum(len(getattr(lf, "examples", ())) for lf in lfs)


def broken_examples(project: Project, lfs: Sequence[SnorkelLF]) -> list[str]:
    """One sentence for each example that its LF does not meet."""
    column, classes = project.config.data.text, project.config.classes
    return [
        sentence
        for lf in lfs
        for sentence in failed_examples(lf, text_column=column, classes=classes)
    ]


def _findings(project: Project, lfs: Sequence[SnorkelLF], data: Dataset) -> list[Finding]:
    train = data["train"].frame
    sample = train.sample(min(SAMPLED_ROWS, len(train)), random_state=0)
    columns = project.config.data
    return find_faults(
        lfs,
        sample,
        id_column=columns.id,
        text_column=columns.text,
        label_column=columns.label,
        unquoted=project.config.hidden_from_all_but_lfs,
        time_limit=project.config.apply.time_limit,
        max_fault_rate=project.config.labeling.max_fault_rate,
    )


def _about_tokens(project: Project, data: Dataset) -> list[str]:
    """A sentence where the model to be trained does not know the words of many texts."""
    if project.config.project.task != "text":
        return []
    model, train = project.config.train.model, data["train"]
    found = unread_texts(model, project.root, train.texts)
    if found is None:
        return []
    named = project.config.data.id not in project.config.privacy.hidden
    row_id = train.ids[found.example] if named and found.example is not None else None
    return [warning(found, model, row_id)]


def _screen(content: dict[str, object], findings: Sequence[Finding]) -> list[RenderableType]:
    rows = content["rows"]
    assert isinstance(rows, dict)
    lfs, classes, warnings = content["lfs"], content["classes"], content["warnings"]
    assert isinstance(lfs, list) and isinstance(classes, list) and isinstance(warnings, list)
    reviewed = f" Reviewed: {content['reviewed']} of train." if content["reviewed"] else ""
    end = (
        Text(f"{len(findings)} things to look at. Next: weakft analyze", style="yellow")
        if findings
        else Text("Read the warnings. Next: weakft analyze", style="yellow")
        if warnings
        else Text("All well. Next: weakft analyze", style="green")
    )
    return [
        Text(f"{len(lfs)} labeling functions, classes {listed(classes)}."),
        Text(f"Examples met: {content['examples']}."),
        Text(f"Rows: {', '.join(f'{name} {count}' for name, count in rows.items())}.{reviewed}"),
        screens.bullets(warnings),
        screens.bullets([f"{finding.lf} {finding.message}" for finding in findings]),
        end,
    ]
