"""What a model made of texts, kept in a file from process to process."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

MOST_KEPT = 500_000  # texts in the file

Ids = list[int]


class KeptTensors:
    """Tensors of one shape by the key of their text.

    Args:
        file: where they stand; None: in memory alone.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._known = {} if file is None or not file.exists() else _read(file)

    def __contains__(self, key: bytes) -> bool:
        return key in self._known

    def __getitem__(self, key: bytes) -> torch.Tensor:
        return self._known[key]

    def __setitem__(self, key: bytes, found: torch.Tensor) -> None:
        self._known[key] = found

    def write(self, asked: Sequence[bytes]) -> None:
        """Keep all that is known, or what was asked for last if that has grown too large."""
        if self._file is None:
            return
        kept = list(self._known) if len(self._known) <= MOST_KEPT else list(dict.fromkeys(asked))
        keys = np.stack([np.frombuffer(key, dtype=np.uint8) for key in kept])
        states = torch.stack([self._known[key] for key in kept])
        self._file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._file.with_suffix(f".{os.getpid()}.tmp")
        save_file({"keys": torch.from_numpy(keys), "states": states}, unfinished)
        unfinished.replace(self._file)


def key_of(ids: Ids) -> bytes:
    """The key of a text, from its token ids."""
    return hashlib.blake2b(np.asarray(ids, dtype=np.int64).tobytes(), digest_size=16).digest()


def file_for(parameters: Iterable[tuple[str, nn.Parameter]], folder: Path) -> Path:
    """The file of what these parameters make of texts."""
    digest = hashlib.sha256()
    for name, parameter in parameters:
        digest.update(name.encode())
        digest.update(parameter.detach().cpu().numpy().tobytes())
    return folder / f"{digest.hexdigest()[:32]}.safetensors"


def _read(file: Path) -> dict[bytes, torch.Tensor]:
    kept = load_file(file)
    keys = kept["keys"].numpy()
    return {key.tobytes(): states for key, states in zip(keys, kept["states"], strict=True)}
