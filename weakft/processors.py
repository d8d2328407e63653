"""What a model is fed: texts as token ids, images as pixels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import BaseImageProcessor, PreTrainedTokenizerBase

from weakft.images import open_image
from weakft.kept_tokens import KeptTokens, tokens_file

Batch = dict[str, torch.Tensor]

MOST_REMEMBERED = 200_000  # texts whose tokens are remembered
TEXTS_AT_ONCE = 500
SAVED_AS_SET = ("model_input_names", "padding_side", "truncation_side")
PROBES = ("a", "1", "的")


class Processor(Protocol):
    """Turns rows (texts, or paths of images) into what a model takes, a batch at a time."""

    saved: Any
    max_length: int

    def encode(self, rows: Sequence[str]) -> Sequence[Any]:
        """One entry a row."""

    def length(self, encoded: Any) -> int:  # noqa: ANN401
        """How much of a batch's width an entry needs."""

    def batch(self, encoded: Iterable[Any]) -> Batch:
        """Entries as the tensors of one batch."""

    def cut_off(self, rows: Sequence[str]) -> int:
        """How many rows are not read to their end."""

    def save(self, folder: Path) -> None:
        """Write it as transformers reads it."""


@dataclass(frozen=True)
class TokenTypes:
    """The token types of a single text: the tokens around it have their own, its own have one.

    So they follow from the number of tokens. For pairs of texts they would not.

    Attributes:
        before: of the tokens that the tokenizer puts before a text.
        text: of the text's own.
        behind: of the tokens that the tokenizer puts behind a text.
    """

    before: tuple[int, ...]
    text: int
    behind: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> "TokenTypes | None":
        """Of a tokenizer, as it returns them by default; None where it returns none."""
        if "token_type_ids" not in tokenizer.model_input_names:
            return None
        for text in PROBES:
            encoded = tokenizer(text, return_special_tokens_mask=True)
            types = encoded["token_type_ids"]
            own = np.flatnonzero(np.array(encoded["special_tokens_mask"]) == 0).tolist()
            if own:
                return cls(tuple(types[: own[0]]), types[own[0]], tuple(types[own[-1] + 1 :]))
        return cls(tuple(types), 0, ())

    def of_length(self, tokens: int) -> list[int]:
        """One for each token of a text with so many.

        Example:
            >>> TokenTypes((), 0, (0, 2)).of_length(4)
            [0, 0, 0, 2]
        """
        own = max(tokens - len(self.before) - len(self.behind), 0)
        return [*self.before, *[self.text] * own, *self.behind][:tokens]

    @property
    def constant(self) -> bool:
        """Whether all of them are 0."""
        return not any((*self.before, self.text, *self.behind))


class TextProcessor:
    """A tokenizer, and how many tokens of a text are read.

    A batch holds what the tokenizer returns by default (`model_input_names`), so that whoever
    loads model and tokenizer feeds the model what it was trained on.

    Args:
        tokenizer: with a padding token.
        max_length: tokens of a text that are read; the rest is cut off.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, max_length: int) -> None:
        self.saved = tokenizer
        self.max_length = max_length
        self.token_types = TokenTypes.of(tokenizer)
        self._known: dict[str, list[int]] = {}
        self._kept: KeptTokens | None = None

    def keep_in(self, folder: Path) -> None:
        """Remember tokens from process to process; to be called before any text is encoded."""
        self._kept = KeptTokens(tokens_file(self.saved, self.max_length, folder))

    def encode(self, rows: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, cut to `max_length`; not to be changed, they are remembered."""
        new = list(dict.fromkeys(text for text in rows if text not in self._known))
        if len(self._known) + len(new) > MOST_REMEMBERED:
            return self._tokens(list(rows))
        if new:
            found = self._tokens(new) if self._kept is None else self._kept.of(new, self._tokens)
            self._known.update(zip(new, found, strict=True))
        return [self._known[text] for text in rows]

    def _tokens(self, texts: list[str], most: int | None = None) -> list[list[int]]:
        """Some texts at a time: the tokenizer holds all of a text, however little is read."""
        ids: list[list[int]] = []
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            encoded = self.saved(
                texts[start : start + TEXTS_AT_ONCE],
                truncation=True,
                max_length=most or self.max_length,
                return_attention_mask=False,
                return_token_type_ids=False,
            )
            ids += encoded["input_ids"]
        return ids

    def length(self, encoded: list[int]) -> int:
        """Tokens."""
        return len(encoded)

    def batch(self, encoded: Iterable[list[int]]) -> Batch:
        """Padded to the longest, as the tokenizer's own `pad` would; `input_ids` come first."""
        rows = list(encoded)
        lengths = np.fromiter(map(len, rows), dtype=np.int64)[:, None]
        places = np.arange(lengths.max())
        if self.saved.padding_side == "left":
            places = places[::-1]
        mask = places < lengths
        ids = np.full(mask.shape, self.saved.pad_token_id, dtype=np.int64)
        ids[mask] = np.fromiter(chain.from_iterable(rows), dtype=np.int64)
        batch = {
            "input_ids": torch.from_numpy(ids),
            "attention_mask": torch.from_numpy(mask.astype(np.int64)),
        }
        if self.token_types is not None:
            types = np.full(mask.shape, self.saved.pad_token_type_id, dtype=np.int64)
            types[mask] = self._types_of(lengths[:, 0])
            batch["token_type_ids"] = torch.from_numpy(types)
        return batch

    def _types_of(self, lengths: Iterable[int]) -> int | list[int]:
        assert self.token_types is not None
        if self.token_types.constant:
            return 0
        return [each for length in lengths for each in self.token_types.of_length(length)]

    def cut_off(self, rows: Sequence[str]) -> int:
        """How many of the texts have more tokens than are read."""
        full = [
            text
            for text, ids in zip(rows, self.encode(rows), strict=True)
            if len(ids) >= self.max_length
        ]
        one_more = self._tokens(full, self.max_length + 1)
        return sum(len(ids) > self.max_length for ids in one_more)

    def save(self, folder: Path) -> None:
        """Write the tokenizer; it keeps `max_length`, padding side and names of its inputs.

        transformers cuts to `max_length` where it is called with `truncation=True`, and not
        otherwise, whatever is written here; the library tokenizers always does.
        """
        saved = self.saved
        saved.model_max_length = self.max_length
        saved.init_kwargs |= {name: getattr(saved, name) for name in SAVED_AS_SET}
        if saved.is_fast:
            saved.init_kwargs["max_length"] = self.max_length
            self.cut_and_pad(saved.backend_tokenizer)
        saved.save_pretrained(folder)

    def cut_and_pad(self, tokenizer: Tokenizer) -> None:
        """Make the library tokenizers cut and pad texts as they are cut and padded here."""
        saved = self.saved
        tokenizer.enable_truncation(self.max_length, direction=saved.truncation_side)
        tokenizer.enable_padding(
            pad_id=saved.pad_token_id,
            pad_token=saved.pad_token,
            pad_type_id=saved.pad_token_type_id,
            direction=saved.padding_side,
        )


class ImageProcessor:
    """An image processor of transformers; images are read when their batch is made.

    Args:
        processor: resizes, crops and normalises.
    """

    max_length = 1

    def __init__(self, processor: BaseImageProcessor) -> None:
        self.saved = processor

    def encode(self, rows: Sequence[str]) -> Sequence[str]:
        """The paths."""
        return rows

    def length(self, encoded: str) -> int:
        """All images are of one size to the model."""
        return self.max_length

    def batch(self, encoded: Iterable[str]) -> Batch:
        """[b, 3, height, width] pixels, as the model wants them.

        Raises:
            DataError: a file cannot be read as an image.
        """
        return dict(self.saved([open_image(path) for path in encoded], return_tensors="pt"))

    def cut_off(self, rows: Sequence[str]) -> int:
        """None: an image is seen whole."""
        return 0

    def save(self, folder: Path) -> None:
        """Write `preprocessor_config.json`."""
        self.saved.save_pretrained(folder)
