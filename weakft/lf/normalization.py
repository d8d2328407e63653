"""Texts whose spelling varies, brought to one form."""

import html
import re
import unicodedata
from dataclasses import dataclass

_ALIKE = {
    "'": "\u2018\u2019\u201a\u201b\u02b9\u02bb\u02bc\u02bd\u2032\u2035\u00b4\u0060",
    '"': "\u201c\u201d\u201e\u201f\u2033\u2036",
    "-": "\u2010\u2011\u2012\u2013\u2212",
}
_IGNORABLE = (  # Unicode's Default_Ignorable_Code_Point: soft hyphens, zero widths, variants
    *(0x00AD, 0x034F, 0x061C, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x115F, 0x1161),
    *range(0x17B4, 0x17B6),
    *range(0x180B, 0x1810),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
    *range(0xFFF0, 0xFFF9),
    *range(0xE0000, 0xE1000),
)
_REPLACED: dict[int, str] = {ord(c): plain for plain, variants in _ALIKE.items() for c in variants}
_REPLACED |= dict.fromkeys(_IGNORABLE, "")
_VOWEL_POINTS = re.compile(  # of Arabic, with its tatweel, and of Hebrew
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]"
)
_DOTTED_I = "i\u0307"  # what the Turkish capital becomes; `re` takes it for an i
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Normalization:
    """What an LF reads in place of a text.

    HTML entities are replaced by their characters, typographic apostrophes, quotes and hyphens by
    ASCII ones, runs of white space by one space; characters that do not show (soft hyphen, zero
    width space and joiners, emoji variants) and vowel points of Arabic and Hebrew are dropped;
    the rest is in Unicode's form NFKC, in which composed and decomposed letters, full-width
    and plain ones, ligatures and their letters are the same.

    Attributes:
        casefold: whether case is folded as well: "straße" is "strasse".

    Example:
        >>> Normalization(casefold=True)("Don’t\u00a0use ｃａｆｅ\u0301, Straße &amp; c\u00ado")
        "don't use café, strasse & co"
    """

    casefold: bool = False

    def __call__(self, text: str) -> str:
        """The text in its normal form."""
        if "&" in text:
            text = html.unescape(text)
        if text.isascii():
            text = text.replace("`", "'")
            return _SPACES.sub(" ", text.lower() if self.casefold else text)
        text = unicodedata.normalize("NFC", text).translate(_REPLACED)
        text = unicodedata.normalize("NFKC", text)
        if self.casefold:
            text = unicodedata.normalize("NFKC", text.casefold()).replace(_DOTTED_I, "i")
        return _SPACES.sub(" ", _VOWEL_POINTS.sub("", text))
