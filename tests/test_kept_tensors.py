"""What was computed of a text is found again, and no more than a limit stays."""

from pathlib import Path

import pytest
import torch

from weakft import kept_tensors
from weakft.kept_tensors import KeptTensors, key_of

KEYS = [key_of([number]) for number in range(6)]


def tensors(*numbers: int) -> dict[bytes, torch.Tensor]:
    return {KEYS[number]: torch.full((1, 3), float(number)) for number in numbers}


@pytest.mark.parametrize("on_disk", [False, True])
def test_what_is_kept_is_found_in_the_order_asked_for(on_disk: bool, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "kept.safetensors" if on_disk else None
    kept = KeptTensors(file)
    kept.keep(tensors(0, 1), KEYS[:2])
    kept.keep(tensors(4), KEYS[4:5])
    if on_disk:
        kept = KeptTensors(file)
    assert [key in kept for key in KEYS] == [True, True, False, False, True, False]
    found = kept.take([KEYS[4], KEYS[0], KEYS[4]])
    assert torch.equal(found, torch.tensor([4.0, 0.0, 4.0])[:, None, None].expand(3, 1, 3))


def test_too_many_are_cut_to_those_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_tensors, "MOST_KEPT", 3)
    kept = KeptTensors(tmp_path / "kept.safetensors")
    kept.keep(tensors(0, 1, 2), KEYS[:3])
    kept.keep(tensors(5), [KEYS[5], KEYS[1], KEYS[5]])
    for each in (kept, KeptTensors(tmp_path / "kept.safetensors")):
        assert [key in each for key in KEYS] == [False, True, False, False, False, True]
        assert each.take([KEYS[1], KEYS[5]]).flatten().tolist() == [1.0] * 3 + [5.0] * 3
