"""Text files that people wrote: UTF-8, with or without a byte-order mark."""

import codecs
import shlex
from pathlib import Path

MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
"""Byte-order marks of other encodings; that of UTF-32 begins like that of UTF-16."""
SAMPLE_BYTES = 512
MOST_NULS = 0.2  # of a sample of text; in UTF-16 without a mark nearly half are
UNDEFINED_IN_1252 = frozenset(b"\x81\x8d\x8f\x90\x9d")


class NotUTF8(ValueError):
    """A text file has another encoding; the message says which line, and what to do."""


def read_text(path: Path) -> str:
    """The text of a UTF-8 file without its byte-order mark; line ends become newlines.

    Raises:
        OSError: it cannot be read.
        NotUTF8: it has another encoding.
    """
    refuse_other_marks(path)
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise not_utf8(path) from error


def refuse_other_marks(path: Path) -> None:
    """Refuse a file that begins like UTF-16 or UTF-32.

    Raises:
        OSError: it cannot be read.
        NotUTF8: it has another encoding.
    """
    with path.open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
    found = next((name for mark, name in MARKS if sample.startswith(mark)), None)
    if found is None and sample.count(0) > MOST_NULS * len(sample):
        odd_nuls = sample[1::2].count(0)
        found = "UTF-16LE" if odd_nuls > sample[::2].count(0) else "UTF-16BE"
    if found is not None:
        raise NotUTF8(f"not UTF-8 but {found}. {_convert(path, found)}")


def not_utf8(path: Path) -> NotUTF8:
    """What to say of a file that cannot be decoded: where, which encoding it may have."""
    number, reason, foreign, has_utf8 = _examined(path)
    where = f"not UTF-8 (line {number}: {reason})."
    if has_utf8:
        return NotUTF8(f"{where} Other lines hold UTF-8: correct this one, or write it again.")
    if foreign & UNDEFINED_IN_1252:
        return NotUTF8(
            f"{where} It is not WINDOWS-1252 either. Find out which encoding it was written in "
            f"(such as WINDOWS-1251, SHIFT_JIS or GB18030). {_convert(path, 'THAT_ENCODING')}"
        )
    return NotUTF8(
        f"{where} Western European text from Windows or Excel is WINDOWS-1252. "
        f"{_convert(path, 'WINDOWS-1252')} Then look at that line: if its letters are wrong, the "
        "file has another encoding."
    )


def _convert(path: Path, encoding: str) -> str:
    converted = shlex.quote(f"{path.stem}.utf8{path.suffix}")
    source = shlex.quote(str(path))
    return f"Convert it, e.g. `iconv -f {encoding} -t UTF-8 {source} > {converted}`."


def _examined(path: Path) -> tuple[int, str, set[int], bool]:
    """First line that is no UTF-8 and why, bytes that are none, whether other characters are."""
    first, why, foreign, has_utf8 = 0, "", set[int](), False
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                has_utf8 |= not line.decode("utf-8-sig" if number == 1 else "utf-8").isascii()
            except UnicodeDecodeError as error:
                first, why = first or number, why or error.reason
                text = line.decode("utf-8", errors="surrogateescape")
                escaped = {ord(c) - 0xDC00 for c in text if "\udc80" <= c <= "\udcff"}
                foreign |= escaped
                has_utf8 |= any(c > "\x7f" and not "\udc80" <= c <= "\udcff" for c in text)
    return first, why, foreign, has_utf8
