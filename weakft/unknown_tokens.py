"""Texts in a language that a model's tokenizer does not know: it has no tokens for their words.

Words become unknown tokens, or one token a letter; or, in a language of the same script, pieces. A
tokenizer has learned the frequent words of its own language whole, so the sign is how many of the
most frequent words of four letters and more are split. The default model's tokenizer splits, of
the 100 most frequent:

    questions (trec)              0 %, 1.00 pieces a word
    short messages (sms)          3 %, 1.03
    news (agnews)                 3 %, 1.03
    bank questions (banking77)    4 %, 1.07
    video comments (youtube)      7 %, 1.08
    biochemistry (chemprot)      15 %, 1.23
    news in Hausa                91 %, 2.21

and of a few sentences each in French 70 %, Vietnamese 70 %, Turkish 90 %, German 94 %, Spanish
96 %, Swahili 97 %, Yoruba and Finnish 100 %. All words, rare ones too, tell less: 1.45 pieces a
word in chemprot and 1.63 in French. A large vocabulary is that of a multilingual model, than which
there is little better to name: that of multilingual-e5-small, of 250,000 tokens, splits 65 % of
the words in Hausa (1.70 pieces a word), 27 % in German and French, 38 % in Swahili.

The tokenizer is read from its file, without torch.
"""

import json
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import numpy as np
from tokenizers import Encoding, Tokenizer

from weakft.config.train import DEFAULT_MODEL_PACKAGE

TOKENIZER_FILE = "tokenizer.json"
LOOKED_AT = 1000  # texts
CHARACTERS = 2000  # of a text
MUCH_UNKNOWN, MUCH_SPELLED = 0.05, 0.2  # of the texts
NEARLY_ALL = 0.9  # of a text's tokens
MANY_UNKNOWN = 0.1  # of the tokens of a text in signs such as Chinese, which nobody splits
MUCH_SPLIT = 0.5  # of the most frequent words
MOSTLY_WHOLE = 1.5  # pieces, on average over a word's occurrences
MULTILINGUAL = 100_000  # tokens of a vocabulary; bert-base-multilingual has 119,547
MOST_FREQUENT, FEWEST_WORDS = 100, 10
WITHOUT_SPACES = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"
)
LETTER = rf"[^\W\d_{WITHOUT_SPACES}]"
WORD = re.compile(rf"{LETTER}(?:{LETTER}|[\u0300-\u036f]){{3,}}")  # four letters and more
FEW_LETTERS = 4  # a text of fewer is no sign
ONE_TOKEN_EACH = ("CJK", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC")  # by Unicode's names
REMEDY = (
    "Set train.model to one that knows their language, such as the multilingual "
    "intfloat/multilingual-e5-small or FacebookAI/xlm-roberta-base"
)


@dataclass(frozen=True)
class Unread:
    """How much of the texts a tokenizer does not know.

    Attributes:
        texts: that were looked at.
        unknown: how many consist of unknown tokens alone, numbers and punctuation aside.
        spelled: how many others are cut into single letters, nearly all of them, or are in Chinese
            or Japanese signs of which more than a few are unknown.
        example: position of one such text, the first.
        words: how many of the most frequent words were looked at.
        split: how many of them are mostly split into pieces.
        pieces: pieces a word, the mean over these words; 1 where there are none.
    """

    texts: int
    unknown: int
    spelled: int
    example: int | None
    words: int = 0
    split: int = 0
    pieces: float = 1.0

    @property
    def unread(self) -> bool:
        """Whether the model cannot read many texts at all."""
        return (
            self.unknown > MUCH_UNKNOWN * self.texts
            or self.unknown + self.spelled > MUCH_SPELLED * self.texts
        )

    @property
    def much(self) -> bool:
        """Whether the model misses enough for a person to hear of it."""
        splits = self.words >= FEWEST_WORDS and self.split > MUCH_SPLIT * self.words
        return self.unread or splits

    @property
    def what(self) -> str:
        """What the model knows too little of, in a few words."""
        if self.unread:
            share = (self.unknown + self.spelled) / self.texts
            return f"the words of {share:.0%} of the training texts"
        return f"the language (of its {self.words} most frequent words, {self.split} are in pieces)"

    @classmethod
    def from_dict(cls, counts: Mapping[str, Any]) -> Self:
        """What metrics.json says; older runs have counted no words."""
        return cls(**{"example": None, **counts})

    def as_dict(self) -> dict[str, float]:
        """For metrics.json."""
        return {name: n for name, n in asdict(self).items() if name != "example"}


def tokenizer_file(model: str, root: Path) -> Path | None:
    """The tokenizer of `train.model`, if it lies on this machine in the form of one file.

    Args:
        model: "default", a folder or a Hub id.
        root: of the project, which a folder is relative to.
    """
    if model == "default":
        if find_spec(DEFAULT_MODEL_PACKAGE) is None:
            return None
        return Path(str(resources.files(DEFAULT_MODEL_PACKAGE) / "model" / TOKENIZER_FILE))
    folder = root / model
    if folder.is_dir():
        return folder / TOKENIZER_FILE if (folder / TOKENIZER_FILE).is_file() else None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(model, TOKENIZER_FILE)
    except HFValidationError:  # no Hub id: loading the model says so
        return None
    return Path(found) if isinstance(found, str) else None


def unread_texts(model: str, root: Path, texts: Sequence[str]) -> Unread | None:
    """What the tokenizer of `train.model` makes of some of these texts, drawn by a fixed seed.

    Returns:
        None where there is nothing to complain of, or the tokenizer is not to be had here.
    """
    file = tokenizer_file(model, root)
    if file is None or not texts:
        return None
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    drawn = np.random.default_rng(0).permutation(len(texts))[:LOOKED_AT]
    places = sorted(drawn.tolist())
    shown = [texts[place][:CHARACTERS].encode(errors="replace").decode() for place in places]
    encoded = tokenizer.encode_batch(shown, add_special_tokens=False)
    unknown = _unknown_id(tokenizer, file)
    kinds = [_kind(*each, unknown) for each in zip(shown, encoded, strict=True)]
    example = next((place for place, kind in zip(places, kinds, strict=True) if kind), None)
    counts = len(kinds), kinds.count("unknown"), kinds.count("spelled")
    found = Unread(*counts, example)
    if tokenizer.get_vocab_size() < MULTILINGUAL:
        found = Unread(*counts, example, *_split(shown, encoded))
    return found if found.much else None


def warning(found: Unread, model: str, row_id: str | None = None) -> str:
    """What a person should know before and after training.

    Args:
        found: much that is not known.
        model: as `train.model` names it.
        row_id: of `found.example`; None: rows are not to be named.
    """
    if not found.unread:
        return (
            f"train.model = {model!r} does not know the language of these texts: it breaks "
            f"{found.split} of their {found.words} most frequent words into pieces, "
            f"{found.pieces:.1f} a word on average, where a model of their language has about 1.1. "
            f"It has learned little of what such pieces mean. {REMEDY}."
        )
    parts = []
    if found.unknown:
        parts.append(f"{found.unknown / found.texts:.0%} consist of unknown tokens alone")
    if found.spelled:
        share = f"{found.spelled / found.texts:.0%}"
        parts.append(f"{share} are split into single letters, or partly unknown")
    where = "" if row_id is None else f", row {row_id!r} for one"
    return (
        f"train.model = {model!r} does not know the language of many texts: of {found.texts:,} "
        f"looked at {' and '.join(parts)}{where}. All unknown tokens look alike to it, so it "
        f"cannot tell such rows apart, whatever the LFs say. {REMEDY}."
    )


def _unknown_id(tokenizer: Tokenizer, file: Path) -> int | None:
    model = json.loads(file.read_bytes())["model"]
    if (number := model.get("unk_id")) is not None:
        return int(number)
    token = model.get("unk_token")
    return None if token is None else tokenizer.token_to_id(token)


def _kind(text: str, encoded: Encoding, unknown: int | None) -> str:
    """`unknown`, `spelled`, or nothing for a text that is read, or that has no words."""
    unknowns = letters = signs = others = 0
    for token, (start, end) in zip(encoded.ids, encoded.offsets, strict=True):
        piece = text[start:end].strip()
        if token == unknown:
            unknowns += 1
        elif len(piece) == 1 and _stands_for_little(piece):
            letters += 1
        elif len(piece) == 1 and piece.isalpha():
            signs += 1
        elif any(character.isalpha() for character in piece):
            others += 1
    tokens = unknowns + letters + signs + others
    if unknowns and unknowns == tokens:
        return "unknown"
    few = unknowns + letters < FEW_LETTERS
    spelled = not few and unknowns + letters >= NEARLY_ALL * tokens
    in_signs = signs > 0 and unknowns + signs >= FEW_LETTERS
    return "spelled" if spelled or (in_signs and unknowns > MANY_UNKNOWN * tokens) else ""


def _split(texts: Sequence[str], encoded: Sequence[Encoding]) -> tuple[int, int, float]:
    """Of the most frequent words: how many there are, how many are split, and pieces a word."""
    count: Counter[str] = Counter()
    pieces: Counter[str] = Counter()
    for text, tokens in zip(texts, encoded, strict=True):
        starts = sorted(start for start, _ in tokens.offsets)
        ends = sorted(end for _, end in tokens.offsets)
        for word in WORD.finditer(text):
            name = word.group().casefold()
            count[name] += 1
            pieces[name] += bisect_left(starts, word.end()) - bisect_right(ends, word.start())
    words = [name for name, _ in count.most_common(MOST_FREQUENT)]
    if not words:
        return 0, 0, 1.0
    means = np.array([pieces[name] / count[name] for name in words])
    return len(words), int((means > MOSTLY_WHOLE).sum()), round(float(means.mean()), 2)


def _stands_for_little(character: str) -> bool:
    """Whether it is a letter or a symbol, and not one that stands for a word or a syllable."""
    is_sign = unicodedata.category(character)[0] in "LMS"
    return is_sign and not unicodedata.name(character, "").startswith(ONE_TOKEN_EACH)
