"""The tokens of texts, kept in a file from process to process."""

import hashlib
import tempfile
from collections.abc import Callable
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import PreTrainedTokenizerBase

from weakft.kept_tensors import (
    KEY_BYTES,
    MOST_KEPT,
    Ids,
    joined_keys,
    read_tensors,
    split_keys,
    write_tensors,
)


class KeptTokens:
    """Token ids by text.

    Args:
        file: where they stand.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[bytes, Ids] = {}
        if kept := read_tensors(file):
            tokens, ends = kept["tokens"].tolist(), kept["ends"].tolist()
            entries = [tokens[start:end] for start, end in pairwise([0, *ends])]
            self._known = dict(zip(split_keys(kept["keys"]), entries, strict=True))

    def of(self, texts: list[str], tokenise: Callable[[list[str]], list[Ids]]) -> list[Ids]:
        """The tokens of these texts, in order; those not known are made, and kept."""
        keys = [_key_of(text) for text in texts]
        missing = {
            key: text for key, text in zip(keys, texts, strict=True) if key not in self._known
        }
        if missing:
            self._known |= zip(missing, tokenise(list(missing.values())), strict=True)
            if len(self._known) > MOST_KEPT:
                self._known = {key: self._known[key] for key in keys}
            self._write()
        return [self._known[key] for key in keys]

    def _write(self) -> None:
        entries = self._known.values()
        tokens = np.fromiter(chain.from_iterable(entries), dtype=np.int32)
        kept = {
            "keys": joined_keys(self._known),
            "tokens": torch.from_numpy(tokens),
            "ends": torch.tensor([len(ids) for ids in entries]).cumsum(0),
        }
        write_tensors(self._file, kept)


def tokens_file(tokenizer: PreTrainedTokenizerBase, max_length: int, folder: Path) -> Path:
    """The file of what a tokenizer, as it was loaded, makes of texts."""
    digest = hashlib.sha256(f"{transformers.__version__} {max_length}".encode())
    with tempfile.TemporaryDirectory(prefix="weakft-") as scratch:
        tokenizer.save_pretrained(scratch)
        for part in sorted(Path(scratch).iterdir()):
            digest.update(part.read_bytes())
    return folder / f"{digest.hexdigest()[:32]}.safetensors"


def _key_of(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()
