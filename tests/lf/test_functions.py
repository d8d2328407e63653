"""Labeling functions: ordinary, declarative, loaded from files."""

import re
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from snorkel.labeling import LabelingFunction as SnorkelLF
from snorkel.labeling import PandasLFApplier
from snorkel.labeling import labeling_function as snorkel_labeling_function

from weakft import ABSTAIN, apply_lfs, keyword_lf, labeling_function, regex_lf
from weakft.errors import LFError, LFImportError
from weakft.lf import load_lfs

ROW = SimpleNamespace(text="This is GREAT, greatly so")


def test_the_decorator_works_with_and_without_parentheses() -> None:
    @labeling_function
    def bare(x: SimpleNamespace) -> int:
        return 1

    @labeling_function(name="renamed")
    def with_name(x: SimpleNamespace) -> int:
        return 0

    assert (bare.name, bare(ROW), with_name.name, with_name(ROW)) == ("bare", 1, "renamed", 0)


def test_a_weakft_lf_is_a_snorkel_lf_and_runs_in_its_applier() -> None:
    lfs = [keyword_lf("praises", ["great"], 1), regex_lf("asks", r"\?", 0)]
    frame = pd.DataFrame({"text": ["Great!", "Why?", "So."]})
    assert all(isinstance(lf, SnorkelLF) for lf in lfs)
    theirs = PandasLFApplier(lfs).apply(frame, progress_bar=False)
    assert (apply_lfs(lfs, frame).values == theirs).all()


def test_snorkels_own_lfs_run_unchanged() -> None:
    @snorkel_labeling_function(resources={"word": "great"})
    def has_word(x: SimpleNamespace, word: str) -> int:
        return 1 if word in x.text.lower() else -1

    assert apply_lfs([has_word], pd.DataFrame({"text": ["GREAT", "no"]})).values.tolist() == [
        [1],
        [-1],
    ]


@pytest.mark.parametrize(
    ("options", "text", "vote"),
    [
        ({}, "GREAT!", 1),
        ({}, "greatly", ABSTAIN),
        ({"whole_words": False}, "greatly", 1),
        ({"ignore_case": False}, "GREAT", ABSTAIN),
        ({}, "not (yet) c++", 1),
    ],
)
def test_keywords(options: dict[str, bool], text: str, vote: int) -> None:
    lf = keyword_lf("words", ["great", "c++"], 1, **options)
    assert lf(SimpleNamespace(text=text)) == vote


def test_a_regex_searches_anywhere_in_its_column() -> None:
    lf = regex_lf("price", r"\$\d", 1, column="title", flags=re.IGNORECASE)
    assert lf(SimpleNamespace(title="now $5", text="")) == 1


@pytest.mark.parametrize("keywords", ["great", [], ["great", ""]])
def test_keywords_that_are_no_list_of_words_are_refused(keywords: object) -> None:
    with pytest.raises(LFError, match="words"):
        keyword_lf("words", keywords, 1)  # type: ignore[arg-type]


def test_a_broken_pattern_is_refused_by_name() -> None:
    with pytest.raises(LFError, match="'open_bracket'"):
        regex_lf("open_bracket", "(", 1)


def test_lfs_load_in_the_order_of_definition(project: Path) -> None:
    lfs = load_lfs([project / "labeling" / "tiny.py"], project)
    assert [lf.name for lf in lfs] == ["praises", "blames", "mentions_good", "mentions_poor"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1", "found none"),
        ("import nothing_of_this_name", "nothing_of_this_name.*:1"),
        ("raise SystemExit(3)", "SystemExit"),
        ("def f(:", r"SyntaxError.*lfs\.py:1"),
    ],
)
def test_a_file_that_does_not_load_says_why(tmp_path: Path, source: str, message: str) -> None:
    file = tmp_path / "lfs.py"
    file.write_text(source)
    with pytest.raises(LFImportError, match=message):
        load_lfs([file], tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LFImportError, match=r"gone\.py"):
        load_lfs([tmp_path / "gone.py"], tmp_path)


def test_one_name_for_two_lfs_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text(
            "from weakft import keyword_lf\nlf = keyword_lf('twin', ['x'], 0)\n"
        )
    with pytest.raises(LFError, match=r"a\.py and .*b\.py"):
        load_lfs([tmp_path / "a.py", tmp_path / "b.py"], tmp_path)


def test_lf_files_may_import_their_neighbours_and_each_others_lfs(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "neighbour_words.py").write_text("WORDS = ['fine']\n")
    (folder / "first_lfs.py").write_text(
        "from neighbour_words import WORDS\nfrom weakft import keyword_lf\n"
        "fine = keyword_lf('fine', WORDS, 0)\n"
    )
    assert [lf.name for lf in load_lfs([folder / "first_lfs.py"], tmp_path)] == ["fine"]


def test_lf_files_may_import_helpers_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "my_words.py").write_text("WORDS = ['fine']\n")
    (tmp_path / "lfs.py").write_text(
        "from my_words import WORDS\nfrom weakft import keyword_lf\n"
        "fine = keyword_lf('fine', WORDS, 0)\n"
    )
    assert [lf.name for lf in load_lfs([tmp_path / "lfs.py"], tmp_path)] == ["fine"]
