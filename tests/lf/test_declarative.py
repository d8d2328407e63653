"""Declarative LFs, word lists and rules in files."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from snorkel.labeling import LabelingFunction as SnorkelLF

from weakft import keyword_lf, lookup_lf, model_lf, threshold_lf
from weakft.errors import LFError, LFImportError
from weakft.lf import load_lfs, load_rules

CLASSES = ("ham", "spam")


def vote(lf: SnorkelLF, text: str) -> int:
    return lf(SimpleNamespace(text=text))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("words.txt", "free\n\ncall now\n"),
        ("words.csv", "free\ncall now\n"),
        ("words.json", '["free", "call now"]'),
    ],
)
def test_word_lists_come_from_files(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    lf = lookup_lf("pushes", tmp_path / name, 1)
    assert [vote(lf, t) for t in ("FREE!", "please call now", "carefree")] == [1, 1, -1]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "free,1\nsee you,0\n"),
        ("t.tsv", "free\t1\nsee you\t0\n"),
        ("t.json", '{"free": 1, "see you": 0}'),
    ],
)
def test_tables_give_each_entry_its_class(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    lf = lookup_lf("table", tmp_path / name)
    assert [vote(lf, t) for t in ("free", "See you", "see you, it is free", "x")] == [1, 0, -1, -1]
    whole = lookup_lf("whole", tmp_path / name, whole_cell=True, ignore_case=False)
    assert [vote(whole, t) for t in ("free", "Free", "free beer")] == [1, -1, -1]


@pytest.mark.parametrize(
    ("source", "label", "message"),
    [
        (["a"], None, "wants a `label`"),
        ({"a": 1}, 1, "drop `label`"),
        ([], 1, "at least one entry"),
        ("no.txt", 1, "cannot be read"),
        ("no.docx", 1, "wanted a .txt"),
    ],
)
def test_odd_sources_are_refused(source: Any, label: int | None, message: str) -> None:  # noqa: ANN401
    with pytest.raises(LFImportError, match=message):
        lookup_lf("odd", source, label)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", "free,1,2\n"), ("a.csv", "free,x\n"), ("a.json", "3"), ("a.json", "{")],
)
def test_odd_files_are_refused_by_name(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(LFImportError, match=name):
        lookup_lf("odd", tmp_path / name)


def test_word_lists_are_found_from_the_project_root(tmp_path: Path) -> None:
    (tmp_path / "labeling").mkdir()
    (tmp_path / "labeling" / "words.txt").write_text("free\n")
    file = tmp_path / "labeling" / "lfs.py"
    file.write_text(
        'from weakft import lookup_lf\npushes = lookup_lf("p", "labeling/words.txt", 1)\n'
    )
    (lf,) = load_lfs([file], tmp_path)
    assert vote(lf, "free") == 1


def test_thresholds_want_a_range() -> None:
    with pytest.raises(LFError, match="neither"):
        threshold_lf("t", "stars", 0)
    with pytest.raises(LFError, match="no number lies between 3 and 2"):
        threshold_lf("t", "stars", 0, at_least=3, at_most=2)


def test_models_are_called_in_batches() -> None:
    sizes: list[int] = []

    class Counting:
        def predict_proba(self, X: list[str]) -> list[list[float]]:
            sizes.append(len(X))
            return [[0.2, 0.8]] * len(X)

    lf = model_lf("m", Counting(), labels=[0, 1])
    assert set(lf.votes([str(i) for i in range(2500)])) == {1}
    assert sizes == [1024, 1024, 452]


def test_a_model_of_another_shape_is_refused() -> None:
    class Wide:
        def predict_proba(self, X: list[str]) -> list[list[float]]:
            return [[0.2, 0.3, 0.5]] * len(X)

    with pytest.raises(ValueError, match=r"wanted shape \(1, 2\)"):
        vote(model_lf("wide", Wide(), labels=[0, 1]), "x")
    with pytest.raises(LFError, match="predict_proba"):
        model_lf("none", object(), labels=[0])  # type: ignore[arg-type]


RULES = """class\tpattern\toptions
# what spammers write
spam\tfree|win\tignore_case
spam\tcall now!\twords, name=pushes
1\t^free\t
ham\t\\bsee you\\b\tcolumn=title
"""


def test_rules_load_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rules.tsv"
    path.write_text(RULES)
    lfs = load_lfs([path], tmp_path, CLASSES)
    assert [lf.name for lf in lfs] == ["rules_free_win", "pushes", "rules_free", "rules_see_you"]
    assert [vote(lf, "Free: call now!") for lf in lfs[:3]] == [1, 1, -1]
    assert lfs[3](SimpleNamespace(title="see you")) == 0


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("eggs\tfree\t", LFImportError, "line 2: unknown class 'eggs'"),
        ("spam\tfree\tshout", LFImportError, "unknown option 'shout'"),
        ("spam\t(\t", LFError, "no regular expression"),
        ("spam", LFImportError, "wanted class, pattern, options"),
    ],
)
def test_odd_rules_are_named_with_their_line(
    tmp_path: Path, line: str, error: type[Exception], message: str
) -> None:
    path = tmp_path / "rules.tsv"
    path.write_text(f"class\tpattern\toptions\n{line}\n")
    with pytest.raises(error, match=message):
        load_rules(path, CLASSES)


def test_a_rules_file_wants_its_header(tmp_path: Path) -> None:
    path = tmp_path / "rules.tsv"
    path.write_text("spam\tfree\n")
    with pytest.raises(LFImportError, match="wanted the header"):
        load_rules(path, CLASSES)


def test_keyword_lf_still_wants_words() -> None:
    with pytest.raises(LFError, match="empty list"):
        keyword_lf("none", [], 0)
