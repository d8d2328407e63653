"""Every way in which a run folder is not what its manifest says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from weakft.errors import DataError
from weakft.files import sha256
from weakft.runs import RunFolder, RunStore, read_json, write_json
from weakft.verify import Problem, intact, manifest_of, verify_run


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A published run of two files."""
    store = RunStore(tmp_path / "runs")
    with store.staging() as staged:
        (staged.path / "note.txt").write_text("hello")
        staged.votes("train").write_bytes(b"votes")
        return store.publish(staged, {})


def edited(run: RunFolder, change: Callable[[dict], object]) -> None:
    manifest = read_json(run.manifest)
    change(manifest)
    write_json(run.manifest, manifest)


def test_a_published_run_is_what_it_says(run: RunFolder) -> None:
    assert verify_run(run) == ()


def test_an_intact_file_is_its_path(run: RunFolder) -> None:
    assert intact(run, run.votes("train")) == run.votes("train")


@pytest.mark.parametrize("content", [b"vot3s", b"votes and more", b""])
def test_a_damaged_file_is_named_with_what_to_do(run: RunFolder, content: bytes) -> None:
    run.votes("train").write_bytes(content)
    with pytest.raises(
        DataError, match=rf"votes/train\.parquet of run {run.id} is damaged: wanted"
    ):
        intact(run, run.votes("train"))
    run.votes("train").unlink()
    with pytest.raises(DataError, match=rf"got nothing.*`weakft runs verify {run.id}`"):
        intact(run, run.votes("train"))


def test_a_file_that_the_manifest_does_not_name_is_none_of_the_run(run: RunFolder) -> None:
    run.metrics.write_text("{}")
    with pytest.raises(DataError, match=r"metrics\.json of run .*: the manifest does not name it"):
        intact(run, run.metrics)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"files": []}', "\x00"])
def test_without_its_manifest_no_file_is_intact(run: RunFolder, content: str) -> None:
    run.manifest.write_text(content)
    for read in (lambda: intact(run, run.votes("train")), lambda: manifest_of(run)):
        with pytest.raises(DataError, match=r"manifest\.json of run .* is damaged"):
            read()


def test_a_manifest_has_what_readers_need(run: RunFolder) -> None:
    about = {"created": "now", "project": "p", "lfs": [], "seeds": {}, "versions": {}}
    about["data"] = {"train": {"sha256": "0"}}
    edited(run, lambda manifest: manifest.update(about))
    assert manifest_of(run)["created"] == "now"
    for name in about:
        edited(run, lambda manifest, name=name: manifest.update({name: None}))
        with pytest.raises(DataError, match=f"{name} is not what it should be"):
            manifest_of(run)
        edited(run, lambda manifest: manifest.update(about))
    for data in ({"trian": {"sha256": "0"}}, {"train": {}}, {"train": []}):
        edited(run, lambda manifest, data=data: manifest.update(data=data))
        with pytest.raises(DataError, match=r"data, '.*' is not what it should be"):
            manifest_of(run)


def test_one_changed_byte_is_found(run: RunFolder) -> None:
    was = sha256(run.path / "note.txt")
    (run.path / "note.txt").write_text("hallo")
    now = sha256(run.path / "note.txt")
    assert verify_run(run) == (
        Problem("note.txt", f"wanted sha256 {was[:12]}..., got {now[:12]}..."),
    )


def test_each_file_is_told(run: RunFolder) -> None:
    (run.path / "note.txt").write_text("hell")
    run.votes("train").unlink()
    (run.path / "votes" / ".hidden").write_text("")
    assert verify_run(run) == (
        Problem("note.txt", "wanted 5 bytes, got 4"),
        Problem("votes/train.parquet", "wanted a file of 5 bytes, got nothing"),
        Problem("votes/.hidden", "wanted only files that the manifest names, got this one too"),
    )


def test_a_link_to_the_same_content_is_no_file(run: RunFolder, tmp_path: Path) -> None:
    (run.path / "note.txt").rename(tmp_path / "note.txt")
    (run.path / "note.txt").symlink_to(tmp_path / "note.txt")
    assert [problem.what for problem in verify_run(run)] == [
        "wanted a file of 5 bytes, got something else of that name"
    ]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda m: m.update(schema=2), "schema: wanted 1, got 2"),
        (lambda m: m.pop("id"), "id: wanted '{id}', got None"),
        (lambda m: m.update(id="other"), "id: wanted '{id}', got 'other'"),
        (
            lambda m: m["files"].update({"../x": {}}),
            "files: wanted paths inside the run, got '../x'",
        ),
        (
            lambda m: m["files"].update({"/etc/passwd": {}}),
            "files: wanted paths inside the run, got '/etc/passwd'",
        ),
        (
            lambda m: m["files"].update({"note.txt": None}),
            "files, 'note.txt': wanted sha256 and bytes, got None",
        ),
    ],
)
def test_a_manifest_of_another_hand_is_told(
    run: RunFolder, change: Callable[[dict], object], what: str
) -> None:
    edited(run, change)
    assert verify_run(run) == (Problem("manifest.json", what.format(id=run.id)),)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "cannot be read: Expecting value"),
        (b"\xff", "cannot be read: 'utf-8'"),
        (b"[]", "wanted a JSON object, got a list"),
        (b'{"schema": 1, "files": []}', "files: wanted an object, got []"),
    ],
)
def test_a_manifest_that_is_none_is_told(run: RunFolder, content: bytes, what: str) -> None:
    run.manifest.write_bytes(content)
    problems = verify_run(run)
    assert {problem.path for problem in problems} == {"manifest.json"}
    assert what in problems[-1].what
    assert RunStore(run.path.parent).ids() == []


def test_a_renamed_folder_is_told(run: RunFolder) -> None:
    renamed = RunFolder(run.path.rename(run.path.with_name("copy")))
    assert verify_run(renamed) == (Problem("manifest.json", f"id: wanted 'copy', got {run.id!r}"),)
