"""Batches of tokens are those of the tokenizer, and faster."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from weakft.end_model import EndModel
from weakft.processors import TextProcessor

rows_of_tokens = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=7), min_size=1)


@pytest.fixture(scope="module")
def processor(tiny_model: Path) -> TextProcessor:
    model = EndModel.from_pretrained(str(tiny_model), ["a", "b"], max_length=16, seed=0)
    assert isinstance(model.processor, TextProcessor)
    return model.processor


@pytest.mark.parametrize("side", ["left", "right"])
@given(rows=rows_of_tokens)
@settings(max_examples=50, deadline=None)
def test_a_batch_is_padded_as_the_tokenizer_pads_it(
    processor: TextProcessor, side: str, rows: list[list[int]]
) -> None:
    processor.saved.padding_side = side
    batch = processor.batch(rows)
    wanted = processor.saved.pad({"input_ids": rows}, return_tensors="pt")
    assert batch.keys() == wanted.keys()
    for name, part in batch.items():
        assert torch.equal(part, wanted[name])
        assert part.dtype == wanted[name].dtype
