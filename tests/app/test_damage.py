"""Whatever file the disk has let rot: pages say which, and how to see what else is damaged."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.conftest import PAGES, Open, Shop, publish_run
from tests.app.reading import clicked, said
from weakft.project import Project
from weakft.runs import RunFolder

QUERY = {"lf": "says_cash", "first": "says_cash", "second": "says_noon", "on": "train"}
READ_BY: dict[str, tuple[str, ...]] = {
    "config.toml": ("overview", "labels", "lfs"),
    "metrics.json": ("overview", "labels", "model", "errors"),
    "summaries.json": ("lfs", "conflicts", "coverage", "labels", "model", "errors"),
    "lf_summary.parquet": ("overview", "lfs", "conflicts", "errors"),
    "gaps.json": ("overview", "coverage"),
    "faults.json": ("lfs",),
    "votes/train.parquet": ("lfs", "conflicts", "coverage", "labels", "review", "runs"),
    "votes/valid.parquet": ("model", "errors"),
    "columns/train.parquet": ("lfs", "labels", "review"),
    "columns/valid.parquet": ("model", "errors"),
    "soft_labels.parquet": ("runs",),
    "predictions/valid.parquet": ("runs",),
}
"""Files of which any changed byte is found, and pages that read them."""


def flip(file: Path, share: float) -> None:
    """One bit of the byte that stands so far into the file."""
    content = bytearray(file.read_bytes())
    content[int(share * (len(content) - 1))] ^= 4
    file.write_bytes(content)


def rot(file: Path) -> None:
    """All bytes, none of them less or more."""
    file.write_bytes(b"\xff" * file.stat().st_size)


@pytest.fixture
def project(shop: Shop) -> Project:
    """Two runs, the older in service."""
    made = shop()
    made.registry.promote(made.runs.open().id, "ada")
    publish_run(made)
    return made


def assert_refused(app: AppTest, run: RunFolder, name: str) -> None:
    assert not app.exception
    assert f"{name} of run {run.id} is damaged" in said(app)
    assert f"`weakft runs verify {run.id}`" in said(app)


@pytest.mark.parametrize(("name", "page"), [(n, p) for n, pages in READ_BY.items() for p in pages])
def test_one_flipped_bit_is_refused_in_words(
    name: str, page: str, project: Project, opened: Open
) -> None:
    run = project.runs.open()
    flip(run.path / name, 0.5)
    assert_refused(opened(page, **QUERY), run, name)


@pytest.mark.parametrize(("split", "page"), [("train", "labels"), ("valid", "errors")])
def test_one_flipped_bit_of_a_text_is_refused_in_words(
    split: str, page: str, project: Project, opened: Open
) -> None:
    run = project.runs.open()
    content = run.rows(split).read_bytes()
    changed = bytearray(content)
    changed[content.index(b"noon then" if split == "valid" else b"desk")] ^= 4
    run.rows(split).write_bytes(changed)
    assert_refused(opened(page), run, f"rows/{split}.parquet")


def test_a_damaged_label_model_explains_nothing(project: Project, opened: Open) -> None:
    run = project.runs.open()
    files = sorted(run.label_model.iterdir())
    flip(files[-1], 0.5)
    app = opened("labels")
    assert "is damaged" not in said(app), "not asked for yet"
    app = clicked(app, "labels_rows", 0)
    assert_refused(app, run, f"label_model/{files[-1].name}")


def test_an_older_run_that_is_damaged_is_left_out(project: Project, opened: Open) -> None:
    older, newer = project.runs.ids()
    flip(project.runs.open(older).metrics, 0.5)
    for page in ("overview", "runs"):
        app = opened(page)
        assert not app.exception
        assert f"Left out: metrics.json of run {older} is damaged" in said(app)
        assert app.get("vega_lite_chart"), "the scores of the other"
    assert opened("labels").selectbox(key="run").value == newer


@pytest.mark.parametrize("name", ["votes/train.parquet", "soft_labels.parquet"])
def test_the_run_in_service_may_be_damaged(name: str, project: Project, opened: Open) -> None:
    current = project.registry.current()
    assert current is not None
    run = project.runs.open(current)
    flip(run.path / name, 0.5)
    assert_refused(opened("overview"), run, name)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_stands_when_all_files_rot(page: str, project: Project, opened: Open) -> None:
    run = project.runs.open()
    for file in run.path.rglob("*"):
        if file.is_file() and file != run.manifest:
            rot(file)
    app = opened(page, **QUERY)
    assert not app.exception
    assert f"`weakft runs verify {run.id}`" in said(app)


@pytest.mark.parametrize("page", ["overview", "errors"])
def test_a_page_stands_whatever_the_manifest_says(
    page: str, project: Project, opened: Open
) -> None:
    """The run is not there then, or refused, or the bit says nothing that a page shows."""
    run = project.runs.open()
    content = run.manifest.read_bytes()
    for share in (0.0, 0.03, 0.06, 0.1, 0.5, 0.9):
        run.manifest.write_bytes(content)
        flip(run.manifest, share)
        assert not opened(page).exception, share


@pytest.mark.parametrize("name", ["created", "lfs", "data", "test", "files"])
@pytest.mark.parametrize("page", ["overview", "errors"])
def test_a_page_stands_without_a_word_of_the_manifest(
    name: str, page: str, project: Project, opened: Open
) -> None:
    run = project.runs.open()
    changed = run.manifest.read_text().replace(f'"{name}": ', f'"{name[::-1]}": ')
    run.manifest.write_text(changed)
    app = opened(page, split="test")
    assert not app.exception
    is_there = app.selectbox(key="run").value == run.id
    assert ("manifest.json of run" in said(app)) == is_there


@pytest.mark.parametrize(
    ("name", "page", "is_named"),
    [
        ("weakft.toml", "overview", True),
        ("rules_of_thumb.py", "lfs", False),
        ("runs/aliases.json", "overview", True),
        ("runs/aliases.json", "runs", True),
        ("runs/.looks.jsonl", "overview", True),
        ("runs/.looks.jsonl", "errors", True),
        ("runs/.live.json", "runs", False),
        (".weakft/watch.parquet", "lfs", True),
        ("review/gold.jsonl", "review", True),
    ],
)
def test_a_page_stands_when_a_file_beside_the_runs_rots(
    name: str, page: str, is_named: bool, project: Project, opened: Open
) -> None:
    file = project.root / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"\xff" * 100 + b"\n")
    app = opened(page, split="test", **QUERY)
    assert not app.exception
    assert (file.name in said(app)) == is_named
