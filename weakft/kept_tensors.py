"""What a model made of texts, kept in a file from process to process."""

import hashlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from weakft.files import give_default_mode, swapping

MOST_KEPT = 500_000  # texts
KEY_BYTES = 16
CHECKSUM = "sha256"  # of names, types, shapes and values

Ids = list[int]


class KeptTensors:
    """Tensors of one shape by the key of their text.

    Args:
        file: where they stand; None: in memory alone.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._rows: dict[bytes, int] = {}
        self._tensors = torch.empty(0)
        if file is not None and (kept := read_tensors(file)):
            self._rows = {key: row for row, key in enumerate(split_keys(kept["keys"]))}
            self._tensors = kept["states"]

    def __contains__(self, key: bytes) -> bool:
        return key in self._rows

    def take(self, keys: Sequence[bytes]) -> torch.Tensor:
        """[n, ...] the tensors of these keys, in order."""
        return self._tensors[[self._rows[key] for key in keys]]

    def keep(self, found: Mapping[bytes, torch.Tensor], asked: Sequence[bytes]) -> None:
        """Add what was found; once that is too much, only what is asked for now stays."""
        known = len(self._rows)
        self._rows |= {key: known + row for row, key in enumerate(found)}
        new = torch.stack(list(found.values()))
        self._tensors = torch.cat([self._tensors, new]) if known else new
        if len(self._rows) > MOST_KEPT:
            wanted = list(dict.fromkeys(asked))
            self._tensors = self.take(wanted)
            self._rows = {key: row for row, key in enumerate(wanted)}
        if self._file is not None:
            write_tensors(self._file, {"keys": joined_keys(self._rows), "states": self._tensors})


def read_tensors(file: Path) -> dict[str, torch.Tensor]:
    """The tensors that `write_tensors` wrote; none of a missing or damaged file."""
    try:
        with safe_open(file, "pt") as opened:
            checksum = (opened.metadata() or {}).get(CHECKSUM)
        tensors: dict[str, torch.Tensor] = load_file(file)
    except (OSError, SafetensorError):
        return {}
    return tensors if checksum == _checksum(tensors) else {}


def write_tensors(file: Path, tensors: dict[str, torch.Tensor]) -> None:
    """Write tensors, with their checksum, to a file that readers see whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with swapping(file) as draft:
        save_file(tensors, draft, {CHECKSUM: _checksum(tensors)})
        give_default_mode(draft)


def _checksum(tensors: Mapping[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name, values in sorted(tensors.items()):
        digest.update(f"{name} {values.dtype} {list(values.shape)} ".encode())
        digest.update(values.contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def joined_keys(keys: Iterable[bytes]) -> torch.Tensor:
    """[n, 16] bytes of n keys."""
    return torch.frombuffer(bytearray(b"".join(keys)), dtype=torch.uint8).view(-1, KEY_BYTES)


def split_keys(joined: torch.Tensor) -> list[bytes]:
    """What `joined_keys` joined."""
    all_bytes = joined.numpy().tobytes()
    return [all_bytes[at : at + KEY_BYTES] for at in range(0, len(all_bytes), KEY_BYTES)]


def key_of(ids: Ids) -> bytes:
    """The key of a text, from its token ids."""
    return hashlib.blake2b(array("q", ids), digest_size=KEY_BYTES).digest()


def file_for(parameters: Iterable[tuple[str, nn.Parameter]], folder: Path) -> Path:
    """The file of what these parameters make of texts."""
    digest = hashlib.sha256()
    for name, parameter in parameters:
        digest.update(name.encode())
        digest.update(parameter.detach().cpu().numpy().tobytes())
    return folder / f"{digest.hexdigest()[:32]}.safetensors"
