"""Whole words in scripts with and without spaces, and the normal form of texts."""

import re
import unicodedata
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weakft import ABSTAIN, apply_lfs, keyword_lf, lookup_lf, regex_lf
from weakft.apply.superset import superset
from weakft.errors import LFError
from weakft.lf import load_rules
from weakft.lf.normalization import Normalization
from weakft.lf.words import any_of
from weakft.lint import find_faults

NFD_CAFE = unicodedata.normalize("NFD", "café")
GAK = unicodedata.normalize("NFD", "각")
VARIED = [  # keyword, text that spells it another way
    ("don't", "I don’t like it"),
    ("don’t", "I don't like it"),
    ("don't", "I don&#39;t"),
    ("don't", "I don`t"),
    ("café", f"le {NFD_CAFE} est bon"),
    (NFD_CAFE, "le café est bon"),
    ("ế", "ê\u0301 e\u0302\u0301"),
    ("money back", "my money\u00a0back now"),
    ("money back", "my money\nback now"),
    ("money back", "my money&nbsp;&nbsp;back now"),
    ("جيد", "هذا جَيِّد جدا"),
    ("جميل", "جمـــيل جدا"),
    ("טוב", "זה טוֹב מאוד"),
    ("straße", "DIE STRASSE"),
    ("STRASSE", "die Straße"),
    ("great", "ｇｒｅａｔ"),
    ("great", "gr\u200be\u00adat"),
    ("office", "the o\ufb03ce"),
    ("e-mail", "by e\u2011mail"),
    ("각", GAK),
    ("ガ", "ｶﾞ"),
    ("❤️", "I ❤ it"),
    ("q&a", "the Q&amp;A"),
]
WHOLE_WORDS = [  # keyword, text, whether it counts
    ("欢迎", "北京欢迎你", True),
    ("最高", "この映画は最高でした", True),
    ("か", unicodedata.normalize("NFD", "が"), False),
    ("ดี", "สินค้าดีมาก", True),
    ("คน", "คนึง", False),
    ("ດີ", "ສິນຄ້າດີຫຼາຍ", True),
    ("ល្អ", "ផលិតផលល្អណាស់", True),
    ("ကောင်း", "ပစ္စည်းကောင်းတယ်", True),
    ("환불", "환불을 원해요", True),
    ("환불", "재환불", False),
    ("환불", unicodedata.normalize("NFD", "환불을"), False),
    (unicodedata.normalize("NFD", "가"), GAK, False),
    ("iPhone", "我的iPhone很好", True),
    ("iPhone", "iPhone을 샀어요", True),
    ("iPhone", "ซื้อiPhoneมา", True),
    ("100元", "只要100元吧", True),
    ("कर", "वह करें तो", False),
    ("ना", "नाम", False),
    ("अच्छा", "यह अच्छा है", True),
    ("अच्छा", "यह अच्छा।", True),
    ("अच्छ", "यह अच्छा है", False),
    ("நல்ல", "இது நல்லது", False),
    ("ভাল", "ভালো", False),
    ("ভাল", "খুব ভাল।", True),
    ("جيد", "جيدة", False),
    ("كتاب", "كتاب‌ها", False),
    ("cafe", NFD_CAFE, False),
    ("и", unicodedata.normalize("NFD", "й"), False),
    ("sum", "résumé", False),
    ("lt.", "Damit galt es; erhält.", False),
    ("great", "❤️great", True),
    ("👍", "good👍🏽", True),
    ("❤", "I❤️it", True),
    ("€", "5€", True),
    ("C++", "I write C++ code", True),
    ("C++", "C++11", False),
    ("#fail", "this is a #fail!", True),
    ("no", "no_way", False),
    ("İstanbul", "istanbul güzel", True),
]


def votes(lf: object, text: str) -> list[int]:
    """On a row by itself, and by the applier beside another LF."""
    frame = pd.DataFrame({"id": ["a"], "text": [text]})
    beside = regex_lf("beside", "zzz", 0)
    return [lf(SimpleNamespace(text=text)), int(apply_lfs([beside, lf], frame).values[0, 1])]  # type: ignore[operator,list-item]


@pytest.mark.parametrize(("keyword", "text", "counts"), WHOLE_WORDS)
def test_whole_words_end_where_their_script_ends_them(
    keyword: str, text: str, counts: bool
) -> None:
    vote = 1 if counts else ABSTAIN
    assert votes(keyword_lf("k", [keyword, "zzz", "喔喔喔"], 1), text) == [vote, vote]
    both = lookup_lf("k", {keyword: 1, "zzz": 0})
    assert votes(both, text) == [vote, vote]


@pytest.mark.parametrize(("keyword", "text"), VARIED)
def test_normal_forms_of_keyword_and_text_are_compared(keyword: str, text: str) -> None:
    for lf in (
        keyword_lf("k", [keyword], 1, normalize=True),
        keyword_lf("k", [keyword], 1, normalize=True, whole_words=False),
        lookup_lf("k", {keyword: 1, "zzz": 0}, normalize=True),
        lookup_lf("k", {keyword: 1}, normalize=True),
    ):
        assert votes(lf, text) == [1, 1]


@pytest.mark.parametrize(("keyword", "text"), VARIED)
def test_check_tells_where_normal_forms_would_change_votes(keyword: str, text: str) -> None:
    rows = pd.DataFrame({"id": ["a", "b"], "text": [text, "nothing"]})
    for lf in (keyword_lf("k", [keyword], 1), lookup_lf("k", {keyword: 1, "zzz": 0})):
        (finding,) = find_faults([lf], rows)
        assert (finding.lf, finding.rule) == ("k", "spelling")
        assert "1 more of 2 rows with normalize=True" in finding.message
        assert find_faults([lf.normalized()], rows) == []


def test_check_tells_of_regular_expressions_and_whole_cells_too() -> None:
    rows = pd.DataFrame({"id": ["a"], "text": ["Don’t\u00a0go"]})
    pattern = regex_lf("r", "(?i)don't go", 1)
    cells = lookup_lf("c", ["don't go"], 1, whole_cell=True)
    assert [f.rule for f in find_faults([pattern, cells], rows)] == ["spelling"] * 2
    for lf in (pattern.normalized(), cells.normalized()):  # type: ignore[attr-defined]
        assert votes(lf, "Don’t\u00a0go") == [1, 1]
    same = regex_lf("r", "(?i)don't go", 1, normalize=True)
    assert votes(same, "Don’t\u00a0go") == [1, 1]


def test_case_counts_in_normal_forms_where_it_is_asked_to() -> None:
    lf = keyword_lf("k", ["café"], 1, normalize=True, ignore_case=False)
    assert [lf(SimpleNamespace(text=t)) for t in (NFD_CAFE, "Café")] == [1, ABSTAIN]


def test_keywords_that_do_not_show_are_refused() -> None:
    with pytest.raises(LFError, match="no character that shows"):
        keyword_lf("k", ["\u200b"], 1, normalize=True)


def test_rules_may_ask_for_normal_forms(tmp_path: Path) -> None:
    file = tmp_path / "rules.tsv"
    file.write_text(
        "class\tpattern\toptions\n1\tdon't\twords, normalize\n1\tmoney back\tnormalize\n"
        "1\tdon't\twords\n",
        encoding="utf-8",
    )
    lfs = load_rules(file, ["a", "b"])
    assert [votes(lf, "I don’t want my money\u00a0back")[1] for lf in lfs] == [1, 1, ABSTAIN]


LATIN = st.text("aAbsSkié_0 -.'#+", max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(LATIN.filter(bool), min_size=1, max_size=4), LATIN)
def test_words_of_latin_texts_are_those_of_re(keywords: list[str], text: str) -> None:
    plain = rf"(?<!\w)(?:{'|'.join(map(re.escape, keywords))})(?!\w)"
    expected = bool(re.search(plain, text, re.IGNORECASE))
    assert bool(re.search(any_of(keywords, whole_words=True), text, re.IGNORECASE)) == expected


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=10))
def test_equivalent_texts_have_one_normal_form(text: str) -> None:
    for casefold in (False, True):
        normal = Normalization(casefold)
        forms = {normal(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")}
        assert forms == {normal(text)}


@settings(max_examples=100, deadline=None)
@given(st.text("aß환불कर欢ดี\u0301\u093e\u200c'’ \u00a0", max_size=12), st.booleans())
def test_scan_and_single_rows_agree(text: str, normalize: bool) -> None:
    keywords = ["a", "ss", "환불", "कर", "欢", "ดี", "a' a"]
    lf = keyword_lf("k", keywords, 1, normalize=normalize)
    alone, scanned = votes(lf, text)
    assert alone == scanned


@pytest.mark.parametrize(
    ("keyword", "bounded"), [("no", r"\b[\x4e\x6e][\x4f\x6f]\b"), ("欢", "欢")]
)
def test_the_scan_asks_for_the_same_ends_of_ascii_words(keyword: str, bounded: str) -> None:
    written = superset(keyword_lf("k", [keyword], 1).pattern)
    assert bounded.replace("欢", r"\x{6b22}") in written
