"""Texts that a model's tokenizer does not know: unknown tokens, or one token a letter.

The tokenizer is read from its file, without torch.
"""

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from tokenizers import Encoding, Tokenizer

from weakft.config.train import DEFAULT_MODEL_PACKAGE

TOKENIZER_FILE = "tokenizer.json"
LOOKED_AT = 1000  # texts
CHARACTERS = 2000  # of a text
MUCH_UNKNOWN, MUCH_SPELLED = 0.05, 0.2  # of the texts
NEARLY_ALL = 0.9  # of a text's tokens
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
        spelled: how many others are cut into single letters, nearly all of them.
        example: position of one such text, the first.
    """

    texts: int
    unknown: int
    spelled: int
    example: int | None

    @property
    def much(self) -> bool:
        """Whether the model misses enough for a person to hear of it."""
        return (
            self.unknown > MUCH_UNKNOWN * self.texts
            or self.unknown + self.spelled > MUCH_SPELLED * self.texts
        )

    def as_dict(self) -> dict[str, int]:
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
    found = Unread(len(kinds), kinds.count("unknown"), kinds.count("spelled"), example)
    return found if found.much else None


def warning(found: Unread, model: str, row_id: str | None = None) -> str:
    """What a person should know before and after training.

    Args:
        found: much that is not known.
        model: as `train.model` names it.
        row_id: of `found.example`; None: rows are not to be named.
    """
    parts = []
    if found.unknown:
        parts.append(f"{found.unknown / found.texts:.0%} consist of unknown tokens alone")
    if found.spelled:
        parts.append(f"{found.spelled / found.texts:.0%} are read letter by letter")
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
    unknowns = letters = others = 0
    for token, (start, end) in zip(encoded.ids, encoded.offsets, strict=True):
        piece = text[start:end].strip()
        if token == unknown:
            unknowns += 1
        elif len(piece) == 1 and _stands_for_little(piece):
            letters += 1
        elif any(character.isalpha() for character in piece):
            others += 1
    if unknowns and not letters + others:
        return "unknown"
    many = unknowns + letters >= FEW_LETTERS
    return (
        "spelled"
        if many and unknowns + letters >= NEARLY_ALL * (unknowns + letters + others)
        else ""
    )


def _stands_for_little(character: str) -> bool:
    """Whether it is a letter or a symbol, and not one that stands for a word or a syllable."""
    is_sign = unicodedata.category(character)[0] in "LMS"
    return is_sign and not unicodedata.name(character, "").startswith(ONE_TOKEN_EACH)
