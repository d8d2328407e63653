"""Whatever a run is made from counts: a change in it is seen, and only then."""

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import joblib
import pandas as pd
import pytest

from weakft.errors import DataError
from weakft.inputs import input_hashes, inputs_digest
from weakft.lf.tracing import trace_lfs
from weakft.narration import SILENCE
from weakft.pipeline import candidate
from weakft.pipeline.stagewise import stamped
from weakft.project import Project

READS = """
import functools, json, sys
from pathlib import Path
import joblib, pandas as pd, yaml
from weakft import labeling_function, lookup_lf
sys.path.append({elsewhere!r})
from outside.helper import LIMIT
ROOT = Path(__file__).parent.parent
WORDS = set((ROOT / "lists" / "deep" / "words.txt").read_text().split())
RULES = yaml.safe_load((ROOT / "rules.yaml").read_text())
NUMBERS = [n for f in sorted(ROOT.glob("many/*.txt")) for n in f.read_text().split()]
NAME = "tab" + "le"
TABLE = set(pd.read_parquet(ROOT / f"{{NAME}}.parquet")["word"])
MODEL = joblib.load(ROOT / "model.joblib")

@functools.cache
def lazy():
    return json.loads((ROOT / "la" "zy.json").read_text())

@labeling_function()
def by_all(x):
    found = x.text in WORDS or x.text in RULES or x.text in TABLE or x.text in MODEL
    return 1 if found or len(x.text) > LIMIT or x.text in NUMBERS else None

@labeling_function()
def by_lazy(x):
    return 1 if x.text in lazy() else None

listed = lookup_lf("listed", "lists/listed.txt", 1)
"""


def opened(root: Path, *changes: str) -> Project:
    return Project.open(root, list(changes))


def digest(root: Path, *changes: str) -> str:
    project = opened(root, *changes)
    return inputs_digest(project, input_hashes(project))


@pytest.fixture
def reading(project: Path, tmp_path: Path) -> Path:
    """A project whose LFs read files of many kinds, in many places."""
    outside = tmp_path / "elsewhere" / "outside"
    for folder in (outside, project / "lists" / "deep", project / "many"):
        folder.mkdir(parents=True)
    (outside / "__init__.py").write_text("")
    (outside / "helper.py").write_text("LIMIT = 100\n")
    for name in ("lists/deep/words.txt", "lists/listed.txt", "many/1.txt"):
        (project / name).write_text("words\n")
    (project / "rules.yaml").write_text("- a\n")
    (project / "lazy.json").write_text('["a"]')
    pd.DataFrame({"word": ["a"]}).to_parquet(project / "table.parquet")
    joblib.dump(["a"], project / "model.joblib")
    (project / "labeling" / "tiny.py").write_text(READS.format(elsewhere=str(outside.parent)))
    return project


EDITS: dict[str, Callable[[Path], object]] = {
    "a helper outside": lambda root: (root.parent / "elsewhere/outside/helper.py").write_text(
        "LIMIT = 10\n"
    ),
    "a list in a subfolder": lambda root: (root / "lists/deep/words.txt").write_text("other\n"),
    "a list of lookup_lf": lambda root: (root / "lists/listed.txt").write_text("other\n"),
    "YAML": lambda root: (root / "rules.yaml").write_text("- b\n"),
    "a new file in a folder": lambda root: (root / "many/2.txt").write_text("other\n"),
    "Parquet": lambda root: pd.DataFrame({"word": ["b"]}).to_parquet(root / "table.parquet"),
    "joblib": lambda root: joblib.dump(["b"], root / "model.joblib"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_what_lfs_read_counts(reading: Path, edit: str) -> None:
    before = digest(reading)
    assert digest(reading) == before
    import weakft.inputs

    EDITS[edit](reading)
    weakft.inputs._loaded.clear()  # as the next process finds it
    after = digest(reading)
    assert after != before
    assert digest(reading) == after


@pytest.mark.parametrize(
    ("file", "setting"),
    [
        ("votes/train.parquet", 'labeling.votes="votes"'),
        ("own/model.safetensors", 'train.model="own"'),
        ("gold.csv", 'evaluate.train_gold="gold.csv"'),
    ],
)
def test_what_settings_name_counts(project: Path, file: str, setting: str) -> None:
    (project / file).parent.mkdir(exist_ok=True)
    found = []
    for content in (b"one", b"other"):
        (project / file).write_bytes(content)
        found.append(digest(project, setting))
    assert found[0] != found[1]


def test_images_count(project: Path) -> None:
    table = project / opened(project).config.data.train
    rows = pd.read_csv(table) if table.suffix == ".csv" else pd.read_parquet(table)
    rows = rows.assign(image="picture.png")
    rows.to_csv(table, index=False) if table.suffix == ".csv" else rows.to_parquet(table)
    found = []
    for content in (b"one", b"other"):
        (table.parent / "picture.png").write_bytes(content)
        found.append(digest(project, 'project.task="image"'))
    assert found[0] != found[1]


def test_lfs_of_files_alone_are_not_loaded_to_see_that_nothing_changed(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import weakft.inputs

    before = digest(project)
    weakft.inputs._loaded.clear()
    monkeypatch.setattr(weakft.inputs, "_load", None)
    assert digest(project) == before


def test_a_stage_whose_inputs_change_meanwhile_is_not_complete(reading: Path) -> None:
    project = opened(reading)
    folder = project.runs.work
    folder.make_folders()
    with pytest.raises(DataError, match="changed while `apply` ran"):
        with stamped(project, folder, "apply"):
            EDITS["YAML"](reading)


@pytest.mark.parametrize("edit", [*EDITS, "a file read as it votes"])
def test_stopped_and_edited_it_goes_on_with_new_votes(
    reading: Path, monkeypatch: pytest.MonkeyPatch, edit: str
) -> None:
    """As after a kill between two stages: nothing is left of the first call but its files."""
    import weakft.inputs
    from weakft.dataset import read_dataset
    from weakft.pipeline.voting import votes_are

    texts = pd.read_parquet if (reading / "data/train.parquet").exists() else pd.read_csv
    project = opened(reading, "apply.cache=false")
    word = str(texts(reading / project.config.data.train)["text"][0])
    (reading / "lists/deep/words.txt").write_text(word)

    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(candidate, "label", stop)
    with pytest.raises(KeyboardInterrupt):
        candidate.make_candidate(project, input_hashes(project), SILENCE)
    if edit in EDITS:
        EDITS[edit](reading)
    else:
        (reading / "lazy.json").write_text(f'["{word}"]')
    weakft.inputs._loaded.clear()
    with pytest.raises(KeyboardInterrupt):
        candidate.make_candidate(project, input_hashes(project), SILENCE)
    data = read_dataset(project.config, project.root)
    folder = candidate.RunFolder(project.runs.root / candidate.UNFINISHED)
    assert votes_are(project, data, folder, SILENCE)


VARYING = {
    "clock": "from datetime import datetime\nLIMIT = datetime.now().microsecond % 2",
    "chance": "from uuid import uuid4 as chance\nLIMIT = chance().int",
    "addresses": "LIMIT = id([])",
}


@pytest.mark.parametrize("kind", VARYING)
def test_lfs_that_vary_by_themselves_are_loaded_again(project: Path, kind: str) -> None:
    body = "@labeling_function()\ndef long(x):\n    return 1 if len(x.text) > LIMIT else None\n"
    source = f"from weakft import labeling_function\n{VARYING[kind]}\n{body}"
    file = next(iter(opened(project).lf_files))
    file.write_text(source)

    assert not trace_lfs([file], project, ["a", "b"]).closed

    file.write_text(source.replace(VARYING[kind], "LIMIT = 3"))
    assert trace_lfs([file], project, ["a", "b"]).closed


def test_a_helper_in_an_archive_counts(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    archive = tmp_path / "helpers.zip"
    body = "@labeling_function()\ndef long(x):\n    return 1 if len(x.text) > LIMIT else None\n"
    place = f"import sys\nsys.path.insert(0, {str(archive)!r})\nfrom zipped import LIMIT\n"
    next(iter(opened(project).lf_files)).write_text(
        f"from weakft import labeling_function\n{place}{body}"
    )

    digests = []
    for limit in ("1", "1000"):
        with zipfile.ZipFile(archive, "w") as opened_archive:
            opened_archive.writestr("zipped.py", f"LIMIT = {limit}\n")
        digests.append(digest(project))
    assert digests[0] != digests[1]
