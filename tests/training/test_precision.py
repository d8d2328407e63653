"""bf16 is taken where it is quicker, which is timed."""

from collections.abc import Iterator

import pytest
import torch

from weakft.config import TrainConfig
from weakft.training import precision
from weakft.training.precision import bf16_pays, seconds_of_product, uses_bf16

cpu_only = pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU answers by itself")


@pytest.fixture(autouse=True)
def asked_afresh() -> Iterator[None]:
    bf16_pays.cache_clear()
    yield
    bf16_pays.cache_clear()


def test_what_is_configured_stands() -> None:
    assert uses_bf16(TrainConfig(bf16=True))
    assert not uses_bf16(TrainConfig(bf16=False))


def test_a_product_takes_time() -> None:
    assert seconds_of_product(torch.float32) > 0


@cpu_only
@pytest.mark.parametrize(("bf16_takes", "pays"), [(0.5, True), (0.9, False), (2.0, False)])
def test_the_quicker_is_taken(
    bf16_takes: float, pays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "CPU_FLAGS", ("",))
    monkeypatch.setattr(
        precision, "seconds_of_product", {torch.bfloat16: bf16_takes, torch.float32: 1.0}.get
    )
    assert uses_bf16(TrainConfig()) == pays


@cpu_only
def test_a_cpu_without_bf16_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "CPU_FLAGS", ())
    monkeypatch.setattr(precision, "seconds_of_product", None)
    assert not uses_bf16(TrainConfig())
