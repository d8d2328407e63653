"""No cell of a hidden column is seen, however an LF raises with it."""

import json
import sqlite3
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from tests.conftest import CONFIG, write_project
from weakft.apply import apply_lfs
from weakft.cli.main import app
from weakft.errors import DataError
from weakft.lf import load_lfs
from weakft.prediction.reading import Source
from weakft.project import Project
from weakft.report import Report
from weakft.runs import RunFolder, write_json

CANARY = "xyzzy@example.org"
NUMBER = 918273645
PIECES = ("xyzzy", str(NUMBER), "2516117")  # the last one: the year of day NUMBER
HIDDEN = '\n[privacy]\nhidden = ["email", "phone"]\n'

RAISES = {
    "KeyError(x.email)": "KeyError",
    "ValueError(x.email.split('@')[0])": "ValueError",
    "Exception({'email': x.email})": "Exception",
    "RuntimeError(x.phone)": "RuntimeError",
    "type(x.email, (LookupError,), {})()": "LookupError",
}
STATEMENTS = {
    "exec(x.email + '(')": "SyntaxError",
    "exec(compile('1/0', x.email, 'exec'))": "ZeroDivisionError",
    "int(x.email)": "ValueError",
    "{}[x.email]": "KeyError",
    "getattr(x, x.email)": "AttributeError",
    "json.loads(x.email)": "JSONDecodeError",
    "b'\\xff'.decode() + x.email": "UnicodeDecodeError",
    "noted(x.email)": "ValueError",
    "caused(x.email)": "ValueError",
}
LFS = """
import json

from weakft import ABSTAIN, keyword_lf, labeling_function

praises = keyword_lf("praises", ["great", "love", "perfect", "good"], 1)
blames = keyword_lf("blames", ["bad", "broke", "awful", "poor"], 0)


def noted(cell):
    error = ValueError("see the note")
    error.add_note(cell)
    raise error


def caused(cell):
    try:
        raise KeyError(cell)
    except KeyError as error:
        raise ValueError("for a reason") from error
"""
LF = """

@labeling_function()
def fault_{number}(x):
    {statement}
    return ABSTAIN
"""


def lf_file() -> str:
    statements = [f"raise {error}" for error in RAISES] + list(STATEMENTS)
    return LFS + "".join(LF.format(number=n, statement=s) for n, s in enumerate(statements))


def write_hidden(root: Path, lfs: str, *, config: str = HIDDEN, rate: float = 1.0) -> Path:
    settings = CONFIG.replace("[labeling]", f"[labeling]\nmax_fault_rate = {rate}") + config
    write_project(root, root.parent, settings, lfs)
    for file in (root / "data").iterdir():
        rows = pd.read_parquet(file)
        rows.assign(email=CANARY, phone=NUMBER).to_parquet(file, index=False)
    return root


def held(text: str) -> list[str]:
    """Lines that hold a part of a hidden cell; lines of code name columns, never cells."""
    return [line for line in text.splitlines() if any(piece in line for piece in PIECES)]


def called(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout + result.stderr


def all_written(root: Path) -> str:
    """Everything that lies in the project but its data, what is packed unpacked."""
    texts = []
    for file in root.rglob("*"):
        if not file.is_file() or root / "data" in file.parents:
            continue
        if file.suffix == ".parquet":
            texts.append(pd.read_parquet(file).to_csv())
        elif file.suffix == ".sqlite":
            with sqlite3.connect(file) as db:
                found = db.execute("SELECT content FROM votes").fetchall()
            texts += [zlib.decompress(content).decode(errors="replace") for (content,) in found]
        else:
            texts.append(file.read_bytes().decode(errors="replace"))
    return "\n".join(texts)


def test_other_processes_withhold_messages_too(tmp_path: Path) -> None:
    root = write_hidden(tmp_path / "project", lf_file())
    lfs = load_lfs([root / "labeling" / "tiny.py"], root)
    frame = pd.read_parquet(root / "data" / "train.parquet")
    L = apply_lfs(lfs, frame, workers=2, unquoted=["email"])
    assert len(L.faults) == len(RAISES) + len(STATEMENTS)
    assert not held("\n".join(fault.traceback for fault in L.faults))
    assert L.faults == apply_lfs(lfs, frame, unquoted=["email"]).faults


def test_faults_name_type_and_line_and_no_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEAKFT_LOG", str(tmp_path / "project" / "log.jsonl"))
    root = write_hidden(tmp_path / "project", lf_file())
    code, printed = called("apply", "--project", root, "--json")
    assert code == 0, printed
    told = {fault["lf_name"]: fault for fault in json.loads(printed.splitlines()[-1])["faults"]}
    kinds = [*RAISES.values(), *STATEMENTS.values()]
    assert len(told) == len(kinds)
    for number, kind in enumerate(kinds):
        lines = told[f"fault_{number}"]["traceback"].splitlines()
        assert lines[-1] == f"{kind}: (message withheld: [privacy] hidden)"
        assert any(f", in fault_{number}" in line for line in lines)
    for command in (["apply"], ["check"], ["analyze"], ["analyze", "--json"], ["label"]):
        code, printed = called(*command, "--project", root)
        assert code == 0, printed
        assert not held(printed)
    assert not held(all_written(root))


@pytest.mark.parametrize(
    "statement", ["raise KeyError(x.email)", "return x.email", "return NUMBER(x.phone)"]
)
def test_refusals_quote_no_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    root = tmp_path / "project"
    monkeypatch.setenv("WEAKFT_LOG", str(root / "log.jsonl"))
    lfs = LFS + LF.format(number=0, statement=statement.replace("NUMBER", ""))
    write_hidden(root, lfs, rate=0.05)
    rows = root / "data" / "train.parquet"
    for command in (
        *(["apply"], ["analyze"], ["analyze", "--json"]),
        ["apply", rows, root / "votes.parquet"],
    ):
        code, printed = called(*command, "--project", root)
        assert code == 4, printed
        assert "fault_0" in printed
        assert not held(printed)
    assert not held(all_written(root))


def test_what_was_recorded_before_a_column_was_hidden_is_not_shown(tmp_path: Path) -> None:
    root = write_hidden(tmp_path / "project", lf_file(), config="")
    code, printed = called("apply", "--project", root, "--json")
    assert code == 0 and held(printed), "without hidden columns all is told"
    file = root / "weakft.toml"
    file.write_text(file.read_text() + HIDDEN)
    code, printed = called("apply", "--project", root, "--json")
    assert code == 0
    assert not held(printed), "kept votes are no way round"
    assert not held(all_written(root)), "nor is what was kept"
    file.write_text(file.read_text().replace(HIDDEN, ""))
    code, printed = called("apply", "--project", root, "--json")
    assert held(printed), "as before"


def test_an_older_run_shows_no_traceback(tmp_path: Path) -> None:
    root = write_hidden(tmp_path / "project", LFS)
    project = Project.open(root)
    run = RunFolder(tmp_path / "run")
    run.make_folders()
    fault = {"lf_name": "praises", "count": 1, "row_id": "train-0", "traceback": CANARY}
    write_json(run.faults, {"train": [fault]})
    run.config.write_text((root / "weakft.toml").read_text())

    class Unchecked(Report):
        def _intact(self, path: Path) -> Path:
            return path

    found = Unchecked(project, run).fault("praises")
    assert found is not None
    assert CANARY not in found["traceback"] and "withheld" in found["traceback"]


def test_a_library_call_without_a_project_tells_all(tmp_path: Path) -> None:
    root = write_hidden(tmp_path / "project", lf_file())
    lfs = load_lfs([root / "labeling" / "tiny.py"], root)
    L = apply_lfs(lfs, pd.read_parquet(root / "data" / "train.parquet"))
    assert held(L.faults[0].traceback)
    assert not any(fault.withheld for fault in L.faults)


@pytest.mark.parametrize("hidden", ["id", "text"])
def test_analyze_shows_neither_hidden_texts_nor_hidden_ids(tmp_path: Path, hidden: str) -> None:
    lfs = LFS.replace('"good"', '"zzz"').replace('"poor"', '"zzz"')
    lfs += LF.format(number=0, statement="raise KeyError(x.text, x.id)")
    root = write_hidden(tmp_path / "project", lfs, config=f'[privacy]\nhidden = ["{hidden}"]\n')
    marks = {"id": "train-", "text": "the "}
    for command in (["analyze"], ["analyze", "--json"], ["apply", "--json"], ["apply"]):
        code, printed = called(*command, "--project", root)
        assert code == 0, printed
        assert marks[hidden] not in printed.replace("the votes", "")


ALL_HIDDEN = '[privacy]\nhidden = ["id", "text", "label", "email"]\n'
BAD_FILES: dict[str, tuple[str, str, list[dict[str, object]]]] = {
    "id twice": ("parquet", "'id' must be distinct, but a value occurs", [{}, {}]),
    "no text": ("parquet", "row 0 (counted from 0) has no 'text'", [{"text": " "}]),
    "unknown label": ("parquet", "1 labels are no class", [{"label": CANARY}]),
    "id that is none": ("jsonl", "row 0 (counted from 0)", [{"id": [CANARY]}]),
    "text that is none": ("jsonl", "row 0 (counted from 0)", [{"text": {CANARY: 1}}]),
    "year 100,000": ("parquet", "column 'email'", [{"email": NUMBER}]),
    "no header": ("csv", "(names withheld: without the hidden", [{}]),
    "no header, equal cells": ("csv", "is there twice", [{"text": CANARY + "1"}]),
    "a list": ("jsonl", "line 1: wanted a JSON object, got list", [{}]),
}


def write_bad(file: Path, name: str) -> None:
    """One of `BAD_FILES`, with the canary in each hidden column."""
    _, _, changes = BAD_FILES[name]
    rows = [
        {"id": CANARY + "1", "text": CANARY, "label": "good", "email": CANARY} | c for c in changes
    ]
    if name == "a list":
        file.write_text(json.dumps([CANARY]))
    elif file.suffix == ".jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif file.suffix == ".csv":
        pd.DataFrame(rows).to_csv(file, index=False, header=not name.startswith("no header"))
    else:
        table = pa.Table.from_pylist(rows)
        if name == "year 100,000":
            table = table.set_column(3, "email", table["email"].cast(pa.int32()).cast(pa.date32()))
        pq.write_table(table, file)


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_refused_file_is_told_of_without_its_hidden_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    root = tmp_path / "project"
    monkeypatch.setenv("WEAKFT_LOG", str(root / "log.jsonl"))
    write_project(root, tmp_path, CONFIG, LFS)
    suffix, wanted, _ = BAD_FILES[name]
    settings = root / "weakft.toml"
    settings.write_text(CONFIG.replace("dev.parquet", f"dev.{suffix}") + ALL_HIDDEN)
    file = root / "data" / f"dev.{suffix}"
    write_bad(file, name)
    for command in ("check", "apply", "analyze", "run"):
        code, printed = called(command, "--project", root)
        assert code == 3 and wanted in printed, printed
        assert not held(printed)
    if suffix == "parquet" and name not in ("id twice", "no text", "unknown label"):
        code, printed = called("apply", file, root / "votes.parquet", "--project", root)
        assert code == 3 and wanted in printed, printed
        assert not held(printed)
    if name != "unknown label":
        with pytest.raises(DataError) as refused:
            Source(file, "id", "text", 9, ("id", "text", "label", "email")).count()
        assert not held(str(refused.value))
    assert not held(all_written(root))


@pytest.mark.parametrize(
    "fault", ["shared id", "no gold", "no votes", "votes twice", "lost review"]
)
def test_rows_that_are_refused_across_files_are_named_by_position(
    tmp_path: Path, fault: str
) -> None:
    root = tmp_path / "project"
    config = CONFIG + ALL_HIDDEN
    if "votes" in fault:
        config = config.replace('modules = ["labeling/tiny.py"]', 'votes = "ready"')
    if fault == "no gold":
        config = config.replace("[evaluate]", '[evaluate]\ntrain_gold = "data/gold.parquet"')
    write_project(root, tmp_path, config, LFS)
    splits = {name: root / "data" / f"{name}.parquet" for name in ("train", "dev", "valid", "test")}
    for name, file in splits.items():
        rows = pd.read_parquet(file)
        rows["id"] = [
            f"{CANARY}{name if fault != 'shared id' else ''}{n}" for n in range(len(rows))
        ]
        rows.assign(email=CANARY).to_parquet(file, index=False)
        votes = pd.DataFrame({"id": rows["id"], "lf": np.int8(1)})
        (root / "ready").mkdir(exist_ok=True)
        twice = pd.concat([votes, votes]) if fault == "votes twice" else votes[1:]
        twice.to_parquet(root / "ready" / f"{name}.parquet", index=False)
    pd.DataFrame({"id": [CANARY], "label": ["good"]}).to_parquet(root / "data" / "gold.parquet")
    (root / "review").mkdir()
    decision = {"id": CANARY, "label": "good", "author": "ada", "at": "2025-01-31T09:00:00+00:00"}
    (root / "review" / "gold.jsonl").write_text(json.dumps(decision) + "\n")
    if fault == "no gold":
        assert called("apply", "--project", root)[0] == 0
    command = "label" if fault == "no gold" else "check"
    code, printed = called(command, "--project", root)
    assert code == (0 if fault == "lost review" else 3), printed
    wanted = "1 reviewed row is not in train any more." if code == 0 else "0 (counted from 0)"
    assert wanted in printed.replace("row 0 occurs", "row 0 (counted from 0)"), printed
    assert not held(printed)
